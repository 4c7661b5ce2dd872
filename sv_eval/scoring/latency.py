"""How fast: latency percentiles, by emotion too, and the real-time factor.

Only clean records enter: an answer at the first attempt, measured in one session. A resumed run has several
sessions, that is processes, which must not be mixed; the session with the most clean records counts (of
equals the last one), and what was left out is counted.

Percentiles, their bounds and the least number that they need are over calls, one value a call, however many
clips it answered; a part of the run (an emotion, a range of lengths) has the calls that hold a clip of it.
They treat calls as independent draws, which calls made one after another are only roughly; compare two runs
by interleaving them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring.calls import calls_of
from sv_eval.scoring.interval import Interval, plain
from sv_eval.scoring.percentiles import percentile
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
    """Latency of one run."""

    n: int
    """Clean records, that is clips."""
    n_calls: int
    """The calls that answered them: independent measurements."""
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
    """Mean over calls, milliseconds."""
    min_ms: float | None
    """Smallest, milliseconds."""
    max_ms: float | None
    """Largest, milliseconds."""
    excluded: Excluded
    """What was left out."""
    retried: Interval
    """Median of the answers that took more than one attempt, milliseconds, waits between attempts included."""
    rtf: float | None
    """Seconds in which a call was in flight per second of audio of the clean records; None without any."""

    def to_json(self) -> dict[str, Any]:
        """The block `latency_ms` of metrics.json; `rtf` stands beside it there."""
        data: dict[str, Any] = {"n": self.n, "n_calls": self.n_calls, "session": self.session}
        data |= {name: getattr(self, name).to_json() for name in ("p50", "p90", "p95", "p99")}
        data |= {"mean": plain(self.mean_ms), "min": plain(self.min_ms), "max": plain(self.max_ms)}
        if not self.n:
            data["reason"] = "no clean record"
        names = ("resumed", "retried", "failed", "unmeasured")
        if self.excluded.retried:
            data["retried"] = {"n": self.excluded.retried, "p50": self.retried.to_json()}
        return data | {"excluded": {name: getattr(self.excluded, name) for name in names}}


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
    n, calls = int(clean.sum()), calls_of(table, clean)
    values = calls.latency_ms
    return LatencySummary(
        n=n,
        n_calls=calls.n,
        session=session,
        p50=percentile(values, 0.5, confidence=confidence, clips=n),
        p90=percentile(values, 0.9, confidence=confidence, clips=n),
        p95=percentile(values, 0.95, confidence=confidence, clips=n),
        p99=percentile(values, 0.99, confidence=confidence, clips=n),
        mean_ms=float(values.mean()) if n else None,
        min_ms=float(values.min()) if n else None,
        max_ms=float(values.max()) if n else None,
        excluded=excluded,
        retried=_retried(table, confidence),
        rtf=_rtf(table, clean),
    )


def _retried(table: RecordTable, confidence: float) -> Interval:
    values = table.latency_ms[~table.failed & (table.attempts != 1) & np.isfinite(table.latency_ms)]
    return percentile(values, 0.5, confidence=confidence, clips=len(values))


def latency_by_emotion(
    table: RecordTable, labels: Sequence[str], *, confidence: float
) -> dict[str, tuple[Interval, Interval]]:
    """The median and 95th percentile, milliseconds, of the calls that hold a clip of each reference label."""
    clean, _, _ = clean_records(table)
    calls, reference = calls_of(table, clean), table.reference[clean]
    found = {}
    for label in labels:
        inside = reference == table.words.reference(label)
        values, clips = calls.latencies(inside), int(inside.sum())
        found[label] = (
            percentile(values, 0.5, confidence=confidence, clips=clips),
            percentile(values, 0.95, confidence=confidence, clips=clips),
        )
    return found


def _rtf(table: RecordTable, clean: NDArray[np.bool_]) -> float | None:
    """Seconds in which at least one call was in flight, per second of audio.

    That is the union of the calls' intervals, so that neither batches nor overlapping calls count twice and
    idle moments count not at all. Records that do not say when their call was made count
    `latency / batch_size` each, which is right only where no calls overlapped.
    """
    known = clean & np.isfinite(table.audio_s)
    audio = float(table.audio_s[known].sum())
    if not audio > 0:
        return None
    calls = calls_of(table, known)
    spent = calls.busy_s if calls.timed else float((table.latency_ms[known] / table.batch_size[known]).sum()) / 1000
    return spent / audio
