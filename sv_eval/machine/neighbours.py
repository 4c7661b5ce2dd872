"""How much of the machine others took while something was measured on it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sv_eval.report.reasons import Why

SHORTEST_S = 1
"""The system counts processor time in hundredths of a second or so: over less than this a share says nothing."""
_STAT = Path("/proc/stat")
_BUSY = (0, 1, 2, 5, 6, 7)
"""The columns of `/proc/stat` that are work: user, nice, system, irq, softirq, steal; the first two hold guests."""
_IDLE = (3, 4)
"""Those that are none: idle, and idle while a disk works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What the system has counted so far."""

    at_s: float
    """When, on a clock that only goes forward."""
    busy_s: float
    """Seconds that the cores worked, for whomever; what the host took away from a virtual machine is in it."""
    all_s: float
    """Seconds that the cores had."""
    own_s: float
    """Seconds of those that this process and all that it started worked, those of them that have ended included."""


class Neighbours:
    """The share of the cores' time that others took, by counters that are read as it is entered and as it is left.

    read: what the counters say now; None where the system has none.

    A context manager that may be entered again and again; the share is of all stretches together. What this process
    started is its own; what a service does that it only talks to is others'.
    """

    def __init__(self, read: Callable[[], Counters | None] | None = None) -> None:
        self._read = read_counters if read is None else read
        self._begin: Counters | None = None
        self._lasted_s = self._busy_s = self._all_s = self._own_s = 0.0
        self._told = True

    def __enter__(self) -> Self:
        """Read the counters."""
        self._begin = self._read()
        return self

    def __exit__(self, *reason: object) -> None:
        """Read them once more."""
        begin, end = self._begin, self._read()
        if begin is None or end is None:
            self._told = False
            return
        self._lasted_s += end.at_s - begin.at_s
        self._busy_s += end.busy_s - begin.busy_s
        self._all_s += end.all_s - begin.all_s
        self._own_s += end.own_s - begin.own_s

    def share(self) -> float | Why:
        """Between 0 and 1, or why it can't be told."""
        if not self._told:
            return Why.of("no_counters")
        if self._lasted_s < SHORTEST_S:
            return Why.of("short_clock", needed=SHORTEST_S)
        if self._all_s <= 0:
            return Why.of("no_counters")
        # The two are not counted in the same way: without anybody else a little less than nothing can come out.
        return round(min(1.0, max(0.0, (self._busy_s - self._own_s) / self._all_s)), 4)


def read_counters() -> Counters | None:
    """What Linux has counted, of the cores that this process may use; None where nobody tells."""
    try:
        cores = cores_of(_STAT.read_text(encoding="ascii"), os.sched_getaffinity(0))
    except (OSError, ValueError):
        return None
    if cores is None:
        return None
    busy, everything = cores
    return Counters(at_s=time.perf_counter(), busy_s=busy, all_s=everything, own_s=_own_s())


def cores_of(stat: str, cores: set[int]) -> tuple[float, float] | None:
    """Seconds that these cores worked, and that they had, by the text of `/proc/stat`; None without them in it.

    >>> cores_of("cpu0 100 0 100 700 100 0 0 0 50 0\\ncpu1 900 0 0 100 0 0 0 0 0 0\\n", {0})
    (2.0, 10.0)
    """
    a_second = os.sysconf("SC_CLK_TCK")
    names = {f"cpu{number}" for number in cores}
    lines = [line.split() for line in stat.splitlines()]
    rows = [[int(word) for word in words[1:]] for words in lines if words and words[0] in names]
    if not rows:
        return None
    busy = sum(row[place] for row in rows for place in _BUSY)
    return busy / a_second, (busy + sum(row[place] for row in rows for place in _IDLE)) / a_second


def _own_s() -> float:
    """Seconds of work of this process and of all that it started."""
    import psutil

    this = psutil.Process()
    found = 0.0
    for process in (this, *this.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.Error:
            # It has just ended: what it did is with its parent from now on.
            continue
        found += times.user + times.system + times.children_user + times.children_system
    return found
