"""The parts of a report that tell what left its samples: shares of clips that failed, declined, were late or
repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from sv_eval.emotions import UNREAD
from sv_eval.report.interval import Rounded

LEAVING = ("failed", "retried", "resumed", "late", "unmeasured", "unknown", "no_tag", "no_speech", *UNREAD)
"""The shares of a run, by name."""
BY_EMOTION = ("failed", "retried", "unknown", "no_tag", "no_speech", *UNREAD)
"""Those of them that each emotion has, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share(Rounded):
    """How many of some, between bounds at the configured confidence."""

    value: float | None
    """The share; null of none."""
    low: float | None = None
    """Lower bound."""
    high: float | None = None
    """Upper bound."""
    n: int
    """How many."""
    of: int
    """Of how many."""
    worth: float | UnsetType | None = UNSET
    """As how many independent ones the bounds take them; not set where each counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharesOfEmotion:
    """What became of the clips of one emotion."""

    failed: Share
    """No answer."""
    retried: Share
    """Answered, but not at the first attempt."""
    unknown: Share
    """Answered that no emotion is to be named."""
    no_tag: Share
    """Answered without any tag."""
    no_speech: Share
    """Answered that nobody speaks."""
    unparsed: Share | UnsetType = UNSET
    """Answered in words in which no emotion can be read; not set where the run has no such answer."""
    refused: Share | UnsetType = UNSET
    """Declined to answer; not set likewise."""
    hedged: Share | UnsetType = UNSET
    """Answered with several emotions; not set likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """What left the samples. Of requests in all rounds, but for answers, which are of the first."""

    failed: Share
    """Requests without an answer."""
    retried: Share
    """Requests that were answered, but not at the first attempt."""
    resumed: Share
    """Answers from other starts of the run than the one that clean latency is of."""
    late: Share
    """Requests that were sent later than `load.max_late_ms` after their moment; of those with one."""
    unmeasured: Share
    """Answers that have no latency."""
    unknown: Share
    """Clips answered that no emotion is to be named."""
    no_tag: Share
    """Clips answered without any tag."""
    no_speech: Share
    """Clips answered that nobody speaks."""
    by_emotion: Mapping[str, SharesOfEmotion]
    """By scored class."""
    unparsed: Share | UnsetType = UNSET
    """Clips answered in words in which no emotion can be read; not set where the run has no such answer."""
    refused: Share | UnsetType = UNSET
    """Clips that the model declined to answer; not set likewise."""
    hedged: Share | UnsetType = UNSET
    """Clips answered with several emotions; not set likewise."""
