"""The failure budget: when a run is hopeless and ends early."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sv_eval.errors import ConfigError
from sv_eval.foreign_text import visible

_ENOUGH_TO_JUDGE = 20
_MOST_KINDS = 3
_LONGEST_MESSAGE = 300


@dataclass(slots=True)
class FailureBudget:
    """Counts failures against `limit`: a whole number is a count, a fraction below 1 a share of the clips.

    A share is judged from the 20th finished clip on, so that one bad file at the start ends nothing, and
    once more when the run is over.
    """

    limit: float
    """The most failures: `0.2` a fifth of the clips, `10` ten clips."""
    finished: int = 0
    """Clips that have a record."""
    failed: int = 0
    """Those of them that are failures."""
    kinds: Counter[str] = field(default_factory=Counter)
    """Failures by their kind, as far as they were seen."""
    messages: dict[str, str] = field(default_factory=dict)
    """The first message of each kind."""

    def __post_init__(self) -> None:
        if self.limit < 0 or (self.limit >= 1 and self.limit != int(self.limit)):
            raise ConfigError(
                f"run.max_failures={self.limit}: give a share between 0 and 1, or a whole number of clips"
            )

    def count(self, failure: tuple[str, str] | None) -> None:
        """Take one finished clip into account; failure: its kind and message, None for an answer."""
        self.finished += 1
        self.failed += failure is not None
        if failure is not None:
            kind, message = failure
            self.kinds[kind] += 1
            self.messages.setdefault(kind, message)

    def spent(self, *, at_end: bool = False) -> bool:
        """Whether more has failed than allowed."""
        if self.limit >= 1 or self.limit == 0:
            return self.failed > self.limit
        enough = at_end or self.finished >= _ENOUGH_TO_JUDGE
        return enough and self.failed > self.limit * self.finished

    def __str__(self) -> str:
        """What was counted and why clips failed, for messages."""
        counted = f"{self.failed} of {self.finished} clips failed, run.max_failures={self.limit:g}"
        if not self.kinds:
            return counted
        (most, _), *_ = self.kinds.most_common(1)
        kinds = ", ".join(f"{n} {kind}" for kind, n in self.kinds.most_common(_MOST_KINDS))
        more = len(self.kinds) - _MOST_KINDS
        others = f" and {more} more kinds" if more > 0 else ""
        message = " ".join(visible(self.messages[most])[:_LONGEST_MESSAGE].split())
        return f"{counted}; why: {kinds}{others}; the first {most}: {message}"
