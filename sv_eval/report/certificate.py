"""`certificate.json`: whether a recogniser is wired up rightly, by relations that need no labels."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sv_eval.report.environment import CorpusFacts, MeasuredBackend, Surroundings


class Standing(StrEnum):
    """How a relation stands."""

    HELD = "held"
    """It holds, as far as these clips can tell."""
    BROKEN = "broken"
    """It does not hold, beyond what noise and a model's own sensitivity explain."""
    UNDECIDED = "undecided"
    """It could not be decided."""
    REFUSED = "refused"
    """The service refuses what it needs, and says so."""
    NOT_APPLICABLE = "not_applicable"
    """The backend has nothing that it is about."""


class CertificateVerdict(StrEnum):
    """What all relations come to."""

    SOUND = "sound"
    """None is broken, and all that apply were decided."""
    BROKEN = "broken"
    """At least one is broken."""
    INCONCLUSIVE = "inconclusive"
    """None is broken, but not all that apply could be decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedAnswer:
    """What was answered to a sound."""

    label: str | None
    """The label; None for no emotion, or no answer."""
    confidence: float | None
    """How sure it was, where it says so."""
    text: str | None
    """The transcript."""
    failure: str | None
    """Why there was no answer; None where there was one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipToTry:
    """The clip that shows a broken relation best."""

    clip: str
    """Its id."""
    reference: str | None
    """The file that it is compared with, below the report's folder; None where none was written."""
    guise: str | None
    """The file with its guise; None where it is the same as the reference."""
    answers: tuple[TriedAnswer | None, TriedAnswer | None]
    """What was answered to either; None where nothing was asked of it."""
    gap: float | None
    """How far the answers are apart, 0 to 1; None where that is not the point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationFound:
    """One relation, and how it stands."""

    name: str
    """Its name."""
    rule: str
    """`same`, `near`, `heard` or `own`."""
    standing: Standing
    """How it stands."""
    reason: str | None
    """Why it could not be decided, or does not apply: a code; None elsewhere."""
    sensitive: bool
    """Whether it holds, and the model's answers still change more than by noise."""
    n: int
    """Answers that were judged."""
    off: int
    """Those that it does not hold for."""
    allowed: float
    """The share that may be off by the model's own sensitivity."""
    flips: int
    """Labels that differ."""
    failed: int
    """Requests that failed where the clip as it is was answered."""
    failure: str | None
    """The first failure's kind and message."""
    mean_gap: float | None
    """The mean distance of answers, 0 to 1; None where none is measured."""
    max_gap: float | None
    """The largest one."""
    control: int | None
    """Clips on which the control was heard; None without one."""
    p: float | None
    """The chance that a rightly wired service does this; None where nothing was decided."""
    p_adjusted: float | None
    """The same, adjusted over all decided relations (Holm)."""
    to_try: ClipToTry | None
    """The clip that shows it best; None unless it is broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LikelyCause:
    """One place that several broken relations point at."""

    name: str
    """Its name."""
    explains: tuple[str, ...]
    """The broken relations that follow from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatNoise:
    """What answers to identical requests do."""

    n: int
    """Repeated requests."""
    off: int
    """Those that were answered otherwise."""
    typical: float
    """The 90 % quantile of the distance to the first answer, 0 to 1."""
    off_from: float
    """From which distance on an answer counts as another one."""
    scored: bool
    """Whether answers have scores; without them labels and texts are compared."""
    words: bool
    """Whether texts are compared, since they stay the same when nothing changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """How many relations stand how."""

    held: int
    """Hold."""
    broken: int
    """Are broken."""
    undecided: int
    """Could not be decided."""
    refused: int
    """Are about something that the service refuses."""
    not_applicable: int
    """Do not apply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What the check of a backend's wiring found; distances and chances to four significant digits."""

    schema_version: int = 1
    """Raised when a reader of this file would have to change."""
    verdict: CertificateVerdict
    """What all relations come to."""
    counts: Standings
    """How many stand how."""
    alpha: float
    """How often a rightly wired service may be called broken, over all relations."""
    dataset: CorpusFacts
    """Where the clips are from."""
    backend: MeasuredBackend
    """What was asked."""
    n_clips: int
    """Clips that were used."""
    n_requests: int
    """Requests that were made."""
    wall_s: float
    """How long all of it took, seconds."""
    noise: RepeatNoise
    """What answers to identical requests do."""
    likely_causes: tuple[LikelyCause, ...]
    """What explains several broken relations at once, the likeliest first; what is left stands for itself."""
    relations: tuple[RelationFound, ...]
    """Every relation, in the order in which they were asked."""
    environment: Surroundings
    """What it was measured on."""
