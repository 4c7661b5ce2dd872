"""The whole measurement of a capacity: answers without load, concurrency curve, search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from sv_eval.backend import Backend
from sv_eval.data.corpus.reading import Corpus
from sv_eval.errors import RunIncomplete
from sv_eval.machine.environment import describe_environment
from sv_eval.report.codec import as_json
from sv_eval.run.history import describe_backend, describe_corpus
from sv_eval.run.session import RunConfig, Session, stopping_on_signals
from sv_eval.studies.capacity.config import CapacityConfig
from sv_eval.studies.capacity.outcome import Trial
from sv_eval.studies.capacity.search import RateSearch, TryRate, knee_of
from sv_eval.studies.capacity.trial import Bench

_REQUESTS_A_CALLER = 20
_NO_GAIN = 1.02
_START_SHARE = 0.5


async def measure(
    backend: Backend, corpus: Corpus, config: CapacityConfig, on_trial: Callable[[Trial], object]
) -> dict[str, Any]:
    """What capacity.json holds, without the settings. `on_trial` is called with each trial as it ends.

    Raises RunIncomplete when it was interrupted, or when no callers got an answer.
    """
    session = Session(backend, RunConfig(decode_workers=config.decode_workers, telemetry_s=None))
    bench = Bench(session=session, corpus=corpus, objective=config.slo, search=config.search)
    async with session:
        with stopping_on_signals(session.stop):
            await bench.warm_up()
            await bench.learn_answers(config.curve.requests)
            curve = await _curve(bench, config, on_trial)
            hunt = RateSearch(search=config.search, allowed=config.slo.allowed, try_rate=_told(bench, on_trial))
            found = await hunt.find(config.search.start_rate or _start(curve, config))
        described = describe_backend(backend)
    return {
        "schema_version": 1,
        "capacity": found.to_json() | _near_capacity(hunt.measured()),
        "slo": {config.slo.name_of(share): limit for share, limit in config.slo.limits.items()},
        "max_error_rate": config.slo.max_error_rate,
        "knee": knee_of(curve),
        "curve": [trial.to_json() for trial in curve],
        "trials": [trial.to_json() for trial in hunt.trials],
        "n_known_answers": len(bench.answers),
        "backend": as_json(described),
        "dataset": as_json(describe_corpus(corpus)),
        "environment": as_json(describe_environment()),
    }


def _told(bench: Bench, on_trial: Callable[[Trial], object]) -> TryRate:
    async def try_rate(rate: float, seed: int, *, requests: int, phase: str) -> Trial:
        trial = await bench.poisson(rate, seed, requests=requests, phase=phase)
        on_trial(trial)
        return trial

    return try_rate


async def _curve(bench: Bench, config: CapacityConfig, on_trial: Callable[[Trial], object]) -> list[Trial]:
    """A trial for each number of callers, until twice in a row more of them bring nothing."""
    curve: list[Trial] = []
    best, without_gain = 0.0, 0
    for callers in config.curve.concurrency:
        trial = await bench.closed(callers, max(config.curve.requests, _REQUESTS_A_CALLER * callers))
        curve.append(trial)
        on_trial(trial)
        throughput = trial.answered_per_s or 0.0
        without_gain = 0 if throughput > best * _NO_GAIN else without_gain + 1
        best = max(best, throughput)
        if without_gain == 2:
            break
    return curve


def _start(curve: list[Trial], config: CapacityConfig) -> float:
    best = max((trial.answered_per_s or 0.0 for trial in curve), default=0.0)
    if best == 0:
        raise RunIncomplete("no caller of the concurrency curve got an answer; a plain run shows why")
    return min(_START_SHARE * best, config.search.max_rate)


def _near_capacity(there: list[Trial]) -> dict[str, Any]:
    """What the trials that the interval rests on say together, besides latency."""
    kinds: Counter[str] = Counter()
    for trial in there:
        kinds.update(trial.kinds)
    return {
        "trials": len(there),
        **{
            name: sum(getattr(trial, name) for trial in there)
            for name in ("requests", "failed", "retried", "refused", "compared", "changed")
        },
        "kinds": dict(kinds.most_common()),
    }
