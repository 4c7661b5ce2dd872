"""Speakers that settings are not ranked on, so that the chosen one can be judged on voices without a say in it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def held_out(speakers: Sequence[str], share: float, seed: int) -> tuple[str, ...]:
    """About this share of the speakers, at least one and not all; which ones, seed and name decide.

    Empty when there are fewer than two speakers, or nothing is to be held out.

    >>> held_out(["a", "b", "c", "d"], 0.5, seed=0)
    ('a', 'd')
    """
    if share <= 0 or len(speakers) < 2:
        return ()
    count = min(max(1, round(share * len(speakers))), len(speakers) - 1)
    ranked = sorted(
        speakers, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode(errors="surrogatepass")).digest()
    )
    return tuple(sorted(ranked[:count]))
