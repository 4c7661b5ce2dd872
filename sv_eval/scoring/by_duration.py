"""Latency by the length of the audio."""

from __future__ import annotations

import numpy as np
from msgspec import UNSET

from sv_eval.report.interval import given, plain
from sv_eval.report.latency import DurationBin
from sv_eval.report.reasons import Why
from sv_eval.scoring.percentiles import percentile
from sv_eval.scoring.scope import Scope
from sv_eval.scoring.timing import Calls


def latency_by_duration(scope: Scope) -> tuple[DurationBin, ...]:
    """The latency of clean records by audio length; the configuration has the bins' lower edges."""
    calls, audio_s, confidence = scope.timing.calls, scope.timing.audio_s, scope.config.confidence
    shared = _why_no_rtf_by_length(calls)
    edges_s = scope.config.duration_bins_s
    bins = []
    for low, high in zip(edges_s, [*edges_s[1:], None], strict=True):
        inside = (audio_s >= low) & (audio_s < (np.inf if high is None else high))
        values, clips = calls.latencies(inside), int(inside.sum())
        spent, audio = float(values.sum()) / 1000, float(audio_s[inside].sum())
        bins.append(
            DurationBin(
                label=f"{low:g} s and more" if high is None else f"{low:g}-{high:g} s",
                low_s=low,
                high_s=high,
                n=clips,
                n_calls=len(values),
                p50=percentile(values, 0.5, confidence=confidence, clips=clips),
                p95=percentile(values, 0.95, confidence=confidence, clips=clips),
                rtf=plain(spent / audio) if audio > 0 and shared is None else None,
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
