"""Faults in which request gets which answer, and in what requests leave behind."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sv_eval.backends.faulty.exchange import Around, Asked, Gathered, Judge, Said
from sv_eval.data.audio.decoding import decode
from sv_eval.data.conditions.step import Float32
from sv_eval.errors import AudioError
from sv_eval.records import SAMPLE_RATE_HZ

_LEVEL = 0.1
_EVERY = 3
_HALF = 0.5


def _heard(asked: Asked) -> Float32:
    return decode(asked.data).samples


async def _each(asked: Sequence[Asked], judge: Judge) -> list[Said]:
    return [await judge(one) for one in asked]


def swapped() -> Around:
    """Of answers at one moment the first ones change places."""

    async def together(asked: Sequence[Asked], judge: Judge) -> Sequence[Said]:
        found = await _each(asked, judge)
        return [found[1], found[0], *found[2:]] if len(found) > 1 else found

    return Gathered(together)


def completion_order() -> Around:
    """Short clips are answered first, and answers are given out as they come."""

    async def together(asked: Sequence[Asked], judge: Judge) -> Sequence[Said]:
        return await _each(sorted(asked, key=lambda one: len(one.data)), judge)

    return Gathered(together)


def shared_buffer() -> Around:
    """What came last has overwritten what came before."""

    async def together(asked: Sequence[Asked], judge: Judge) -> Sequence[Said]:
        return await _each([asked[-1]] * len(asked), judge)

    return Gathered(together)


def normalised_together() -> Around:
    """One gain for all of a batch."""

    async def together(asked: Sequence[Asked], judge: Judge) -> Sequence[Said]:
        sounds = [_heard(one) for one in asked]
        level = float(np.sqrt(np.mean(np.square(np.concatenate(sounds))))) or 1.0
        gain = np.float32(_LEVEL / level)
        changed = [replace(one, samples=sound * gain) for one, sound in zip(asked, sounds, strict=True)]
        return await _each(changed, judge)

    return Gathered(together)


def padding_leaks() -> Around:
    """Shorter clips go on with what the longest one has there."""

    async def together(asked: Sequence[Asked], judge: Judge) -> Sequence[Said]:
        sounds = [_heard(one) for one in asked]
        longest = max(sounds, key=len)
        padded = [np.concatenate([sound, longest[len(sound) :]]) for sound in sounds]
        changed = [replace(one, samples=sound) for one, sound in zip(asked, padded, strict=True)]
        return await _each(changed, judge)

    return Gathered(together)


def retry_mixed_up() -> Around:
    """Where several wait, every third is sent away; when it comes again, it gets what was answered last."""
    waiting, count = 0, 0
    sent_away: set[str] = set()
    last: Said | None = None

    async def around(asked: Asked, judge: Judge) -> Said:
        nonlocal waiting, count, last
        if asked.name in sent_away and last is not None:
            sent_away.discard(asked.name)
            return last
        waiting += 1
        try:
            count += 1
            said = await gathered(asked, judge)
            if waiting > 1 and not count % _EVERY:
                sent_away.add(asked.name)
                raise ConnectionAbortedError
        finally:
            waiting -= 1
        last = said
        return said

    gathered = Gathered(_each)
    return around


def previous_answer() -> Around:
    """Every request gets the answer to the one before."""
    last: Said | None = None

    async def around(asked: Asked, judge: Judge) -> Said:
        nonlocal last
        now = await judge(asked)
        told, last = now if last is None else last, now
        return told

    return around


def replicas() -> Around:
    """Half of the requests, as it happens, get to a model that hears everything at twice the speed."""
    rng = np.random.default_rng(0)

    async def around(asked: Asked, judge: Judge) -> Said:
        sound = _heard(asked)
        return await judge(asked if rng.random() < _HALF else replace(asked, samples=sound[::2].copy()))

    return around


def connection_keeps() -> Around:
    """The last second of a connection's clip before is put in front."""
    kept: dict[int, Float32] = {}

    async def around(asked: Asked, judge: Judge) -> Said:
        sound = _heard(asked)
        before = kept.get(asked.connection, np.zeros(0, np.float32))
        kept[asked.connection] = sound[-SAMPLE_RATE_HZ:]
        return await judge(replace(asked, samples=np.concatenate([before, sound])))

    return around


def _cached(key: Callable[[Asked], Hashable]) -> Callable[[], Around]:
    def made() -> Around:
        known: dict[Hashable, Said] = {}

        async def around(asked: Asked, judge: Judge) -> Said:
            name = key(asked)
            if name not in known:
                known[name] = await judge(asked)
            return known[name]

        return around

    return made


def _kept(field: str) -> Callable[[], Around]:
    """What a request asks for is asked for again by those after it that ask for nothing."""

    def made() -> Around:
        last: object = None

        async def around(asked: Asked, judge: Judge) -> Said:
            nonlocal last
            wish = getattr(asked, field)
            if wish is None:
                return await judge(asked if last is None else _with(asked, field, last))
            last = wish
            return await judge(asked)

        return around

    return made


def _with(asked: Asked, field: str, value: object) -> Asked:
    changes: dict[str, Any] = {field: value}
    return replace(asked, **changes)


def after_error() -> Around:
    """After a file that can't be read, the next one gets the answer that was given before."""
    last: Said | None = None
    broken = False

    async def around(asked: Asked, judge: Judge) -> Said:
        nonlocal last, broken
        try:
            said = await judge(asked)
        except AudioError:
            broken = True
            raise
        if broken and last is not None:
            broken = False
            return last
        last = said
        return said

    return around


name_cached = _cached(lambda asked: asked.name)
length_cached = _cached(lambda asked: len(_heard(asked)))
language_kept = _kept("language")
setting_kept = _kept("use_itn")
