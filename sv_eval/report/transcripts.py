"""The part of a report that tells how well words were heard, and whether emotions suffered where they were not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from sv_eval.report.interval import Interval, Rounded
from sv_eval.report.reasons import Why


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRate(Interval):
    """Word or character errors over the units spoken, with bounds."""

    substitutions: int
    """Units taken for others."""
    deletions: int
    """Units spoken and not recognised."""
    insertions: int
    """Units recognised and not spoken."""
    units: int
    """Words, or characters, spoken."""


@dataclass(frozen=True, kw_only=True)
class OfLanguage:
    """Which clips an error rate is of."""

    language: str
    """As the corpus tags it."""
    measure: str
    """`wer` or `cer`."""
    known: bool | None
    """Whether the recogniser knows the language; null where nobody tells."""


@dataclass(frozen=True, kw_only=True)
class LanguageErrors(ErrorRate, OfLanguage):
    """The error rate of one language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Error rates by measure; null for a measure without a clip."""

    wer: ErrorRate | None
    """Word errors."""
    cer: ErrorRate | None
    """Character errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossBin(Rounded):
    """Clips of one range of error rates."""

    above: float
    """Error rates above this (the first bin: equal to it)."""
    most: float | None
    """Error rates up to this; null for no end."""
    right: int
    """Clips whose emotion was right."""
    wrong: int
    """Clips whose emotion was wrong."""
    accuracy: float | None
    """The share of the right ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cross:
    """Right and wrong emotions by how wrong the words were, under the headline policy."""

    policy: str
    """The headline policy."""
    n: int
    """Clips with both."""
    bins: tuple[CrossBin, ...]
    """By error rate."""
    emotion_right: Measures
    """Of the clips whose emotion was right."""
    emotion_wrong: Measures
    """Of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcripts:
    """How well the words were recognised."""

    normalisation: Mapping[str, str | int]
    """Name and version of how texts were made comparable."""
    n: int
    """Clips compared."""
    n_scored: int
    """Those of them in languages that the recogniser may know."""
    n_without_text: int
    """Clips to which no text was given."""
    n_failed: int
    """Clips without an answer."""
    n_without_words: int
    """Clips of whose transcript nothing is left to compare."""
    unknown_to_recogniser: Mapping[str, int]
    """Clips in languages that the recogniser does not know, by language."""
    wer: ErrorRate | None
    """Word error rate."""
    cer: ErrorRate | None
    """Character error rate."""
    by_language: tuple[LanguageErrors, ...]
    """The languages with the most clips first."""
    by_emotion: Mapping[str, Measures]
    """By the label."""
    cross: Cross | None
    """Words against emotions."""
    wer_reason: Why | UnsetType = UNSET
    """Why there is no word error rate."""
    cer_reason: Why | UnsetType = UNSET
    """Why there is no character error rate."""
    cross_reason: Why | UnsetType = UNSET
    """Why there is no cross table."""
