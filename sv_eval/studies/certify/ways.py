"""Relations of asking: order, many at once, batches, neighbours, connections, settings of other requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from sv_eval.backend import Answer
from sv_eval.records import SAMPLE_RATE_HZ
from sv_eval.studies.certify.asking import Bench
from sv_eval.studies.certify.files import on_16_bits
from sv_eval.studies.certify.guise import Guise, Material
from sv_eval.studies.certify.relation import Need, Relation, Rule, Way

_LONGER_S = 3.0
_BATCH = 4
_FRESH = 8
_BAD = 6
_TOO_SHORT = 16
LANGUAGE: Mapping[str, Any] = MappingProxyType({"language": "zh"})
ITN: Mapping[str, Any] = MappingProxyType({"use_itn": True})
"""What other requests ask for."""

Answered = Sequence[tuple[int, Answer]]


def _plain(material: Material, clip: int) -> Guise:
    return Guise(samples=material.sounds[clip])


async def _order(bench: Bench, material: Material) -> Answered:
    """Last to first, every other clip left for a second round."""
    backwards = range(material.count - 1, -1, -1)
    clips = [*backwards[::2], *backwards[1::2]]
    answers = await bench.by_turns([_plain(material, clip) for clip in clips])
    return list(zip(clips, answers, strict=True))


def _callers(count: int) -> Way:
    async def way(bench: Bench, material: Material) -> Answered:
        """All clips, again and again until each caller has asked twice."""
        clips = [place % material.count for place in range(max(material.count, 2 * count))]
        answers = await bench.at_once([_plain(material, clip) for clip in clips], count)
        return list(zip(clips, answers, strict=True))

    return way


async def _pairs(bench: Bench, material: Material) -> Answered:
    """Each clip at the same moment as one of another label."""
    found: list[tuple[int, Answer]] = []
    for clip, other in enumerate(material.others):
        answers = await bench.at_once([_plain(material, clip), _plain(material, other)], 2)
        found += zip((clip, other), answers, strict=True)
    return found


async def _batch(bench: Bench, material: Material) -> Answered:
    size = min(_BATCH, bench.able.max_batch)
    found: list[tuple[int, Answer]] = []
    for begin in range(0, material.count, size):
        clips = range(begin, min(begin + size, material.count))
        found += zip(clips, await bench.together([_plain(material, clip) for clip in clips]), strict=True)
    return found


async def _beside(bench: Bench, material: Material, neighbours: Sequence[Guise]) -> Answered:
    """Each clip with a neighbour: in one call where calls take several clips, else at the same moment."""
    found: list[tuple[int, Answer]] = []
    for clip, neighbour in enumerate(neighbours):
        guises = [_plain(material, clip), neighbour]
        answers = await (bench.together(guises) if bench.able.max_batch > 1 else bench.at_once(guises, 2))
        found.append((clip, answers[0]))
    return found


async def _beside_longer(bench: Bench, material: Material) -> Answered:
    more = round(_LONGER_S * SAMPLE_RATE_HZ)
    return await _beside(
        bench,
        material,
        [
            Guise(samples=np.resize(material.other(clip), len(one) + more))
            for clip, one in enumerate(material.sounds)
        ],
    )


async def _beside_louder(bench: Bench, material: Material) -> Answered:
    """The neighbour is at full scale and beyond, the clip as soft as it may be."""
    loud = [
        Guise(samples=on_16_bits(material.other(clip) * np.float32(8 / np.abs(material.other(clip)).max())))
        for clip in range(material.count)
    ]
    return await _beside(bench, material, loud)


async def _after_bad(bench: Bench, material: Material) -> Answered:
    """Some clips, each after a request that can't be answered."""
    found: list[tuple[int, Answer]] = []
    bad = Guise(samples=np.zeros(_TOO_SHORT, np.float32), file=b"this is no sound" * 8)
    for clip in range(min(_BAD, material.count)):
        await bench.ask(bad)
        found.append((clip, await bench.ask(_plain(material, clip))))
    return found


async def _fresh(bench: Bench, material: Material) -> Answered:
    """Some clips, each as the first one of a connection of its own."""
    found: list[tuple[int, Answer]] = []
    for clip in range(min(_FRESH, material.count)):
        async with bench.elsewhere() as ask:
            found.append((clip, await ask(_plain(material, clip))))
    return found


def _after(**changes: Any) -> Way:
    async def way(bench: Bench, material: Material) -> Answered:
        """Each clip after a request of another clip with other settings."""
        found: list[tuple[int, Answer]] = []
        async with bench.elsewhere(**changes) as ask:
            for clip, other in enumerate(material.others):
                await ask(_plain(material, other))
                found.append((clip, await bench.ask(_plain(material, clip))))
        return found

    return way


def _same(name: str, way: Way, *needs: Need) -> Relation:
    return Relation(name=name, rule=Rule.SAME, needs=needs, way=way)


WAYS = (
    _same("order", _order),
    _same("callers_8", _callers(8)),
    _same("callers_32", _callers(32)),
    _same("pairs", _pairs),
    _same("batch", _batch, Need.BATCH),
    _same("beside_longer", _beside_longer),
    _same("beside_louder", _beside_louder),
    _same("after_bad", _after_bad),
    _same("fresh_connection", _fresh, Need.AGAIN),
    _same("language_stays", _after(**LANGUAGE), Need.LANGUAGE),
    _same("setting_stays", _after(**ITN), Need.ITN),
)
