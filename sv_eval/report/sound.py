"""The part of a report that tells what the sound was, and how right the answers were where it was worse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sv_eval.report.interval import Rounded
from sv_eval.report.shares import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution(Rounded):
    """How a fact of the sound is spread over the clips."""

    n: int
    """Clips that it is known of."""
    least: float
    """The smallest."""
    p5: float
    """The 5th percentile."""
    median: float
    """The middle one."""
    p95: float
    """The 95th percentile."""
    most: float
    """The largest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeyondLimit(Rounded):
    """Clips whose sound is not what speech models are made for."""

    n: int
    """How many clips."""
    of: int
    """Of how many that it is known of."""
    limit: float
    """From where on a clip counts, in the fact's own unit."""
    example: str
    """The first such clip by id."""
    median: float
    """The fact's median over all clips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundSlice(Rounded):
    """The scored clips whose sound lies between two values."""

    low: float | None
    """From here on; null for the lowest slice."""
    high: float | None
    """Below here; null for the highest slice."""
    accuracy: Share
    """Right answers under the headline policy; bounds allow for speakers."""
    expected: float | None
    """What the slice would have if each emotion were recognised in it as in the whole run."""
    p: float | None
    """Probability of such a difference from the other clips, each emotion's recall taken off, if there were none;
    null where fewer than two speakers are on a side."""
    p_adjusted: float | None
    """`p`, adjusted over all slices of all facts (Holm)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstSlice(Rounded):
    """The slice that lies furthest below what is expected, those that are sure before the others."""

    fact: str
    """Of which fact."""
    place: int
    """Which of its slices, from 0."""
    difference: float
    """Accuracy less what is expected."""
    sure: bool
    """Whether `p_adjusted` is below 1 - confidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound(Rounded):
    """What the sound of the clips was, as the recogniser heard it."""

    n: int
    """Clips whose sound was looked at."""
    facts: Mapping[str, Distribution]
    """By fact of `SoundFacts`, and `duration_s`."""
    beyond: Mapping[str, BeyondLimit]
    """By limit; not there where no clip is beyond it."""
    slices: Mapping[str, tuple[SoundSlice, ...]]
    """By fact, ascending; facts that are the same in all clips are left out."""
    worst: WorstSlice | None
    """Where the recogniser does worst; null without slices that can be compared."""
