"""HdrHistogram's interval log, which its plotters and `HistogramLogProcessor` read."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from sv_eval.errors import MissingPackageError
from sv_eval.finished.exports.run import ExportedRun

_HIGHEST_US = 3_600_000_000
_DIGITS = 3
_WINDOW_S = 1.0


def hdr_log(run: ExportedRun) -> str:
    """A histogram for each second in which calls were sent; values in microseconds, three significant digits.

    The packing is the library's; the lines are written here, since its writer (0.10) fails on the start time.
    """
    try:
        from hdrh.histogram import HdrHistogram
    except ImportError as error:
        raise MissingPackageError(
            "the HdrHistogram log needs another package; pip install 'sv-eval[hdr]'"
        ) from error

    started = datetime.fromisoformat(run.report.run.started_at)
    lines = [
        "#sv_eval: latency of clean calls, microseconds; the maximum of an interval in milliseconds",
        "#[Histogram log format version 1.3]",
        f"#[StartTime: {started.timestamp():.3f} (seconds since epoch), {started.isoformat()}]",
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ]
    windows = np.floor(np.nan_to_num(run.sent_s) / _WINDOW_S).astype(np.int64)
    for window in np.unique(windows):
        histogram = HdrHistogram(1, _HIGHEST_US, _DIGITS)
        for value in run.latency_ms[windows == window]:
            histogram.record_value(min(_HIGHEST_US, max(1, round(value * 1000))))
        packed = histogram.encode().decode("ascii")
        begin_s, most_ms = window * _WINDOW_S, histogram.get_max_value() / 1000
        lines.append(f"{begin_s:.3f},{_WINDOW_S:.3f},{most_ms:.3f},{packed}")
    return "\n".join(lines) + "\n"
