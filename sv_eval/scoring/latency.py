"""How fast: latency percentiles, by emotion, by the length of the audio and by stage too.

Percentiles, their bounds and the least number that they need are over calls, one value a call, however many
clips it answered; a part of the run (an emotion, a range of lengths) has the calls that hold a clip of it.
Bounds allow for calls that depend on their neighbours in time and for repeats of the same clips
(`sv_eval.scoring.dependence`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from sv_eval.report.interval import Interval, given
from sv_eval.report.latency import (
    CallDependence,
    DurationBin,
    Histogram,
    Latency,
    Retried,
    StageTimes,
    TwoPercentiles,
    Waited,
)
from sv_eval.report.reasons import Why
from sv_eval.scoring.call_sample import CallSample
from sv_eval.scoring.latency_stability import LEAST, signs_of
from sv_eval.scoring.scope import Scope
from sv_eval.scoring.timing import Calls, Timing

_ON_THE_WAY = ("encode", "queue", "dns", "connect", "tls", "send", "wait", "receive")
"""A request's stages on its way, in the order in which they happen; others keep that of their occurrence."""
_BINS = 40
_TAIL = 0.005
_NOTABLE = 0.5
"""Calls that are worth less than this part of their number are worth a word."""


def latency_of(scope: Scope) -> Latency:
    """The latency of all clean records."""
    timing, confidence = scope.timing, scope.config.confidence
    n, values, sample = timing.n, timing.calls.latency_ms, timing.calls.sample
    retried, signs = _retried(timing, confidence), signs_of(timing)

    def of_calls(p: float) -> Interval:
        return sample.percentile(p, confidence=confidence, clips=n)

    return Latency(
        n=n,
        n_calls=timing.calls.n,
        session=timing.session,
        p50=of_calls(0.5),
        p90=of_calls(0.9),
        p95=of_calls(0.95),
        p99=of_calls(0.99),
        mean=float(values.mean()) if n else None,
        min=float(values.min()) if n else None,
        max=float(values.max()) if n else None,
        reason=UNSET if n else Why.of("no_clean_record"),
        retried=retried,
        excluded=timing.excluded,
        waited=_waited(timing, confidence),
        dependence=_dependence(sample),
        histogram=latency_histogram(values),
        over_time=signs.over_time,
        drift=signs.drift,
        modes=signs.modes,
        strays=signs.strays,
    )


def _retried(timing: Timing, confidence: float) -> Retried | UnsetType:
    requests = timing.requests
    if not timing.excluded.retried:
        return UNSET
    which = ~requests.failed & (requests.attempts != 1) & np.isfinite(requests.latency_ms)
    return Retried(n=timing.excluded.retried, p50=timing.of_records(which).percentile(0.5, confidence=confidence))


def _waited(timing: Timing, confidence: float) -> Waited:
    requests, sample = timing.requests, timing.waited
    n = int((~requests.failed & np.isfinite(requests.latency_ms)).sum())
    p50, p95, p99 = (sample.percentile(p, confidence=confidence, clips=n) for p in (0.5, 0.95, 0.99))
    return Waited(
        n=n,
        n_calls=sample.n,
        p50=p50,
        p95=p95,
        p99=p99,
        mean=float(sample.latency_ms.mean()) if sample.n else None,
        max=float(sample.latency_ms.max()) if sample.n else None,
    )


def _dependence(sample: CallSample) -> CallDependence | None:
    if sample.n < LEAST:
        return None
    worth = [sample.dependence(p).worth(sample.n) for p in (0.5, 0.95)]
    return CallDependence(
        in_order=sample.in_order,
        lag_1=sample.lag_1 if sample.in_order else None,
        distinct=sample.n_clips,
        worth_p50=worth[0],
        worth_p95=worth[1],
        notable=min(worth) < _NOTABLE * sample.n,
    )


def latency_by_emotion(scope: Scope) -> dict[str, TwoPercentiles]:
    """The median and 95th percentile, milliseconds, of the calls that hold a clip of each label."""
    timing, confidence = scope.timing, scope.config.confidence
    reference = timing.reference
    found = {}
    for label in scope.labels:
        inside = reference == timing.requests.class_codes.reference(label)
        sample, clips = timing.calls.holding(inside), int(inside.sum())
        found[label] = TwoPercentiles(
            p50=sample.percentile(0.5, confidence=confidence, clips=clips),
            p95=sample.percentile(0.95, confidence=confidence, clips=clips),
        )
    return found


