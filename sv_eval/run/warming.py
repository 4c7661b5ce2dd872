"""Which clips a backend is warmed up with."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sv_eval.records import Clip

_GIANT = 4.0
"""Clips this many times longer than the median are left to the measurement: there may be an hour among seconds."""


def warm_up_clips(clips: Sequence[Clip], count: int) -> list[Clip]:
    """At most `count` clips of all lengths, the longest included, in the corpus' order.

    Memory is taken, and kernels are chosen, when a length first comes; a backend that has heard the longest clip
    does so no more while it is timed. Where the lengths aren't known beforehand it is the first clips.

    >>> [clip.id for clip in warm_up_clips([Clip(id=str(s), size_bytes=s) for s in (3, 9, 5, 1, 7, 99)], 3)]
    ['9', '5', '1']
    """
    if count < 1 or len(clips) <= count:
        return list(clips[: max(count, 0)])
    lengths = np.fromiter(map(_length, clips), dtype=np.float64, count=len(clips))
    if np.isnan(lengths).any():
        return list(clips[:count])
    ordered = np.argsort(lengths, kind="stable")
    last = int(np.searchsorted(lengths[ordered], _GIANT * np.median(lengths), side="right")) - 1
    # From the longest down, so that one clip is the longest.
    places = {int(ordered[last - round(last * step / max(count - 1, 1))]) for step in range(count)}
    return [clips[place] for place in sorted(places)]


def _length(clip: Clip) -> float:
    """What grows with a clip's length; NaN where nothing is known of it before it is decoded."""
    if clip.start_s is not None and clip.end_s is not None:
        return clip.end_s - clip.start_s
    return math.nan if clip.size_bytes is None else clip.size_bytes
