"""What a run's controls tell: how steady its answers are, what the order of options does, what the words give.

`pass^k` is the chance that k answers to a clip are all right, from c right ones of r: C(c, k) / C(r, k), its mean
over clips (Yao et al. 2024, tau-bench). Answers are compared as they were read: one that can't be read is wrong.
Bounds allow for clips of one speaker, and for answers to one clip, being alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from sv_eval.option_orders import order_of, orders_from
from sv_eval.record_file.controls import ORDER, REPEAT, WORDS, order_in
from sv_eval.record_file.table import RecordTable
from sv_eval.report.controls import Controls, Orders, Repeated, Words
from sv_eval.report.interval import Interval, given
from sv_eval.report.reasons import Why
from sv_eval.scoring.paired.differences import differences_of
from sv_eval.scoring.paired.pairs import pairs_of
from sv_eval.scoring.paired.share_changes import share_of_clips
from sv_eval.scoring.positions import pull_of
from sv_eval.scoring.scope import Scope
from sv_eval.scoring.shares import share_by_unit

FIXED = 0.9
"""From this share of clips on whose words are said under several emotions, a corpus is one of fixed sentences."""

Codes = NDArray[np.int64]
_Said = tuple[RecordTable, Mapping[str, RecordTable]]


def controls_of(
    scope: Scope, controls: Mapping[str, RecordTable], said: _Said, protocol: object
) -> Controls | None:
    """What the answers to controls tell, by kind as `record_file.controls` names them; None without any.

    controls: under the scope's label map. said: the run's own answers and those, as the model gave them. protocol:
    what the backend says its model was asked: `option_order`, `order`, `order_seed`.
    """
    repeats = [controls[name] for name in sorted(controls) if name.startswith(REPEAT)]
    orders = {order_in(name): table for name, table in controls.items() if name.startswith(ORDER)}
    words = controls.get(WORDS)
    found = Controls(
        repeated=_repeated(scope, repeats) or UNSET,
        orders=_orders(scope, orders, said, protocol) or UNSET,
        words=UNSET if words is None else _words(scope, words),
    )
    return None if found == Controls() else found


class _Beside:
    """The clips of scored references that the run and all further tables have an answer to."""

    def __init__(self, scope: Scope, tables: Sequence[RecordTable]) -> None:
        own = scope.answers
        places = [{clip_id: at for at, clip_id in enumerate(table.clip_ids)} for table in tables]
        asked = scope.scored & ~own.failed
        both = [
            (at, *(place[clip_id] for place in places))
            for at, clip_id in enumerate(own.clip_ids)
            if asked[at] and all(clip_id in place for place in places)
        ]
        columns = np.array(both, dtype=np.int64).reshape(-1, 1 + len(tables))
        answers = np.stack(
            [table.predicted[columns[:, number]] for number, table in enumerate((own, *tables))], axis=1
        ).astype(np.int64)
        answered = (answers != own.class_codes.failed).all(axis=1)
        self.columns: Codes = columns[answered]
        """Shape [clips, times]: the clips' places in each table."""
        self.at = self.columns[:, 0]
        self.answers: Codes = answers[answered]
        """Shape [clips, times]: the codes of the answers, the run's own first."""
        self.reference: Codes = own.reference[self.at].astype(np.int64)
        self.unit = _units(own.speaker[self.at].astype(np.int64))
        self.clip_ids = [own.clip_ids[at] for at in self.at]
        # What can't be read is no answer that two could have in common.
        self.read = self.answers < own.class_codes.answered + 1

    def __len__(self) -> int:
        return len(self.at)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Shape [clips, times]."""
        return np.equal(self.answers, self.reference[:, None])

    @property
    def steady(self) -> NDArray[np.bool_]:
        """Clips with one and the same answer each time."""
        same: NDArray[np.bool_] = (self.answers == self.answers[:, :1]).all(axis=1)
        read: NDArray[np.bool_] = self.read.all(axis=1)
        return same & read


def _repeated(scope: Scope, tables: Sequence[RecordTable]) -> Repeated | None:
    beside = _Beside(scope, tables) if tables else None
    if beside is None or not len(beside):
        return None
    times, confidence = 1 + len(tables), scope.config.confidence
    right = beside.right.sum(axis=1)
    changed = ~(beside.answers == beside.answers[:, :1]).all(axis=1)
    return Repeated(
        n_clips=len(beside),
        times=times,
        flipped=share_by_unit(changed, beside.unit, confidence),
        pass_k=tuple(mean_by_unit(pass_hat(right, times, k), beside.unit, confidence) for k in range(1, times + 1)),
    )


def pass_hat(right: Codes, times: int, k: int) -> NDArray[np.float64]:
    """How surely k answers to a clip are all right, from the right ones among `times`.

    >>> pass_hat(np.array([3, 2, 0]), 3, 2).round(3).tolist()
    [1.0, 0.333, 0.0]
    """
    return np.array([math.comb(c, k) / math.comb(times, k) for c in right.tolist()])


def _orders(scope: Scope, tables: Mapping[int, RecordTable], said: _Said, protocol: object) -> Orders | None:
    if not tables or not isinstance(protocol, Mapping):
        return None
    names, seed = tuple(protocol.get("option_order") or ()), int(protocol.get("order_seed") or 0)
    n_orders = len(orders_from(names))
    if sorted(tables) != list(range(1, n_orders)):
        return None
    beside = _Beside(scope, [tables[number] for number in range(1, n_orders)])
    if not len(beside):
        return None
    confidence, rule = scope.config.confidence, str(protocol.get("order"))
    asked = [orders_from(order_of(names, clip_id, rule, seed)) for clip_id in beside.clip_ids]
    place = _places(asked, beside, said)
    chosen, unit = place >= 0, np.repeat(beside.unit, n_orders).reshape(place.shape)
    first = share_by_unit(place[chosen] == 0, unit[chosen], confidence)
    pull, low, high = (pull_of(value, len(names)) for value in (first.value, first.low, first.high))
    right, steady = beside.right, beside.steady
    by_order = _by_order(asked, right)
    return Orders(
        n_clips=len(beside),
        n_orders=n_orders,
        n_options=len(names),
        counts=tuple(np.bincount(place[chosen], minlength=len(names)).tolist()),
        first=first,
        pull=pull,
        pull_low=low,
        pull_high=high,
        accuracy=mean_by_unit(right.mean(axis=1), beside.unit, confidence),
        lowest=min(by_order),
        highest=max(by_order),
        consistent=share_by_unit(steady, beside.unit, confidence),
        accuracy_of_consistent=share_by_unit(right[steady, 0], beside.unit[steady], confidence),
        accuracy_of_votes=share_by_unit(2 * right.sum(axis=1) > n_orders, beside.unit, confidence),
    )


def _places(asked: Sequence[Sequence[tuple[str, ...]]], beside: _Beside, said: _Said) -> Codes:
    """At which place each answer stood, from 0; -1 for what is no option. Shape [clips, orders]."""
    own, others = said
    tables = [own, *(others[f"{ORDER}-{number:02}"] for number in range(1, len(asked[0])))]
    words = [
        [table.class_codes.answers[code] for code in table.predicted[beside.columns[:, number]].tolist()]
        for number, table in enumerate(tables)
    ]
    return np.array(
        [
            [order.index(word) if word in order else -1 for order, word in zip(orders, answers, strict=True)]
            for orders, answers in zip(asked, zip(*words, strict=True), strict=True)
        ],
        dtype=np.int64,
    )


def _by_order(asked: Sequence[Sequence[tuple[str, ...]]], right: NDArray[np.bool_]) -> list[float]:
    """The accuracy under each order by itself, as a harness with that one order would have found it."""
    under = dict[tuple[str, ...], list[bool]]()
    for orders, row in zip(asked, right.tolist(), strict=True):
        for order, one in zip(orders, row, strict=True):
            under.setdefault(order, []).append(one)
    return [sum(found) / len(found) for found in under.values()]


def _words(scope: Scope, table: RecordTable) -> Words:
    config, own = scope.config, scope.answers
    policy = config.policy if config.policy != "ban" else "wrong"
    pairs = pairs_of(table, own, scope.labels, policy)
    found = differences_of(pairs, confidence=config.confidence, resamples=config.resamples, seed=config.seed)
    said = dict[str, set[int]]()
    spoken = [(words, code) for words, code in zip(own.transcripts, own.reference.tolist(), strict=True) if words]
    for words, code in spoken:
        said.setdefault(words, set()).add(code)
    there = np.array([bool(words) for words in own.transcripts], dtype=np.bool_)
    several = np.array([len(said[words]) > 1 for words, _ in spoken], dtype=np.bool_)
    shared = share_by_unit(several, _units(own.speaker[there].astype(np.int64)), config.confidence)
    return Words(
        n_clips=pairs.n,
        uar=found["uar"].told,
        accuracy=found["accuracy"].told,
        n_sentences=len(said),
        shared=shared,
        fixed=(shared.value or 0.0) >= FIXED,
    )


def mean_by_unit(values: NDArray[np.float64], unit: Codes, confidence: float) -> Interval:
    """The mean over clips of numbers from 0 to 1; its bounds allow for clips of one unit being alike."""
    found = share_of_clips(np.zeros(len(values), np.bool_), values, unit, confidence=confidence)
    bounded = found.low is not None and found.high is not None
    why = None if bounded else found.reason or Why.of("one_unit", unit="speaker")
    return Interval(
        value=float(values.mean()),
        low=max(0.0, found.low) if found.low is not None else None,
        high=found.high,
        n=len(values),
        n_clusters=found.n_clusters,
        reason=given(why),
    )


def _units(speaker: Codes) -> Codes:
    """Speakers, and clips without one by themselves."""
    lone = speaker < 0
    found = speaker.copy()
    found[lone] = speaker.max(initial=-1) + 1 + np.arange(int(lone.sum()))
    return found
