"""The part of a report that tells whether some groups of speakers are understood worse than others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from msgspec import UNSET, UnsetType

from sv_eval.report.change import Change
from sv_eval.report.interval import Interval, Rounded

Attribute = Literal["sex", "language", "age", "accent", "pitch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDifference(Change):
    """A group's figure less that of all other clips, `before`; negative is worse for the group."""

    p_adjusted: float | None
    """The two-sided p-value, adjusted over all groups and figures (Holm); null where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(Rounded):
    """The clips of one group, under the headline policy."""

    name: str
    """Its value: `female`, `de`; of pitch `low`, `middle` or `high`."""
    low: float | None
    """Of pitch: the speakers' median pitch is from here on, Hz; null for the lowest group and other attributes."""
    high: float | None
    """Of pitch: it is below here, Hz."""
    n: int
    """Scored clips."""
    n_speakers: int
    """Their speakers; clips without one count each by itself."""
    uar: Interval
    """UAR over the scored emotions."""
    accuracy: Interval
    """The share of right answers."""
    recall: Mapping[str, Interval]
    """The recall of each emotion."""
    uar_difference: GroupDifference
    """UAR less that of the other clips, over the emotions that both have."""
    accuracy_difference: GroupDifference
    """The share of right answers less that of the other clips."""
    recall_difference: Mapping[str, GroupDifference]
    """The same of each emotion's recall."""
    chance: float | None
    """How far a recogniser that guesses would have its UAR in a group of so many clips from that of all, in 99 of
    100 draws; null where that was not drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupsOf:
    """The groups of one attribute."""

    groups: tuple[Group, ...]
    """Those with enough scored clips, by name; of pitch ascending."""
    n_unknown: int
    """Scored clips of which the attribute is not known."""
    too_few: Mapping[str, int]
    """Groups with fewer scored clips than are looked at, and how many they have."""
    worst: str | None
    """The group with the lowest UAR; null where none has one."""
    stands_in_for: str | UnsetType = UNSET
    """The attribute that is not known and that this one stands in for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fairness(Rounded):
    """Figures by groups of speakers, and their differences."""

    attributes: Mapping[str, GroupsOf]
    """By attribute; those with a single group are left out."""
    n_tests: int
    """Differences that the p-values are adjusted over; of two groups, one side is tested."""