def latency_by_duration(scope: Scope) -> tuple[DurationBin, ...]:
    """The latency of clean records by audio length; the configuration has the bins' lower edges."""
    calls, audio_s, confidence = scope.timing.calls, scope.timing.audio_s, scope.config.confidence
    shared = _why_no_rtf_by_length(calls)
    edges_s = scope.config.duration_bins_s
    bins = []
    for low, high in zip(edges_s, [*edges_s[1:], None], strict=True):
        inside = (audio_s >= low) & (audio_s < (np.inf if high is None else high))
        sample, clips = calls.holding(inside), int(inside.sum())
        spent, audio = float(sample.latency_ms.sum()) / 1000, float(audio_s[inside].sum())
        bins.append(
            DurationBin(
                label=f"{low:g} s and more" if high is None else f"{low:g}-{high:g} s",
                low_s=low,
                high_s=high,
                n=clips,
                n_calls=sample.n,
                p50=sample.percentile(0.5, confidence=confidence, clips=clips),
                p95=sample.percentile(0.95, confidence=confidence, clips=clips),
                rtf=spent / audio if audio > 0 and shared is None else None,
                rtf_reason=given(shared if clips else None),
                reason=UNSET if clips else Why.of("no_clean_record"),
            )
        )
    return tuple(bins)


def _why_no_rtf_by_length(calls: Calls) -> Why | None:
    """Why the time cannot be divided between clips of different length; None where it can."""
    if calls.batched:
        return Why.of("shared_calls")
    return Why.of("overlapping_calls") if calls.overlapping else None


def stage_times(scope: Scope) -> dict[str, StageTimes]:
    """Percentiles of each stage over the calls that have it, milliseconds, in the order of the stages.

    The clips of a call went through its stages together: they are one measurement, as for the latency. Percentiles
    of parts do not add up to the whole's, and what a backend does not tell is in none.
    """
    timing, confidence = scope.timing, scope.config.confidence
    stages_ms = timing.requests.stages_ms
    found = {}
    for name in sorted(stages_ms, key=_place):
        column = stages_ms[name]
        which = timing.clean & np.isfinite(column)
        if which.any():
            sample, clips = timing.of_calls(which, column), int(which.sum())
            found[name] = StageTimes(
                n=clips,
                mean=float(sample.latency_ms.mean()),
                p50=sample.percentile(0.5, confidence=confidence, clips=clips),
                p95=sample.percentile(0.95, confidence=confidence, clips=clips),
            )
    return found


def _place(name: str) -> int:
    return _ON_THE_WAY.index(name) if name in _ON_THE_WAY else len(_ON_THE_WAY)


def latency_histogram(values: NDArray[np.float64]) -> Histogram | None:
    """Counts of the calls' latency, one each, in equal bins, milliseconds; None without any.

    The bins end at the 99.5th percentile and everything beyond is counted in the last one, so that one stray
    answer does not press the rest into a single bar; `beyond` says how many those are.
    """
    if not len(values):
        return None
    low, high = float(values.min()), float(np.quantile(values, 1 - _TAIL))
    if high <= low:
        high = low + max(abs(low) * 0.01, 0.001)
    edges = np.linspace(low, high, _BINS + 1)
    counts, _ = np.histogram(np.minimum(values, high), bins=edges)
    return Histogram(
        edges_ms=tuple(round(float(edge), 4) for edge in edges),
        counts=tuple(counts.tolist()),
        beyond=int((values > high).sum()),
    )


def refused(figure: Interval, why: Why) -> Interval:
    """A figure that was taken back; what it rested on stays."""
    return replace(figure, value=None, low=None, high=None, reason=why)


def both_refused(figures: TwoPercentiles, why: Why) -> TwoPercentiles:
    """Both percentiles taken back."""
    return TwoPercentiles(p50=refused(figures.p50, why), p95=refused(figures.p95, why))


def latency_refused(latency: Latency, why: Why) -> Latency:
    """The block without any figure."""
    return replace(
        latency,
        p50=refused(latency.p50, why),
        p90=refused(latency.p90, why),
        p95=refused(latency.p95, why),
        p99=refused(latency.p99, why),
        waited=_waited_refused(latency.waited, why),
        mean=None,
        min=None,
        max=None,
        reason=why,
    )


def _waited_refused(waited: Waited | UnsetType, why: Why) -> Waited | UnsetType:
    if not waited:
        return UNSET
    p50, p95, p99 = (refused(figure, why) for figure in (waited.p50, waited.p95, waited.p99))
    return replace(waited, p50=p50, p95=p95, p99=p99, mean=None, max=None)
