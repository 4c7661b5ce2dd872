"""Ways in which a run gets worse without its plain figures showing it: none of them may pass a gate.

Each takes an honest pair of simulated runs and does something to the later one (or, to flatter it, to the earlier
one). What is done is done to records, as they would lie in a run directory; everything behind them is the gate's
own way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.emotions import NO_SPEECH, NO_TAG, UNKNOWN
from sv_eval.record_file.class_codes import FAILED, SEVEN
from sv_eval.studies.gate.simulation import Drawn

Places = NDArray[np.int64]
Mask = NDArray[np.bool_]
Pair = tuple[Drawn, Drawn]
Change = Callable[[Drawn, Drawn, np.random.Generator], Pair]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sabotage:
    """One way."""

    what: str
    """For people."""
    change: Change
    """What is done to the earlier and the later run."""
    of: Mapping[str, Any] = field(default_factory=dict)
    """What is drawn otherwise than by default: settings of SimulationConfig."""


SABOTAGES: list[Sabotage] = []
"""All of them."""


def _sabotage(what: str, **of: Any) -> Callable[[Change], Change]:
    def noted(change: Change) -> Change:
        SABOTAGES.append(Sabotage(what=what, change=change, of=of))
        return change

    return noted


def _later(what: str, change: Callable[[Drawn, np.random.Generator], Drawn], **of: Any) -> None:
    """Something that is done to the later run alone."""
    _sabotage(what, **of)(lambda before, after, rng: (before, change(after, rng)))


def _some(drawn: Drawn, rng: np.random.Generator, share: float, among: Mask | None = None) -> Places:
    """The places of so many clips at random, as a share of all that are among them."""
    places = np.flatnonzero(np.ones(len(drawn.reference), np.bool_) if among is None else among)
    return rng.choice(places, round(share * len(places)), replace=False)


def _put(values: NDArray[Any], places: Places, value: Any) -> NDArray[Any]:
    found = values.copy()
    found[places] = value
    return found


def _answer(drawn: Drawn, places: Places, answer: str, *, forced_too: bool = True) -> Drawn:
    forced = _put(drawn.forced, places, -1) if forced_too else drawn.forced
    return replace(drawn, predicted=_put(drawn.predicted, places, SEVEN.answer(answer)), forced=forced)


def _fail(drawn: Drawn, places: Places) -> Drawn:
    return replace(_answer(drawn, places, FAILED), latency_ms=_put(drawn.latency_ms, places, np.nan))


def _slow(drawn: Drawn, places: Places, ms: float = 0.0, *, times: float = 1.0) -> Drawn:
    took = drawn.latency_ms.copy()
    took[places] = took[places] * times + ms
    return replace(drawn, latency_ms=took)


def _retry(drawn: Drawn, places: Places, ms: float) -> Drawn:
    return replace(_slow(drawn, places, ms), attempts=_put(drawn.attempts, places, 2))


def _say(drawn: Drawn, places: Places, codes: NDArray[np.int8]) -> Drawn:
    said = drawn.predicted.copy()
    said[places] = codes
    return replace(drawn, predicted=said, forced=said)


def _spoil(drawn: Drawn, places: Places) -> Drawn:
    emotions = int(drawn.reference.max()) + 1
    return _say(drawn, places, (drawn.reference[places] + 1) % emotions)


def _right(drawn: Drawn) -> Mask:
    return np.equal(drawn.predicted, drawn.reference)


def _wrong_places(drawn: Drawn) -> Places:
    return np.flatnonzero(~_right(drawn))


def _of(drawn: Drawn, emotion: int) -> Mask:
    return np.equal(drawn.reference, emotion)


# What left the sample of latencies.
_later(
    "half of the requests need a second attempt and 2 s", lambda run, rng: _retry(run, _some(run, rng, 0.493), 2e3)
)
_later(
    "a fifth of first attempts hangs for 1.5 s, then a second one answers",
    lambda run, rng: _retry(run, _some(run, rng, 0.2), 1500),
)
_later(
    "one request in twenty needs a quick second attempt", lambda run, rng: _retry(run, _some(run, rng, 0.05), 50)
)
_later(
    "second attempts come in one burst of 200",
    lambda run, _rng: _retry(run, np.arange(900, 1100), 800),
)
_later(
    "half of the run took 500 ms each, before it was resumed",
    lambda run, _rng: replace(
        _slow(run, np.arange(990), 450), session=_put(run.session, np.arange(990, len(run.session)), 1)
    ),
)
_later(
    "half of the run is of another start, equally fast",
    lambda run, _rng: replace(run, session=_put(run.session, np.arange(1000), 1)),
)
_later(
    "a tenth failed and was asked for again until it answered, by a resumed run",
    lambda run, rng: replace(run, session=_put(run.session, _some(run, rng, 0.1), 1)),
)
_later(
    "the slowest third has no latency",
    lambda run, _rng: replace(
        _slow(run, np.arange(len(run.reference)), times=1.3),
        latency_ms=np.where(run.latency_ms > np.quantile(run.latency_ms, 0.67), np.nan, run.latency_ms * 1.3),
    ),
)
_later(
    "a tenth of the requests was sent late",
    lambda run, rng: replace(run, late_ms=_put(np.zeros(len(run.reference)), _some(run, rng, 0.1), 40.0)),
)


# What percentiles up to the 95th don't see.
_later("one answer in 25 takes 5 s", lambda run, rng: _slow(run, _some(run, rng, 0.04), 5000))
_later("the first 80 answers take 3 s", lambda run, _rng: _slow(run, np.arange(80), 3000))
_later(
    "the clips of one emotion take twice as long",
    lambda run, _rng: _slow(run, np.flatnonzero(_of(run, 0)), times=2),
)
_later(
    "slower and slower: from 0.8 to 1.4 times",
    lambda run, _rng: replace(run, latency_ms=run.latency_ms * np.linspace(0.8, 1.4, len(run.latency_ms))),
)
_later(
    "1.15 times as long, by calls that depend on each other (0.9)",
    lambda run, _rng: _slow(run, np.arange(len(run.reference)), times=1.15),
    correlated=0.9,
)


@_sabotage("calls of eight clips become calls of one: quicker each, slower in all")
def _smaller_batches(before: Drawn, after: Drawn, _rng: np.random.Generator) -> Pair:
    call = before.call // 8
    return replace(before, call=call, latency_ms=4 * before.latency_ms[::8][call]), after


@_sabotage("20 clips, gone through 100 times, nothing changed: too little is known to pass", clips=20, speakers=4)
def _few_clips(before: Drawn, after: Drawn, _rng: np.random.Generator) -> Pair:
    return replace(before, rounds=100), replace(after, rounds=100)


@_sabotage("neighbours took 60 % of the machine for the baseline; now twice as slow by itself")
def _disturbed_baseline(before: Drawn, after: Drawn, _rng: np.random.Generator) -> Pair:
    disturbed = replace(before, latency_ms=before.latency_ms * 2.2, others_cpu=0.6)
    return disturbed, replace(after, latency_ms=after.latency_ms * 2)


_later("neighbours took 60 % of the machine", lambda run, _rng: replace(run, others_cpu=0.6))
_later(
    "1.5 times as long, on another class of device",
    lambda run, _rng: replace(_slow(run, np.arange(len(run.reference)), times=1.5), identity={"device": "faster"}),
)


# What left the sample of answers.
@_sabotage("abstain: unknown for all that was wrong, and for 40 % of the rest")
def _abstaining(before: Drawn, after: Drawn, rng: np.random.Generator) -> Pair:
    silent = np.concatenate([_wrong_places(after), _some(after, rng, 0.4, _right(after))])
    return replace(before, policy="abstain"), replace(_answer(after, silent, UNKNOWN), policy="abstain")


@_sabotage("abstain: unknown for what was wrong, and for little else")
def _abstaining_a_little(before: Drawn, after: Drawn, rng: np.random.Generator) -> Pair:
    silent = np.concatenate([_some(after, rng, 0.2, ~_right(after)), _some(after, rng, 0.02, _right(after))])
    return replace(before, policy="abstain"), replace(_answer(after, silent, UNKNOWN), policy="abstain")


@_sabotage("ban: unknown for a third, scored by the forced label")
def _banned(before: Drawn, after: Drawn, rng: np.random.Generator) -> Pair:
    silent = _answer(after, _some(after, rng, 0.33), UNKNOWN, forced_too=False)
    return replace(before, policy="ban"), replace(silent, policy="ban")


_later(
    "unknown for half of what was wrong", lambda run, rng: _answer(run, _some(run, rng, 0.5, ~_right(run)), UNKNOWN)
)
_later(
    "no tag for half of what was wrong", lambda run, rng: _answer(run, _some(run, rng, 0.5, ~_right(run)), NO_TAG)
)
_later(
    "no speech, at once, for half of what was wrong",
    lambda run, rng: _slow(
        _answer(run, places := _some(run, rng, 0.5, ~_right(run)), NO_SPEECH), places, times=0.01
    ),
)
_later(
    "no answer names an emotion, all are quick",
    lambda run, _rng: _slow(
        _answer(run, np.arange(len(run.reference)), UNKNOWN), np.arange(len(run.reference)), times=0.1
    ),
)
_later(
    "18 clips that were wrong fail", lambda run, rng: _fail(run, rng.choice(_wrong_places(run), 18, replace=False))
)
_later("everything that was wrong fails", lambda run, _rng: _fail(run, _wrong_places(run)))
_later("3 % fail", lambda run, rng: _fail(run, _some(run, rng, 0.03)))
_later("19 clips fail in a row", lambda run, _rng: _fail(run, np.arange(700, 719)))
_later("an eighth of one emotion fails", lambda run, rng: _fail(run, _some(run, rng, 0.125, _of(run, 0))))


@_sabotage("19 of an emotion's 20 clips fail")
def _scarce(before: Drawn, after: Drawn, _rng: np.random.Generator) -> Pair:
    few = np.flatnonzero(_of(before, 0))
    before, after = (replace(each, reference=_put(each.reference, few[20:], 1)) for each in (before, after))
    return before, _fail(after, few[:19])


@_sabotage("as many failures as before, of other clips")
def _others_fail(before: Drawn, after: Drawn, rng: np.random.Generator) -> Pair:
    return _fail(before, _some(before, rng, 0.02)), _fail(after, _some(after, rng, 0.02))


@_sabotage("the baseline failed on a fifth")
def _weak_baseline(before: Drawn, after: Drawn, rng: np.random.Generator) -> Pair:
    return _fail(before, _some(before, rng, 0.2)), after


_later(
    "clips that were wrong have no record",
    lambda run, _rng: replace(run, kept=_put(run.kept, _wrong_places(run), value=False)),
)
_later(
    "half of the clips was run", lambda run, _rng: replace(run, kept=_put(run.kept, np.arange(1000), value=False))
)
_later(
    "hard clips were replaced by copies of easy ones",
    lambda run, _rng: replace(
        _say(run, _wrong_places(run), run.reference[_wrong_places(run)]), identity={"dataset_hash": "another"}
    ),
)


# What means hide.
_later(
    "one speaker of eight is not understood any more",
    lambda run, _rng: _spoil(run, np.flatnonzero(run.speaker == 0)),
    speakers=8,
)


@_sabotage("one emotion loses a third, the others gain as much")
def _traded(before: Drawn, after: Drawn, rng: np.random.Generator) -> Pair:
    lost = _some(after, rng, 0.33, _of(after, 0) & _right(after))
    gained = rng.choice(np.flatnonzero(~_of(after, 0) & ~_right(after)), len(lost), replace=False)
    return before, _say(_spoil(after, lost), gained, after.reference[gained])


@_sabotage("one speaker, whom one run suits", speakers=1, uneven=1.0)
def _one_speaker(before: Drawn, after: Drawn, _rng: np.random.Generator) -> Pair:
    return before, after
