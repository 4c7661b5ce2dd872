"""The part of a report that tells what a run's controls found: repeats, orders of options, words without sound."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from sv_eval.report.change import Change
from sv_eval.report.interval import Interval, Rounded
from sv_eval.report.shares import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """The same clips asked about again and again."""

    n_clips: int
    """Clips that were answered each time."""
    times: int
    """How often."""
    flipped: Share
    """Clips whose answers were not all the same, right or wrong."""
    pass_k: tuple[Interval, ...]
    """For k = 1, 2, ...: how surely k answers to a clip are all right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders(Rounded):
    """The same clips with the options in every order."""

    n_clips: int
    """Clips that were answered in each."""
    n_orders: int
    """Orders."""
    n_options: int
    """Options."""
    counts: tuple[int, ...]
    """Answers at each place, the first one first."""
    first: Share
    """Answers at the first place, of those that are an option."""
    pull: float | None
    """The share of answers that the first place alone explains; below 0 where it is avoided."""
    pull_low: float | None
    """Lower bound."""
    pull_high: float | None
    """Upper bound."""
    accuracy: Interval
    """The mean accuracy over all orders."""
    lowest: float | None
    """The accuracy under the one order that gives the least."""
    highest: float | None
    """And under the one that gives the most."""
    consistent: Share
    """Clips with the same answer in every order."""
    accuracy_of_consistent: Share
    """The right ones among them."""
    accuracy_of_votes: Share
    """Clips of which most orders give the right answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The transcripts without the sound, against the run's own answers to the same clips."""

    n_clips: int
    """Clips that were answered both ways."""
    uar: Change
    """UAR: `before` of the words alone, `after` of the sound."""
    accuracy: Change
    """The share of right answers likewise."""
    n_sentences: int
    """Different transcripts."""
    shared: Share
    """Clips whose transcript is said under several emotions, so that it can't tell."""
    fixed: bool
    """Whether nearly all are: then words tell nothing, whoever reads them, and the control proves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """What the controls found; each not set where it was not asked for."""

    repeated: Repeated | UnsetType = UNSET
    """Is the answer the same again?"""
    orders: Orders | UnsetType = UNSET
    """Does the order of the options decide?"""
    words: Words | UnsetType = UNSET
    """Do the words tell it all?"""
