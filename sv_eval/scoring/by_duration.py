"""Latency by the length of the audio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sv_eval.scoring.calls import Calls, calls_of
from sv_eval.scoring.interval import Interval, plain
from sv_eval.scoring.latency import clean_records
from sv_eval.scoring.percentiles import percentile
from sv_eval.scoring.table import RecordTable


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationBin:
    """Latency of the clips of one range of audio lengths."""

    label: str
    """The range, for people."""
    low_s: float
    """Its lower edge, seconds, included."""
    high_s: float | None
    """Its upper edge, seconds, not included; None for the open last one."""
    n: int
    """Clean records in it."""
    n_calls: int
    """The calls that hold one of them."""
    p50: Interval
    """Median, milliseconds."""
    p95: Interval
    """95th percentile, milliseconds."""
    rtf: float | None
    """Seconds of call per second of audio; None where calls were shared or overlapped."""
    rtf_reason: str | None
    """Why there is no `rtf`, though there are clean records."""

    def to_json(self) -> dict[str, Any]:
        """The bin as plain data."""
        data: dict[str, Any] = {"label": self.label, "low_s": self.low_s, "high_s": self.high_s}
        data |= {"n": self.n, "n_calls": self.n_calls}
        data |= {"p50": self.p50.to_json(), "p95": self.p95.to_json(), "rtf": plain(self.rtf)}
        if self.rtf_reason:
            data["rtf_reason"] = self.rtf_reason
        return data if self.n else data | {"reason": "no clean record"}


def latency_by_duration(
    table: RecordTable, edges_s: Sequence[float], *, confidence: float
) -> tuple[DurationBin, ...]:
    """The latency of clean records by audio length; `edges_s` are the bins' lower edges."""
    clean, _, _ = clean_records(table)
    calls, audio_s = calls_of(table, clean), table.audio_s[clean]
    shared = _why_no_rtf_by_length(calls)
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
                rtf=spent / audio if audio > 0 and shared is None else None,
                rtf_reason=shared if clips else None,
            )
        )
    return tuple(bins)


def _why_no_rtf_by_length(calls: Calls) -> str | None:
    """Why the time cannot be divided between clips of different length; None where it can."""
    if calls.batched:
        return "clips of several lengths may share a call"
    return "several calls were in flight at once" if calls.overlapping else None
