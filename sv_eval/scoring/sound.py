"""What the clips' sound was: marks, distributions, and what lies beyond what speech models are made for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sv_eval.record_file.table import RecordTable
from sv_eval.report.report import MarkedClips
from sv_eval.report.sound import BeyondLimit, Distribution, Sound
from sv_eval.scoring.scope import Scope
from sv_eval.scoring.sound_slices import slices_of, worst_of
from sv_eval.sound_facts import AUDIO_MARKS, SOUND_FACTS
from sv_eval.sound_limits import LIMITS, clips_beyond, columns_of

Floats = NDArray[np.float64]

DURATION = "duration_s"


def marked_clips(answers: RecordTable) -> dict[str, MarkedClips]:
    """What was met in the clips' audio to how many clips, with the first by id; empty where there is nothing."""
    found: dict[str, MarkedClips] = {}
    for mark in AUDIO_MARKS:
        places = [place for place, marks in answers.marks.items() if mark in marks]
        if places:
            found[mark] = MarkedClips(count=len(places), example=answers.clip_ids[min(places)])
    return found


def sound_of(scope: Scope) -> Sound | None:
    """What the sound was and how the answers were by it; None for records without facts of it."""
    answers = scope.answers
    if not answers.sound:
        return None
    values = _values(answers)
    known = {name: column for name, column in values.items() if np.isfinite(column).any()}
    facts = {name: _distribution(column) for name, column in known.items() if name != "padding_s"}
    slices = slices_of(scope, {name: column for name, column in known.items() if name in facts})
    return Sound(
        n=int(np.isfinite(answers.sound["silence"]).sum()) if "silence" in answers.sound else 0,
        facts=facts,
        beyond=_beyond(answers, values),
        slices=slices,
        worst=worst_of(slices, 1 - scope.config.confidence),
    )


def _values(answers: RecordTable) -> dict[str, Floats]:
    """The facts as columns, with the length."""
    found = columns_of({name: answers.sound[name] for name in SOUND_FACTS if name in answers.sound})
    return found | {DURATION: answers.audio_s}


def _distribution(values: Floats) -> Distribution:
    there = values[np.isfinite(values)]
    least, p5, median, p95, most = np.quantile(there, [0.0, 0.05, 0.5, 0.95, 1.0]).tolist()
    return Distribution(n=len(there), least=least, p5=p5, median=median, p95=p95, most=most)


def _beyond(answers: RecordTable, values: Mapping[str, Floats]) -> dict[str, BeyondLimit]:
    found = {}
    for word, there in clips_beyond(values).items():
        limit = LIMITS[word]
        column = values[limit.fact]
        found[word] = BeyondLimit(
            n=int(there.sum()),
            of=int(np.isfinite(column).sum()),
            limit=limit.value,
            example=answers.clip_ids[int(there.argmax())],
            median=float(np.nanmedian(column)),
        )
    return found
