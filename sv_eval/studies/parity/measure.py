"""Runs two backends over the same clips, in turns, and keeps what a report needs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

from sv_eval.backend import Answer, Backend, Request
from sv_eval.data.corpus.reading import Corpus
from sv_eval.errors import RunIncomplete
from sv_eval.records import Clip, Failure, Prediction
from sv_eval.report.environment import MeasuredBackend
from sv_eval.run.guard import around_one_clip
from sv_eval.run.history import describe_backend
from sv_eval.run.session import Session
from sv_eval.studies.parity.config import ParityConfig
from sv_eval.studies.parity.differences import POSTERIOR, first_divergence, score_gap
from sv_eval.studies.parity.invariance import Check, invariance

_WARM_UP = 4

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One clip and what both sides said of it."""

    clip: Clip
    """The clip."""
    answers: tuple[Answer, Answer]
    """Of the first and the second side."""
    latency_ms: tuple[float, float]
    """Of the single calls, made one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """Where two sides begin to differ on one clip."""

    clip_id: str
    """The clip."""
    gaps: Mapping[str, float]
    """Largest difference by stage, in order."""
    first: str | None
    """The first stage beyond its tolerance; None when none is."""


@dataclass(slots=True, kw_only=True)
class Measured:
    """Everything that was found out."""

    infos: list[MeasuredBackend] = field(default_factory=list)
    """What either backend says about itself."""
    pairs: list[Pair] = field(default_factory=list)
    """All clips that could be decoded."""
    undecoded: list[tuple[str, Failure]] = field(default_factory=list)
    """Clips without audio."""
    traced: list[Traced] = field(default_factory=list)
    """Clips that were looked into; empty when a backend shows no stages."""
    untraced: list[tuple[str, int, Failure]] = field(default_factory=list)
    """Clips that a side answered and could not be looked into: the clip, the side, and why."""
    checks: tuple[list[Check], list[Check]] = field(default_factory=lambda: ([], []))
    """Each side against itself."""


async def measure(
    backends: tuple[Backend, Backend],
    corpus: Corpus,
    config: ParityConfig,
    on_clip: Callable[[], object] = lambda: None,
) -> Measured:
    """Ask both backends about every clip. Raises RunIncomplete when no clip could be compared."""
    found = Measured()
    async with contextlib.AsyncExitStack() as stack:
        sides = (
            await stack.enter_async_context(Session(backends[0])),
            await stack.enter_async_context(Session(backends[1])),
        )
        found.infos = [describe_backend(side.backend) for side in sides]
        await _ask_both(sides, corpus, found, on_clip)
        if not found.pairs:
            raise RunIncomplete("no clip could be decoded, so there is nothing to compare")
        if all(backend.capabilities.traces for backend in backends):
            await _trace_both(sides, corpus, config, found)
        if config.invariance and config.invariance_clips:
            clips = _spread([pair.clip for pair in found.pairs], config.invariance_clips)
            requests = [_request(corpus, clip, sides) for clip in clips]
            found.checks = (await invariance(sides[0], requests), await invariance(sides[1], requests))
    return found


Sides = tuple[Session, Session]


async def _ask_both(sides: Sides, corpus: Corpus, found: Measured, on_clip: Callable[[], object]) -> None:
    """Every clip to both sides, which take turns in going first, so that neither profits from the other."""
    warm = _WARM_UP
    for number, clip in enumerate(corpus.clips):
        with around_one_clip("decode_error") as failures:
            request = await asyncio.to_thread(_request, corpus, clip, sides)
        if failures:
            found.undecoded.append((clip.id, failures[0]))
            continue
        for _ in range(warm):
            for side in sides:
                await side.guard.timed(request)
        warm = 0
        answers: dict[int, tuple[Answer, float]] = {}
        for place in (0, 1) if number % 2 else (1, 0):
            answers[place] = await sides[place].guard.timed(request)
        found.pairs.append(
            Pair(
                clip=clip,
                answers=(answers[0][0], answers[1][0]),
                latency_ms=(answers[0][1], answers[1][1]),
            )
        )
        on_clip()


async def _trace_both(sides: Sides, corpus: Corpus, config: ParityConfig, found: Measured) -> None:
    answered = [pair for pair in found.pairs if all(isinstance(answer, Prediction) for answer in pair.answers)]
    differing = [pair for pair in answered if _label(pair.answers[0]) != _label(pair.answers[1])]
    chosen = {pair.clip.id: pair for pair in _spread(answered, config.trace_clips)}
    chosen |= {pair.clip.id: pair for pair in differing[: config.trace_clips]}
    for clip_id, pair in sorted(chosen.items()):
        request = await asyncio.to_thread(_request, corpus, pair.clip, sides)
        one, other = await sides[0].trace(request), await sides[1].trace(request)
        failed = [(clip_id, place, why) for place, why in enumerate((one, other)) if isinstance(why, Failure)]
        found.untraced += failed
        if isinstance(one, Failure) or isinstance(other, Failure):
            continue
        gaps, first = first_divergence(one, other, config.tolerance)
        gap = score_gap(cast("Prediction", pair.answers[0]), cast("Prediction", pair.answers[1]))
        if gap is not None:
            gaps[POSTERIOR] = gap
            if first is None and gap > config.tolerance[POSTERIOR]:
                first = POSTERIOR
        found.traced.append(Traced(clip_id=clip_id, gaps=gaps, first=first))


def _label(answer: Answer) -> str | None:
    return answer.label if isinstance(answer, Prediction) else None


def _request(corpus: Corpus, clip: Clip, sides: Sides) -> Request:
    able = [side.backend.capabilities for side in sides]
    encoded, told = (any(getattr(one, name) for one in able) for name in ("needs_encoded", "needs_reference"))
    waveform = corpus.source.load(clip, keep_encoded=encoded)
    return Request(clip_id=clip.id, waveform=waveform, reference=clip.reference if told else None)


def _spread(items: Sequence[Item], count: int) -> list[Item]:
    """At most `count` of the items, evenly from first to last."""
    if count >= len(items):
        return list(items)
    return [items[(2 * n + 1) * len(items) // (2 * count)] for n in range(count)]
