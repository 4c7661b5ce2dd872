"""How fast: latency percentiles, by emotion too, and the real-time factor.

Percentiles, their bounds and the least number that they need are over calls, one value a call, however many
clips it answered; a part of the run (an emotion, a range of lengths) has the calls that hold a clip of it.
They treat calls as independent draws, which calls made one after another are only roughly; compare two runs
by interleaving them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from msgspec import UNSET, UnsetType

from sv_eval.report.interval import Interval, plain
from sv_eval.report.latency import Latency, Retried, TwoPercentiles
from sv_eval.report.reasons import Why
from sv_eval.scoring.histogram import latency_histogram
from sv_eval.scoring.percentiles import percentile
from sv_eval.scoring.scope import Scope
from sv_eval.scoring.signs import signs_of
from sv_eval.scoring.timing import Timing, calls_of


def latency_of(scope: Scope) -> Latency:
    """The latency of all clean records."""
    timing, confidence = scope.timing, scope.config.confidence
    n, values = timing.n, timing.calls.latency_ms

    def of_calls(p: float) -> Interval:
        return percentile(values, p, confidence=confidence, clips=n)

    signs = signs_of(timing)
    return Latency(
        n=n,
        n_calls=timing.calls.n,
        session=timing.session,
        p50=of_calls(0.5),
        p90=of_calls(0.9),
        p95=of_calls(0.95),
        p99=of_calls(0.99),
        mean=plain(float(values.mean())) if n else None,
        min=plain(float(values.min())) if n else None,
        max=plain(float(values.max())) if n else None,
        reason=UNSET if n else Why.of("no_clean_record"),
        retried=_retried(timing, confidence),
        excluded=timing.excluded,
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
    values = requests.latency_ms[~requests.failed & (requests.attempts != 1) & np.isfinite(requests.latency_ms)]
    return Retried(n=timing.excluded.retried, p50=percentile(values, 0.5, confidence=confidence, clips=len(values)))


def latency_by_emotion(scope: Scope) -> dict[str, TwoPercentiles]:
    """The median and 95th percentile, milliseconds, of the calls that hold a clip of each label."""
    timing, confidence = scope.timing, scope.config.confidence
    reference = timing.reference
    found = {}
    for label in scope.labels:
        inside = reference == timing.requests.words.reference(label)
        values, clips = timing.calls.latencies(inside), int(inside.sum())
        found[label] = TwoPercentiles(
            p50=percentile(values, 0.5, confidence=confidence, clips=clips),
            p95=percentile(values, 0.95, confidence=confidence, clips=clips),
        )
    return found


def rtf_of(timing: Timing) -> float | None:
    """Seconds in which at least one call was in flight, per second of audio; None without clean records.

    That is the union of the calls' intervals, so that neither batches nor overlapping calls count twice and
    idle moments count not at all. Records that do not say when their call was made count
    `latency / batch_size` each, which is right only where no calls overlapped.
    """
    known = timing.clean & np.isfinite(timing.requests.audio_s)
    audio = float(timing.requests.audio_s[known].sum())
    if not audio > 0:
        return None
    calls = calls_of(timing.requests, known)
    each_s = timing.requests.latency_ms[known] / timing.requests.batch_size[known] / 1000
    spent = calls.busy_s if calls.timed else float(each_s.sum())
    return plain(spent / audio)


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
        mean=None,
        min=None,
        max=None,
        reason=why,
    )
