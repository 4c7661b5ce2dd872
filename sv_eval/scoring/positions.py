"""Does a chat model take an option for where it stands?

Where options begin at another place for each clip, at random, an answer that depends on what was heard alone lies
at each place equally often, whatever is confused with what. More than that at the first place is the pull of the
place itself: a model that takes the first option in a share `b` of its answers and listens in the others takes it
in `b + (1 - b) / k` of them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sv_eval.option_orders import CYCLIC, shift_of
from sv_eval.record_file.table import RecordTable
from sv_eval.records import OUTSIDE
from sv_eval.report.positions import Outside, Positions
from sv_eval.scoring.shares import share_by_speaker

_FEWEST, _FEWEST_OPTIONS = 30, 2


def positions_of(answers: RecordTable, protocol: object, *, confidence: float) -> Positions | None:
    """At which places the answers lie; None where options do not change places, or hardly any answer is one.

    answers: as the model gave them, whatever map they are scored under. protocol: what the backend says its model
    was asked: `option_order`, `order`, `order_seed`.
    """
    if not isinstance(protocol, Mapping) or protocol.get("order") != CYCLIC:
        return None
    names, seed = list(protocol.get("option_order") or ()), int(protocol.get("order_seed") or 0)
    if len(names) < _FEWEST_OPTIONS:
        return None
    places = {answers.class_codes.answer(name): place for place, name in enumerate(names)}
    taken = np.array([places.get(code, -1) for code in answers.predicted.tolist()])
    there = taken >= 0
    if int(there.sum()) < _FEWEST:
        return None
    shifts = np.array([shift_of(clip_id, len(names), seed) for clip_id in answers.clip_ids])
    place = (taken - shifts) % len(names)
    counts = np.bincount(place[there], minlength=len(names))
    first = share_by_speaker(place == 0, there, answers, confidence)
    pull, low, high = (pull_of(value, len(names)) for value in (first.value, first.low, first.high))
    return Positions(counts=tuple(counts.tolist()), first=first, pull=pull, pull_low=low, pull_high=high)


def outside_of(answers: RecordTable) -> Outside | None:
    """What lay on none of the options; None where no answer tells."""
    told = answers.told.get(OUTSIDE)
    known = None if told is None else told[np.isfinite(told)]
    if known is None or not len(known):
        return None
    return Outside(n=len(known), mean=float(known.mean()), p95=float(np.quantile(known, 0.95)))


def pull_of(share: float | None, k: int) -> float | None:
    """The share of answers that the first place alone explains.

    >>> round(pull_of(0.2 + 0.8 / 7, 7), 6)
    0.2
    """
    return None if share is None else (share - 1 / k) / (1 - 1 / k)
