"""The failure budget: when a run is hopeless and ends early."""

from __future__ import annotations

from dataclasses import dataclass

from sv_eval.errors import ConfigError

_ENOUGH_TO_JUDGE = 20


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

    def __post_init__(self) -> None:
        if self.limit < 0 or (self.limit >= 1 and self.limit != int(self.limit)):
            raise ConfigError(
                f"run.max_failures={self.limit}: give a share between 0 and 1, or a whole number of clips"
            )

    def count(self, *, failed: bool) -> None:
        """Take one finished clip into account."""
        self.finished += 1
        self.failed += failed

    def spent(self, *, at_end: bool = False) -> bool:
        """Whether more has failed than allowed."""
        if self.limit >= 1 or self.limit == 0:
            return self.failed > self.limit
        enough = at_end or self.finished >= _ENOUGH_TO_JUDGE
        return enough and self.failed > self.limit * self.finished

    def __str__(self) -> str:
        """What was counted, for messages."""
        return f"{self.failed} of {self.finished} clips failed, run.max_failures={self.limit:g}"
