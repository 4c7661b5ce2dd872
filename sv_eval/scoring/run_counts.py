"""How many clips of a run ended how."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sv_eval.emotions import NO_SPEECH, NO_TAG, UNKNOWN
from sv_eval.record_file.vocabulary import FAILED
from sv_eval.report.interval import plain
from sv_eval.scoring.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCounts:
    """How many clips ended how; `report.RunFacts` says what each count is."""

    n_clips: int
    n_scored: int
    n_unknown: int
    n_no_tag: int
    n_no_speech: int
    n_failed: int
    n_out_of_scope: int
    n_repeated: int
    audio_s: float | None


def counts_of(scope: Scope) -> RunCounts:
    """The counts of a run."""
    answers = scope.answers
    named = answers.words.answers
    ended = dict(zip(named, np.bincount(answers.predicted, minlength=len(named)).tolist(), strict=True))
    return RunCounts(
        n_clips=len(answers),
        n_scored=int(scope.scored.sum()),
        n_unknown=ended[UNKNOWN],
        n_no_tag=ended[NO_TAG],
        n_no_speech=ended[NO_SPEECH],
        n_failed=ended[FAILED],
        n_out_of_scope=sum(out_of_scope(scope).values()),
        n_repeated=answers.n_repeated,
        audio_s=plain(float(np.nansum(answers.audio_s))),
    )


def out_of_scope(scope: Scope) -> dict[str, int]:
    """Clips whose reference is not scored, by reference; failed ones too."""
    references = scope.answers.words.references
    counts = np.bincount(scope.answers.reference, minlength=len(references)).tolist()
    return {name: n for name, n in zip(references, counts, strict=True) if n and name not in scope.labels}
