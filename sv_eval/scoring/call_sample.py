"""Latencies of calls as one sample: what a percentile is of, and how far its bounds may be trusted."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sv_eval.report.interval import Interval
from sv_eval.scoring.dependence import INDEPENDENT, Dependence, dependence_of, in_time, n_different
from sv_eval.scoring.percentiles import nearest_rank, percentile

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_MEDIAN = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CallSample:
    """Some calls. All arrays have one entry a call, in order of sending where `in_order`."""

    latency_ms: Floats
    """How long each took, milliseconds."""
    clip: Codes
    """A code from 0 of what each asked about; the same for repeats."""
    audio_s: Floats | None = None
    """Seconds of audio in each; None where it is not known."""
    in_order: bool = False
    """Whether the order of sending is known."""
    whole: CallSample | None = None
    """The sample that these are a part of: it tells more surely how neighbours depend on each other."""
    settled: dict[float, Dependence] = field(default_factory=dict)
    """The dependence by percentile as far as it is known: from a baseline file, or since it was asked for."""
    timed: dict[float, Dependence] = field(default_factory=dict)
    """The same of what neighbours in time make."""

    @classmethod
    def of_values(cls, latency_ms: Floats) -> CallSample:
        """Calls about a clip each, in an order that nobody knows: taken as independent."""
        return cls(latency_ms=latency_ms, clip=np.arange(len(latency_ms)))

    @property
    def n(self) -> int:
        """The number of calls."""
        return len(self.latency_ms)

    @property
    def n_clips(self) -> int:
        """How many different things they asked about."""
        return n_different(self.clip)

    @property
    def lag_1(self) -> float:
        """The correlation of each call's rank with the next one's, 0 where all are alike."""
        ranks = np.argsort(np.argsort(self.latency_ms, kind="stable"), kind="stable").astype(np.float64)
        if self.n < 3 or float(np.ptp(self.latency_ms)) == 0:
            return 0.0
        return float(np.corrcoef(ranks[:-1], ranks[1:])[0, 1])

    def dependence(self, p: float) -> Dependence:
        """How much calls depend on each other, for the p-th percentile."""
        if p not in self.settled:
            self.settled[p] = self._dependence(p)
        return self.settled[p]

    def in_time(self, p: float) -> Dependence:
        """The part of it that neighbours in time make.

        In a tail little is to be seen of an order, so the median's inflation is the least that counts.
        """
        if not self.in_order or self.n == 0:
            return INDEPENDENT
        if p not in self.timed:
            found = in_time(self._below(p), self.audio_s)
            if p != _MEDIAN:
                found = max(found, self.in_time(_MEDIAN), key=lambda one: one.inflation)
            self.timed[p] = found
        return self.timed[p]

    def percentile(self, p: float, *, confidence: float = 0.95, clips: int | None = None) -> Interval:
        """The p-th percentile with its bounds; `clips`: how many clips the calls answered, one each by default."""
        known = self.dependence(p)
        return percentile(
            self.latency_ms, p, confidence=confidence, clips=clips, dependence=known, distinct=self.n_clips
        )

    def _dependence(self, p: float) -> Dependence:
        if self.n == 0:
            return INDEPENDENT
        time = (self.whole or self).in_time(p)
        return dependence_of(
            self._below(p), in_order=self.in_order, clip=self.clip, audio_s=self.audio_s, time=time
        )

    def _below(self, p: float) -> NDArray[np.bool_]:
        return np.asarray(self.latency_ms <= nearest_rank(self.latency_ms, p), dtype=np.bool_)
