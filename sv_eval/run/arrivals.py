"""When requests are planned to be sent: the schedules that do not wait for answers.

Latency under them counts from the planned moment, whatever the generator and the server did meanwhile. A server
that stands still for a second is then seen by every request that was due in that second, and not by one alone;
missing that is what Tene calls coordinated omission ("How NOT to Measure Latency", 2013).
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from sv_eval.errors import ConfigError


def constant(rate: float) -> Iterator[float]:
    """Seconds of each request, `rate` a second, evenly.

    >>> from itertools import islice
    >>> list(islice(constant(4), 3))
    [0.0, 0.25, 0.5]
    """
    number = 0
    while True:
        yield number / rate
        number += 1


def poisson(rate: float, seed: int) -> Iterator[float]:
    """Seconds of each request of a Poisson process: gaps are exponential with the mean 1 / rate.

    This is MLPerf's Server scenario: requests of many callers who know nothing of each other.
    """
    draw = random.Random(seed)
    moment_s = 0.0
    while True:
        moment_s += draw.expovariate(rate)
        yield moment_s


def ramp(first: float, last: float, seconds: float) -> Iterator[float]:
    """Seconds of each request when the rate grows evenly from `first` to `last` a second, and then stays.

    The n-th request comes when the integral of the rate, `first t + (last - first) t^2 / (2 seconds)`, reaches n.

    >>> from itertools import islice
    >>> [round(moment, 3) for moment in islice(ramp(1, 3, 4), 4)]
    [0.0, 0.828, 1.464, 2.0]
    """
    slope = (last - first) / seconds
    reached = (first + last) / 2 * seconds
    number = 0
    while True:
        if number >= reached:
            yield seconds + (number - reached) / last
        elif slope:
            yield (math.sqrt(first * first + 2 * slope * number) - first) / slope
        else:
            yield number / first
        number += 1


def trace(moments_s: Sequence[float]) -> Iterator[float]:
    """The given seconds, and again from the beginning, shifted by the whole length, when they are used up."""
    length_s = moments_s[-1] + (moments_s[-1] / max(1, len(moments_s) - 1) or 1.0)
    turn = 0
    while True:
        for moment_s in moments_s:
            yield turn * length_s + moment_s
        turn += 1


def read_trace(path: str) -> tuple[float, ...]:
    """The seconds in a file, one a line, ascending; further columns behind a comma are left alone.

    They begin at 0: a log's first moment is taken off. Raises ConfigError that names the line.
    """
    file = Path(path).expanduser()
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise ConfigError(f"load.trace_file={path}: can't be read ({reason})") from error
    moments: list[float] = []
    for number, line in enumerate(lines, 1):
        word = line.partition(",")[0].strip()
        if not word or word.startswith("#"):
            continue
        try:
            moment = float(word)
        except ValueError:
            if not moments and number == 1:
                continue  # a head line
            raise ConfigError(f"{path}, line {number}: '{word[:40]}' is no number of seconds") from None
        if not math.isfinite(moment) or (moments and moment < moments[-1]):
            raise ConfigError(f"{path}, line {number}: {word[:40]} comes before the line above; sort the moments")
        moments.append(moment)
    if not moments:
        raise ConfigError(f"load.trace_file={path}: holds no moments; write one a line, in seconds")
    return tuple(moment - moments[0] for moment in moments)
