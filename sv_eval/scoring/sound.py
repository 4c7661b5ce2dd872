"""What the clips' sound was: marks, distributions, and what lies beyond what speech models are made for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sv_eval.record_file.table import RecordTable
from sv_eval.report.report import MarkedClips
from sv_eval.report.sound import BeyondLimit, Distribution, Sound
from sv_eval.scoring.scope import Scope
from sv_eval.scoring.sound_slices import slices_of, worst_of
from sv_eval.sound_facts import AUDIO_MARKS, SOUND_FACTS

Floats = NDArray[np.float64]

DURATION = "duration_s"
WORTH_TELLING = 0.05
"""The share of clips from which on a caveat speaks of a limit; fewer are odd clips, which figures hardly feel."""


@dataclass(frozen=True, slots=True)
class Limit:
    """From where on a fact of the sound is not what speech models are made for; docs/audio.md has the reasons."""

    fact: str
    side: Literal["below", "above"]
    value: float
    of_the_median: bool = False
    """Whether single clips may well be beyond it, and only the corpus's median tells."""

    def beyond(self, values: Floats) -> NDArray[np.bool_]:
        """Which values are; NaN is not."""
        with np.errstate(invalid="ignore"):
            return values < self.value if self.side == "below" else values > self.value


LIMITS: Mapping[str, Limit] = {
    "narrow": Limit("band_hz", "below", 7_000.0),
    "fast": Limit("pitch_hz", "above", 300.0, of_the_median=True),
    "noisy": Limit("snr_db", "below", 15.0),
    "quiet": Limit("level_dbfs", "below", -40.0),
    "silent": Limit("silence", "above", 0.999),
    "padded": Limit("padding_s", "above", 1.0),
    "clipped": Limit("clipped", "above", 0.001),
    "offset": Limit("dc", "above", 0.01),
}
"""The limits by the word of their caveat, `sound_narrow` and so on, the gravest first."""


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
    """The facts as columns: with the length, an offset without its sign, and the longer of both paddings."""
    found = {name: answers.sound[name] for name in SOUND_FACTS if name in answers.sound}
    if "dc" in found:
        found["dc"] = np.abs(found["dc"])
    if "lead_s" in found and "tail_s" in found:
        found["padding_s"] = np.fmax(found["lead_s"], found["tail_s"])
    return found | {DURATION: answers.audio_s}


def _distribution(values: Floats) -> Distribution:
    there = values[np.isfinite(values)]
    least, p5, median, p95, most = np.quantile(there, [0.0, 0.05, 0.5, 0.95, 1.0]).tolist()
    return Distribution(n=len(there), least=least, p5=p5, median=median, p95=p95, most=most)


def _beyond(answers: RecordTable, values: Mapping[str, Floats]) -> dict[str, BeyondLimit]:
    found = {}
    for name, limit in LIMITS.items():
        column = values.get(limit.fact)
        if column is None or not (there := limit.beyond(column)).any():
            continue
        median = float(np.nanmedian(column))
        if limit.of_the_median and not limit.beyond(np.array([median]))[0]:
            continue
        found[name] = BeyondLimit(
            n=int(there.sum()),
            of=int(np.isfinite(column).sum()),
            limit=limit.value,
            example=answers.clip_ids[int(there.argmax())],
            median=median,
        )
    return found
