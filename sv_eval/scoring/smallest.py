"""The smallest number that is enough, where every larger one is, too."""

from __future__ import annotations

from collections.abc import Callable


def smallest(enough: Callable[[int], bool], least: int, most: int) -> int | None:
    """The smallest number from `least` to `most` that is enough; None where none is.

    Looked for upwards by doubling, since most answers are small, then by halving what is between.

    >>> smallest(lambda n: n * n >= 200, 1, 1000), smallest(lambda n: n > 5, 1, 5)
    (15, None)
    """
    low, high = least - 1, least
    while not enough(high):
        if high >= most:
            return None
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
