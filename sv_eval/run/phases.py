"""The phases of a measurement: cold start, warm-up until stable, and going on until it is enough."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from sv_eval.records import Clip, Record
from sv_eval.run.load import LoadConfig
from sv_eval.scoring.call_sample import CallSample
from sv_eval.scoring.percentiles import minimum_n

_GROWTH = 1.1
"""How much the measurements must have grown by before the interval is looked at again.

Whoever looks after every value stops at the first lucky one; a few looks, each at markedly more values, cost
little of the interval's coverage.
"""


def is_stable(windows: Sequence[float], tolerance: float) -> bool:
    """Whether the last two windows differ by no more than this share of the shorter one.

    >>> is_stable([90.0, 52.0, 50.0], 0.1), is_stable([90.0, 52.0], 0.1), is_stable([50.0], 0.1)
    (True, False, False)
    """
    if len(windows) < 2:
        return False
    before, last = windows[-2:]
    return abs(before - last) <= tolerance * min(before, last)


def all_rounds(clips: Sequence[Clip], remaining: Iterable[Clip], rounds: int | None) -> Iterator[tuple[Clip, int]]:
    """What is still to do of the first round, then the whole corpus again and again; without end for None."""
    for clip in remaining:
        yield clip, 0
    for number in itertools.count(1) if rounds is None else range(1, rounds):
        for clip in clips:
            yield clip, number


class StoppingRule:
    """Says when a measurement of several rounds has enough.

    The percentile's interval is of order statistics, as the report's; it is looked at when the values have grown
    by a tenth, and the measurement ends once half of it is no wider than `width` of the percentile. It is that for
    these very clips: what others would take, more rounds don't tell, and no measurement must wait for it.
    """

    def __init__(self, config: LoadConfig, *, begin_s: float) -> None:
        self._config, self._begin_s = config, begin_s
        self._latencies: list[float] = []
        self._requests = 0
        self._calls: set[int] = set()
        self._next_look = minimum_n(config.percentile)

    def enough(self, record: Record, now_s: float) -> str | None:
        """Take in a record; the name of the limit that is reached, if one is."""
        self._requests += 1
        if record.latency_ms is not None and record.failure is None and record.attempts == 1:
            self._add(record)
        config = self._config
        if config.max_requests is not None and self._requests >= config.max_requests:
            return "max_requests"
        if config.max_s is not None and now_s - self._begin_s >= config.max_s:
            return "max_s"
        return "width" if config.width is not None and self._narrow(config.width) else None

    def _add(self, record: Record) -> None:
        if record.batch_size > 1 and record.call is not None:
            # Clips answered together are one measurement.
            if record.call in self._calls:
                return
            self._calls.add(record.call)
        self._latencies.append(record.latency_ms or 0.0)

    def _narrow(self, width: float) -> bool:
        n = len(self._latencies)
        if n < self._next_look:
            return False
        self._next_look = int(n * _GROWTH) + 1
        latency_ms = np.array(self._latencies)
        sample = CallSample(latency_ms=latency_ms, clip=np.arange(n), in_order=True)
        relative = relative_width(sample, self._config.percentile)
        return relative is not None and relative <= width


def relative_width(sample: CallSample, percentile: float) -> float | None:
    """Half the width of the percentile's 95 % interval over the percentile; None where it has no interval.

    >>> round(relative_width(CallSample.of_values(np.arange(1.0, 1001.0)), 0.5), 3)
    0.062
    """
    found = sample.percentile(percentile)
    if found.low is None or found.high is None or not found.value:
        return None
    return (found.high - found.low) / 2 / found.value
