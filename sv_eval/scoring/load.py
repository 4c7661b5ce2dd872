"""What load a run put on its backend, and whether the generator kept to its plan."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring.calls import calls_of
from sv_eval.scoring.interval import plain
from sv_eval.scoring.latency import clean_records
from sv_eval.scoring.table import RecordTable

REASON = "the load generator fell behind its plan"


def load_summary(table: RecordTable, *, max_late_ms: float, slo_ms: float | None = None) -> dict[str, Any]:
    """Requests sent and answered a second, the most that were open at once, and how late sending was.

    Only the session that latency comes from counts. Lateness is of every request with a plan, answered or not;
    beyond `max_late_ms` at its 99th percentile the generator has fallen behind, and latency is no result.
    With an objective, `goodput` tells of the requests that were answered within it; one that failed or took a
    second attempt did not keep it.
    """
    clean, session, _ = clean_records(table)
    here = np.isfinite(table.sent_s) & (table.session == (-1 if session is None else session))
    late = table.late_ms[here & np.isfinite(table.late_ms)]
    data: dict[str, Any] = {"sent_per_s": None, "answered_per_s": None, "most_open": None, "late_ms": None}
    calls = calls_of(table, clean)
    if calls.n > 1 and calls.timed:
        begins = np.sort(calls.sent_s)
        ends = np.sort(calls.sent_s + calls.latency_ms / 1000)
        span_s = float(begins[-1] - begins[0])
        data["sent_per_s"] = plain((calls.n - 1) / span_s) if span_s > 0 else None
        data["answered_per_s"] = plain(calls.n / float(ends[-1] - begins[0])) if ends[-1] > begins[0] else None
        data["most_open"] = int((np.arange(1, calls.n + 1) - np.searchsorted(ends, begins)).max())
    if len(late):
        p99 = float(np.quantile(late, 0.99, method="higher"))
        data["late_ms"] = {"p50": plain(float(np.median(late))), "p99": plain(p99), "max": plain(float(late.max()))}
        data["fell_behind"] = p99 > max_late_ms
    if slo_ms is not None:
        data["goodput"] = _goodput(table, clean, here, slo_ms)
    return data


def _goodput(
    table: RecordTable, clean: NDArray[np.bool_], here: NDArray[np.bool_], slo_ms: float
) -> dict[str, Any]:
    """Requests answered within the objective, their share of all, and how many of them a second."""
    kept = clean & (table.latency_ms <= slo_ms)
    data = {"slo_ms": slo_ms, "kept": int(kept.sum()), "of": int(here.sum()), "share": None, "per_s": None}
    if not here.any():
        return data | {"reason": "no request was timed"}
    ends = table.sent_s[here] + np.nan_to_num(table.latency_ms[here]) / 1000
    span_s = float(ends.max() - table.sent_s[here].min())
    per_s = plain(float(kept.sum()) / span_s) if span_s > 0 else None
    return data | {"share": plain(float(kept.sum() / here.sum())), "per_s": per_s}


def refuse_latency(scores: dict[str, Any]) -> None:
    """Take back every latency figure of a run whose generator fell behind, with the reason."""
    blocks = [scores["latency_ms"], *(row["latency_ms"] for row in scores["per_emotion"].values())]
    blocks += scores["latency_by_duration"]
    for block in blocks:
        for name in ("p50", "p90", "p95", "p99"):
            if name in block:
                block[name] = {**block[name], "value": None, "low": None, "high": None, "reason": REASON}
    scores["latency_ms"] |= {"mean": None, "min": None, "max": None, "reason": REASON}
