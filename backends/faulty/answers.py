"""Faults in what is told."""

from __future__ import annotations

from collections.abc import Callable

from sv_eval.backends.faulty.exchange import Around, Asked, Judge, Said


def _told(change: Callable[[Said], Said]) -> Callable[[], Around]:
    async def around(asked: Asked, judge: Judge) -> Said:
        return change(dict(await judge(asked)))

    return lambda: around


def _tagless(said: Said) -> Said:
    return said if said["emotion"] not in (None, "unknown") else said | {"emotion": "neutral", "confidence": 1.0}


def _shifted(said: Said) -> Said:
    names = list(said["scores"])
    values = list(said["scores"].values())
    scores = dict(zip(names, [*values[1:], values[0]], strict=True))
    return said | {"scores": scores, "confidence": scores.get(said["emotion"])}


def _of_the_next(said: Said) -> Said:
    names = list(said["scores"])
    place = (names.index(said["emotion"]) + 1) % len(names) if said["emotion"] in names else 0
    return said | {"confidence": said["scores"][names[place]]}


def _constant(said: Said) -> Said:
    names = list(said["scores"])
    scores = {name: 0.93 if name == names[0] else 0.07 / (len(names) - 1) for name in names}
    return said | {"emotion": names[0], "scores": scores, "confidence": scores[names[0]]}


tagless_neutral = _told(_tagless)
label_order = _told(_shifted)
other_confidence = _told(_of_the_next)
constant = _told(_constant)
