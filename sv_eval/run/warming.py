"""Which clips a backend is warmed up with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from sv_eval.records import Clip
from sv_eval.run.prefetch import Decoded

_CANDIDATES = 4
"""For each clip that is wanted so many are decoded."""
_GIANT = 4.0
"""Clips this many times longer than the median are left to the measurement: there may be an hour among seconds."""
_HEADER_BYTES = 64
"""A file of so many bytes holds no audio."""

Item = TypeVar("Item")


def candidates(clips: Sequence[Clip], count: int) -> list[Clip]:
    """Clips to choose `count` from once they are decoded, of all lengths as far as lengths can be told before.

    Bytes tell the length of files of one kind, and less well of several kinds: of the largest ones there are many.
    """
    if count < 1:
        return []
    wanted = _CANDIDATES * count
    seconds = np.fromiter(map(_seconds, clips), dtype=np.float64, count=len(clips))
    sizes = np.fromiter(map(_bytes, clips), dtype=np.float64, count=len(clips))
    places: set[int] = set()
    for lengths in (seconds, np.where(np.isnan(seconds), sizes, np.nan)):
        known = np.flatnonzero(~np.isnan(lengths))
        known = known[lengths[known] <= _GIANT * np.median(lengths[known])] if len(known) else known
        ordered = known[np.argsort(lengths[known], kind="stable")].tolist()
        places.update(_spread(ordered, wanted - wanted // 2), ordered[len(ordered) - wanted // 2 :])
    if len(places) < count:
        places.update(range(min(len(clips), wanted)))
    return [clips[place] for place in sorted(places)]


def chosen(items: Sequence[Decoded], count: int) -> list[Decoded]:
    """At most `count` clips of all lengths, the longest first and included; those without audio are left out.

    Memory is taken, and kernels are chosen, when a length first comes; a backend that has heard the longest clip
    does so less while it is timed.
    """
    heard = sorted((item for item in items if item.waveform is not None), key=_longest_first)
    if not heard or count < 1:
        return []
    limit = _GIANT * float(np.median([_samples(item) for item in heard]))
    return _spread([item for item in heard if _samples(item) <= limit], count)


def _spread(items: Sequence[Item], count: int) -> list[Item]:
    """At most `count` of the items, evenly, the first one included and, of several, the last one."""
    if len(items) <= count:
        return list(items)
    last = len(items) - 1
    return [items[round(last * step / max(count - 1, 1))] for step in range(count)]


def _samples(item: Decoded) -> int:
    return 0 if item.waveform is None else len(item.waveform.samples)


def _longest_first(item: Decoded) -> tuple[int, str]:
    return -_samples(item), item.clip.id


def _seconds(clip: Clip) -> float:
    """The length of a stretch whose end is known; NaN of any other clip."""
    return float("nan") if clip.end_s is None else clip.end_s - (clip.start_s or 0.0)


def _bytes(clip: Clip) -> float:
    """The size of a clip that is a file; NaN where it is not known, not the clip's own, or holds no audio."""
    part = clip.start_s is not None or clip.size_bytes is None or clip.size_bytes <= _HEADER_BYTES
    return float("nan") if part or clip.size_bytes is None else clip.size_bytes
