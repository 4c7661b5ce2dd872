"""The calls to the backend behind a run's clean records: what latency is measured on.

Clips that were answered in one call have one latency between them, so the call is the measurement: two hundred
clips in batches of eight are twenty-five.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring.table import RecordTable

_ROUNDING_S = 2e-6
"""How far two calls may seem to overlap because the times in `records.jsonl` are rounded, seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """The calls that answered some of a run's clips, all of one session."""

    of_clip: NDArray[np.int64]
    """The position of each clip's call; one entry per clip, in the table's order."""
    latency_ms: NDArray[np.float64]
    """How long each call took, milliseconds."""
    sent_s: NDArray[np.float64]
    """When each call was made, seconds; NaN where the record does not say."""
    batched: bool
    """Whether some call answered more than one clip."""

    @property
    def n(self) -> int:
        """The number of calls."""
        return len(self.latency_ms)

    @property
    def timed(self) -> bool:
        """Whether it is known when each call was made."""
        return not np.isnan(self.sent_s).any()

    @property
    def busy_s(self) -> float:
        """For how long at least one call was in flight, seconds; NaN unless `timed`."""
        if not self.timed:
            return float("nan")
        order = np.argsort(self.sent_s, kind="stable")
        start = self.sent_s[order]
        end = np.maximum.accumulate(start + self.latency_ms[order] / 1000)
        start[1:] = np.maximum(start[1:], end[:-1])
        return float(np.maximum(end - start, 0.0).sum())

    @property
    def overlapping(self) -> bool:
        """Whether several calls were in flight at once; False where it is not known."""
        return self.timed and float(self.latency_ms.sum()) / 1000 - self.busy_s > _ROUNDING_S * self.n

    def latencies(self, clips: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The latency of every call that holds one of `clips`, once each; one entry per clip of the table's."""
        return self.latency_ms[np.unique(self.of_clip[clips])]


def calls_of(table: RecordTable, which: NDArray[np.bool_]) -> Calls:
    """The calls that answered the clips `which`, measured in one session.

    Records from before calls were numbered count as a call each; those of a batch, as one call where batch
    size and latency are the same.
    """
    number, latency = table.call[which], table.latency_ms[which]
    size = table.batch_size[which]
    unnumbered = number < 0
    if unnumbered.any():
        _, alike = np.unique(latency, return_inverse=True)
        own = len(number) + np.arange(len(number))
        number = np.where(unnumbered, -1 - np.where(size > 1, alike, own), number)
    _, of_clip = np.unique(number, return_inverse=True)
    count = int(of_clip.max()) + 1 if len(of_clip) else 0
    longest, sent = np.zeros(count), np.full(count, np.nan)
    np.maximum.at(longest, of_clip, latency)
    sent[of_clip] = table.sent_s[which]
    return Calls(of_clip=of_clip.astype(np.int64), latency_ms=longest, sent_s=sent, batched=bool((size > 1).any()))
