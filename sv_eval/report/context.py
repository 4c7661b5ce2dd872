"""The parts of a report that say what its figures are to be held against: the label map, publications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from sv_eval.report.interval import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedWord:
    """What becomes of a word of the corpus that is finer than the seven emotions."""

    raw: str
    """The corpus's own word."""
    word: str
    """The finer word that it stands for."""
    n: int
    """Clips."""
    counts_as: str
    """The class that they count as."""
    by_default: bool
    """Whether that is so without a switch."""
    alternatives: tuple[str, ...]
    """What others count it as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidWord:
    """What becomes of a word of the recogniser's own."""

    raw: str
    """The word as it came."""
    word: str | None
    """What it means; null where no map holds it."""
    n: int
    """Answers."""
    counts_as: str | None
    """The class that they count as, `unknown` for a declined answer; null where no map holds the word."""
    mixed: bool
    """Whether it is several signs of different emotions, of which the first most frequent counts."""
    clips: tuple[str, ...]
    """The first few clips that were answered so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quadrants:
    """Emotions for answers that tell arousal and valence and no emotion."""

    arousal: float = 0.5
    """From which share of its declared range on arousal is high."""
    valence: float = 0.5
    """From which share of its declared range on valence is positive."""
    high_positive: str
    """The emotion of high arousal and positive valence."""
    high_negative: str
    """Of high arousal and negative valence."""
    low_negative: str
    """Of low arousal and negative valence."""
    low_positive: str
    """Of low arousal and positive valence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMap:
    """The label map that a run was scored under."""

    name: str
    """What reports call it."""
    version: int
    """Raised whenever a class or a merge changes."""
    classes: Mapping[str, tuple[str, ...]]
    """Class to the emotions that it holds."""
    merges: Mapping[str, str]
    """Finer word to what it counts as."""
    hash: str
    """Over classes, merges and words."""
    scored_classes: tuple[str, ...]
    """The classes that may be scored, in order."""
    merged: tuple[MergedWord, ...]
    """Every finer word of the corpus."""
    words: Mapping[str, tuple[str, ...]] | UnsetType = UNSET
    """Meaning to what it is called, as the user has it; not set without any."""
    said: tuple[SaidWord, ...] | UnsetType = UNSET
    """Every word of the recogniser's own that is finer than the seven or in no map; not set without any."""
    answer_words: str | UnsetType = UNSET
    """The map of the recogniser's words: its name, version and hash; not set for one without words of its own."""
    quadrants: Quadrants | UnsetType = UNSET
    """Emotions of answers that have dimensions alone; not set without such a map."""
    by_quadrant: Mapping[str, int] | UnsetType = UNSET
    """How many answers each of them was given to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """Something known of a publication's protocol that is not so in this run."""

    code: str
    """What."""
    expected: str | tuple[str, ...] | UnsetType | None = UNSET
    """What the publication has."""
    found: str | tuple[str, ...] | int | UnsetType | None = UNSET
    """What this run has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedComparison:
    """A published figure beside the run's own; shares."""

    published: float
    """What was published."""
    measured: float | None
    """What was measured; null where the protocols differ."""
    low: float | None
    """Lower bound of the measured one."""
    high: float | None
    """Upper bound."""
    difference: float | None
    """Measured less published."""

    @property
    def here(self) -> Interval:
        """The measured one with its bounds."""
        return Interval(value=self.measured, low=self.low, high=self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What has been published about the corpus of a run."""

    name: str
    """Its name in our table."""
    title: str
    """What a reader calls it."""
    source: str
    """Where it stands."""
    url: str | None
    """Its address."""
    unstated: tuple[str, ...]
    """What of the protocol nobody stated."""
    policy: str
    """The unknown policy that it is compared under."""
    matches: bool
    """Whether nothing known of its protocol speaks against comparing."""
    mismatches: tuple[Mismatch, ...]
    """What does."""
    macro_f1_inferred: float | None
    """This run's macro F1 over every class that occurs as an answer; null where it is not compared."""
    figures: Mapping[str, PublishedComparison]
    """By figure."""
