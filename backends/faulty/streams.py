"""Faults of streams: in which of their pieces are heard, and which stream gets which last answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from sv_eval.backends.faulty.exchange import Around, Asked, Judge, Said
from sv_eval.data.conditions.step import Float32


def joined(pieces: Sequence[Float32]) -> Float32:
    """The sound of a stream."""
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)


def _kept(those: Callable[[Sequence[Float32]], Sequence[Float32]]) -> Callable[[], Around]:
    async def around(asked: Asked, judge: Judge) -> Said:
        # A stream of one piece has none to lose.
        return await judge(replace(asked, samples=joined(those(asked.pieces))) if len(asked.pieces) > 1 else asked)

    return lambda: around


def _crossed(pieces: Sequence[Float32]) -> Sequence[Float32]:
    crossed, pairs = list(pieces), len(pieces) // 2 * 2
    crossed[0:pairs:2], crossed[1:pairs:2] = pieces[1:pairs:2], pieces[0:pairs:2]
    return crossed


def stream_before() -> Around:
    """Every stream ends with the last answer of the one before."""
    last: Said | None = None

    async def around(asked: Asked, judge: Judge) -> Said:
        nonlocal last
        now = await judge(asked)
        if not asked.pieces:
            return now
        told, last = now if last is None else last, now
        return told

    return around


first_piece = _kept(lambda pieces: pieces[1:])
last_piece = _kept(lambda pieces: pieces[:-1])
pieces_crossed = _kept(_crossed)
