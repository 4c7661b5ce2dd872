"""What load a run put on its backend, and whether the generator kept to its plan."""

from __future__ import annotations

import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from sv_eval.report.latency import Goodput, Lateness, Load
from sv_eval.report.reasons import Why
from sv_eval.scoring.scope import Scope
from sv_eval.scoring.timing import Calls, Timing

DEFAULT_MAX_LATE_MS = 5.0
"""How late the generator may send, at the 99th percentile, before latency is no result."""


def load_of(scope: Scope, *, max_late_ms: float) -> Load:
    """Requests sent and answered a second, the most that were open at once, and how late sending was.

    Only the session that latency comes from counts. Lateness is of every request with a plan, answered or not;
    beyond `max_late_ms` at its 99th percentile the generator has fallen behind, and latency is no result.
    With an objective, `goodput` tells of the requests that were answered within it; one that failed or took a
    second attempt did not keep it.
    """
    timing = scope.timing
    requests = timing.requests
    here = np.isfinite(requests.sent_s) & (requests.session == (-1 if timing.session is None else timing.session))
    late = requests.late_ms[here & np.isfinite(requests.late_ms)]
    # A stream in real time is open while its audio comes, and has lateness of its own.
    sent, answered, most_open = _pace(timing.calls, streamed=bool(requests.streamed) and len(late) > 0)
    late_ms, fell_behind = _lateness(late, max_late_ms)
    slo_ms = scope.config.slo_ms
    return Load(
        sent_per_s=sent,
        answered_per_s=answered,
        most_open=most_open,
        late_ms=late_ms,
        fell_behind=fell_behind,
        goodput=UNSET if slo_ms is None else _goodput(timing, here, slo_ms),
    )


def _pace(calls: Calls, *, streamed: bool) -> tuple[float | None, float | None, int | None]:
    """Calls sent and answered a second, and the most that were open at once."""
    if calls.n < 2 or not calls.timed:
        return None, None, None
    begins = np.sort(calls.sent_s)
    ends = np.sort(calls.sent_s + (calls.audio_s if streamed else 0.0) + calls.latency_ms / 1000)
    span_s = float(begins[-1] - begins[0])
    sent = (calls.n - 1) / span_s if span_s > 0 else None
    answered = calls.n / float(ends[-1] - begins[0]) if ends[-1] > begins[0] else None
    return sent, answered, int((np.arange(1, calls.n + 1) - np.searchsorted(ends, begins)).max())


def _lateness(late: NDArray[np.float64], max_late_ms: float) -> tuple[Lateness | None, bool | UnsetType]:
    if not len(late):
        return None, UNSET
    p99 = float(np.quantile(late, 0.99, method="higher"))
    found = Lateness(p50=float(np.median(late)), p99=p99, max=float(late.max()))
    return found, p99 > max_late_ms


def _goodput(timing: Timing, here: NDArray[np.bool_], slo_ms: float) -> Goodput:
    """Requests answered within the objective, their share of all, and how many of them a second."""
    requests = timing.requests
    kept, of = int((timing.clean & (requests.latency_ms <= slo_ms)).sum()), int(here.sum())
    if not of:
        why = Why.of("no_request_timed")
        return Goodput(slo_ms=slo_ms, kept=kept, of=of, share=None, per_s=None, reason=why)
    ends = requests.sent_s[here] + np.nan_to_num(requests.latency_ms[here]) / 1000
    span_s = float(ends.max() - requests.sent_s[here].min())
    per_s = kept / span_s if span_s > 0 else None
    return Goodput(slo_ms=slo_ms, kept=kept, of=of, share=kept / of, per_s=per_s)
