"""How fast: latency percentiles, by audio length and by emotion, and the real-time factor.

Only clean records enter: an answer at the first attempt, measured in one session. A resumed run has several
sessions, that is processes, which must not be mixed; the session with the most clean records counts (of
equals the last one), and what was left out is counted. Percentiles treat clips as independent draws, which
clips measured one after another are only roughly; compare two runs by interleaving them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring.interval import Interval, plain
from sv_eval.scoring.percentiles import percentile
from sv_eval.scoring.rows import REFERENCES
from sv_eval.scoring.table import RecordTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """Records that do not enter latency, each counted once, for the first reason that applies."""

    failed: int
    """No answer."""
    retried: int
    """Answered, but not at the first attempt."""
    unmeasured: int
    """Answered without asking the backend, so without a latency."""
    resumed: int
    """Measured in another session than the one that counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencySummary:
    """Latency of one run. `rtf` counts what a call took once, however many clips it answered."""

    n: int
    """Clean records."""
    session: int | None
    """The session that they are from; None without clean records."""
    p50: Interval
    """Median, milliseconds."""
    p90: Interval
    """90th percentile, milliseconds."""
    p95: Interval
    """95th percentile, milliseconds."""
    p99: Interval
    """99th percentile, milliseconds."""
    mean_ms: float | None
    """Mean, milliseconds."""
    min_ms: float | None
    """Smallest, milliseconds."""
    max_ms: float | None
    """Largest, milliseconds."""
    excluded: Excluded
    """What was left out."""
    rtf: float | None
    """`sum(latency / batch_size) / sum(audio)` of the clean records; None without any."""

    def to_json(self) -> dict[str, Any]:
        """The block `latency_ms` of metrics.json; `rtf` stands beside it there."""
        data: dict[str, Any] = {"n": self.n, "session": self.session}
        data |= {name: getattr(self, name).to_json() for name in ("p50", "p90", "p95", "p99")}
        data |= {"mean": plain(self.mean_ms), "min": plain(self.min_ms), "max": plain(self.max_ms)}
        if not self.n:
            data["reason"] = "no clean record"
        names = ("resumed", "retried", "failed", "unmeasured")
        return data | {"excluded": {name: getattr(self.excluded, name) for name in names}}


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
    p50: Interval
    """Median, milliseconds."""
    p95: Interval
    """95th percentile, milliseconds."""
    rtf: float | None
    """Seconds of call per second of audio."""

    def to_json(self) -> dict[str, Any]:
        """The bin as plain data."""
        data: dict[str, Any] = {"label": self.label, "low_s": self.low_s, "high_s": self.high_s, "n": self.n}
        data |= {"p50": self.p50.to_json(), "p95": self.p95.to_json(), "rtf": plain(self.rtf)}
        return data if self.n else data | {"reason": "no clean record"}


def clean_records(table: RecordTable) -> tuple[NDArray[np.bool_], int | None, Excluded]:
    """Which records enter latency, the session that they are from, and how many do not enter and why."""
    failed = table.failed
    retried = ~failed & (table.attempts != 1)
    unmeasured = ~failed & ~retried & np.isnan(table.latency_ms)
    clean = ~(failed | retried | unmeasured)
    session: int | None = None
    resumed = 0
    if clean.any():
        names, counts = np.unique(table.session[clean], return_counts=True)
        session = int(names[counts == counts.max()][-1])
        resumed = int((clean & (table.session != session)).sum())
        clean &= table.session == session
    excluded = Excluded(
        failed=int(failed.sum()),
        retried=int(retried.sum()),
        unmeasured=int(unmeasured.sum()),
        resumed=resumed,
    )
    return clean, session, excluded


def latency_summary(table: RecordTable, *, confidence: float) -> LatencySummary:
    """The latency of all clean records."""
    clean, session, excluded = clean_records(table)
    values = table.latency_ms[clean]
    has = len(values) > 0
    return LatencySummary(
        n=len(values),
        session=session,
        p50=percentile(values, 0.5, confidence=confidence),
        p90=percentile(values, 0.9, confidence=confidence),
        p95=percentile(values, 0.95, confidence=confidence),
        p99=percentile(values, 0.99, confidence=confidence),
        mean_ms=float(values.mean()) if has else None,
        min_ms=float(values.min()) if has else None,
        max_ms=float(values.max()) if has else None,
        excluded=excluded,
        rtf=_rtf(table, clean),
    )


def latency_by_emotion(
    table: RecordTable, labels: Sequence[str], *, confidence: float
) -> dict[str, tuple[Interval, Interval]]:
    """The median and 95th percentile, milliseconds, of each reference label's clean records."""
    clean, _, _ = clean_records(table)
    found = {}
    for label in labels:
        values = table.latency_ms[clean & (table.reference == REFERENCES.index(label))]
        found[label] = (
            percentile(values, 0.5, confidence=confidence),
            percentile(values, 0.95, confidence=confidence),
        )
    return found


def latency_by_duration(
    table: RecordTable, edges_s: Sequence[float], *, confidence: float
) -> tuple[DurationBin, ...]:
    """The latency of clean records by audio length; `edges_s` are the bins' lower edges."""
    clean, _, _ = clean_records(table)
    bins = []
    for low, high in zip(edges_s, [*edges_s[1:], None], strict=True):
        inside = clean & (table.audio_s >= low) & (table.audio_s < (np.inf if high is None else high))
        values = table.latency_ms[inside]
        bins.append(
            DurationBin(
                label=f"{low:g} s and more" if high is None else f"{low:g}-{high:g} s",
                low_s=low,
                high_s=high,
                n=len(values),
                p50=percentile(values, 0.5, confidence=confidence),
                p95=percentile(values, 0.95, confidence=confidence),
                rtf=_rtf(table, inside),
            )
        )
    return tuple(bins)


def _rtf(table: RecordTable, which: NDArray[np.bool_]) -> float | None:
    known = which & np.isfinite(table.audio_s)
    audio = float(table.audio_s[known].sum())
    spent = float((table.latency_ms[known] / table.batch_size[known]).sum()) / 1000
    return spent / audio if audio > 0 else None
