"""How long a remote took for each judgement of a stream, seen from here."""

from __future__ import annotations

import time
from bisect import bisect_left

from sv_eval.records import SAMPLE_RATE_HZ


class UpdateTimes:
    """Remembers when which audio had been sent.

    A judgement's time runs from when the last of its audio was sent, or from the judgement before if that came
    later: what waited behind an earlier one is not counted twice. The way there and back is in it where audio comes
    as it is spoken; where all of it is sent ahead, it is in the first one alone.
    """

    def __init__(self) -> None:
        self._ends: list[int] = []
        self._moments: list[float] = []
        self._before_s = 0.0

    def sent(self, samples: int) -> None:
        """So many more samples are on their way."""
        self._ends.append((self._ends[-1] if self._ends else 0) + samples)
        self._moments.append(time.perf_counter())

    def answered(self, end_s: float) -> float:
        """The judgement of the audio up to `end_s` has come; the milliseconds that it took."""
        now = time.perf_counter()
        place = min(bisect_left(self._ends, round(end_s * SAMPLE_RATE_HZ)), len(self._moments) - 1)
        begin = max(self._moments[place], self._before_s) if place >= 0 else now
        self._before_s = now
        return max(0.0, now - begin) * 1000
