"""What a relation is: how a clip is disguised or asked, and what must hold between the answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sv_eval.backend import Answer
from sv_eval.studies.certify.asking import Bench
from sv_eval.studies.certify.guise import Comparison, Material


class Rule(StrEnum):
    """How answers are held against each other."""

    SAME = "same"
    """The same bytes or samples reach the recogniser: beyond its own noise, no answer may change."""
    NEAR = "near"
    """Nearly the same sound: an answer may change, but not to one that has nothing to do with the clip."""
    HEARD = "heard"
    """Another sound: the answer must change where it does for the same difference elsewhere in the clip."""
    OWN = "own"
    """About the answers themselves."""


class Need(StrEnum):
    """What a relation needs of a backend."""

    FILES = "files"
    """It is sent files as they are."""
    BATCH = "batch"
    """It takes several clips in a call."""
    STREAM = "stream"
    """It can be given a clip piece by piece."""
    AGAIN = "again"
    """It can be opened a second time."""
    LANGUAGE = "language"
    """It can be asked for a language."""
    ITN = "itn"
    """It can be asked for inverse text normalisation."""
    SCORES = "scores"
    """Its answers have scores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a relation about the answers themselves found by itself."""

    n: int
    """Answers looked at."""
    off: tuple[int, ...]
    """Those that it does not hold for."""
    all_must: bool = False
    """Whether it is broken when it holds for none, and only then; else when it fails for more than is allowed."""
    reason: str | None = None
    """Why it can't be decided; None where it can."""


Disguise = Callable[[Material, int], Comparison | None]
"""A clip in a guise; None for one that it can't be made of."""
Way = Callable[[Bench, Material], Awaitable[Sequence[tuple[int, Answer]]]]
"""Clips as they are, asked in some way: each clip's number with an answer to it."""
Look = Callable[[Bench, Material], Awaitable[Verdict]]
"""What is looked at in the answers, and what is asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """One relation; one of `disguise`, `way` and `look` says what is done."""

    name: str
    """Its name, in snake_case; its words stand under it in `reports/words/certify_*.yaml`."""
    rule: Rule
    """How answers are held against each other."""
    needs: tuple[Need, ...] = ()
    """What the backend must be able to do."""
    allowed: float = 0.0
    """The share of clips that may be answered as if they were others: a recogniser's own sensitivity."""
    disguise: Disguise | None = None
    """Makes the guise."""
    way: Way | None = None
    """Asks in another way."""
    look: Look | None = None
    """Looks at answers."""
    refusal_holds: bool = False
    """Whether refusing the guise loudly is as right as hearing it."""
    noise_excuses: bool = True
    """Whether noise that leads to other clips' answers is allowed on top; not where it is what is asked about."""
    clips: int | None = None
    """The most clips that it takes, where each costs much; None for all."""


TIGHT, LOOSE = 0.05, 0.25
"""Shares of clips: of a sound that is the same but for rounding, and of one that a listener calls the same."""
