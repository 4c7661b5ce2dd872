"""Runs two backends over the same clips, in turns, and keeps what a report needs."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar, cast

from sv_eval.backend import Answer, Backend, Request, TracingBackend
from sv_eval.corpus.reading import Corpus
from sv_eval.errors import RunIncomplete
from sv_eval.parity.config import ParityConfig
from sv_eval.parity.differences import POSTERIOR, first_divergence, score_gap
from sv_eval.parity.invariance import Check, invariance
from sv_eval.records import Clip, Failure, Prediction
from sv_eval.run.boundary import around_one_clip

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

    infos: list[dict[str, Any]] = field(default_factory=list)
    """What either backend says about itself."""
    pairs: list[Pair] = field(default_factory=list)
    """All clips that could be decoded."""
    undecoded: list[tuple[str, Failure]] = field(default_factory=list)
    """Clips without audio."""
    traced: list[Traced] = field(default_factory=list)
    """Clips that were looked into; empty when a backend shows no stages."""
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
        entered = (await stack.enter_async_context(backends[0]), await stack.enter_async_context(backends[1]))
        found.infos = [asdict(backend.info) | {"capabilities": asdict(backend.capabilities)} for backend in entered]
        await _ask_both(entered, corpus, found, on_clip)
        if not found.pairs:
            raise RunIncomplete("no clip could be decoded, so there is nothing to compare")
        if all(backend.capabilities.traces for backend in entered):
            await _trace_both(entered, corpus, config, found)
        if config.invariance and config.invariance_clips:
            clips = _spread([pair.clip for pair in found.pairs], config.invariance_clips)
            requests = [_request(corpus, clip, entered) for clip in clips]
            found.checks = (await invariance(entered[0], requests), await invariance(entered[1], requests))
    return found


async def _ask_both(
    backends: tuple[Backend, Backend], corpus: Corpus, found: Measured, on_clip: Callable[[], object]
) -> None:
    """Every clip to both sides, which take turns in going first, so that neither profits from the other."""
    warm = _WARM_UP
    for number, clip in enumerate(corpus.clips):
        with around_one_clip("decode_error") as failures:
            request = await asyncio.to_thread(_request, corpus, clip, backends)
        if failures:
            found.undecoded.append((clip.id, failures[0]))
            continue
        for _ in range(warm):
            for backend in backends:
                await _timed(backend, request)
        warm = 0
        answers: dict[int, tuple[Answer, float]] = {}
        for side in (0, 1) if number % 2 else (1, 0):
            answers[side] = await _timed(backends[side], request)
        found.pairs.append(
            Pair(
                clip=clip,
                answers=(answers[0][0], answers[1][0]),
                latency_ms=(answers[0][1], answers[1][1]),
            )
        )
        on_clip()


async def _timed(backend: Backend, request: Request) -> tuple[Answer, float]:
    begin = time.perf_counter()
    answer: Answer
    with around_one_clip("backend_error") as failures:
        (answer,) = await backend.recognize([request])
    elapsed_ms = (time.perf_counter() - begin) * 1000
    return (failures[0] if failures else answer), elapsed_ms


async def _trace_both(
    backends: tuple[Backend, Backend], corpus: Corpus, config: ParityConfig, found: Measured
) -> None:
    tracing = cast("tuple[TracingBackend, TracingBackend]", backends)
    answered = [pair for pair in found.pairs if all(isinstance(answer, Prediction) for answer in pair.answers)]
    differing = [pair for pair in answered if _label(pair.answers[0]) != _label(pair.answers[1])]
    chosen = {pair.clip.id: pair for pair in _spread(answered, config.trace_clips)}
    chosen |= {pair.clip.id: pair for pair in differing[: config.trace_clips]}
    for clip_id, pair in sorted(chosen.items()):
        request = await asyncio.to_thread(_request, corpus, pair.clip, backends)
        one, other = await tracing[0].trace(request), await tracing[1].trace(request)
        gaps, first = first_divergence(one, other, config.tolerance)
        gap = score_gap(cast("Prediction", pair.answers[0]), cast("Prediction", pair.answers[1]))
        if gap is not None:
            gaps[POSTERIOR] = gap
            if first is None and gap > config.tolerance[POSTERIOR]:
                first = POSTERIOR
        found.traced.append(Traced(clip_id=clip_id, gaps=gaps, first=first))


def _label(answer: Answer) -> str | None:
    return answer.label if isinstance(answer, Prediction) else None


def _request(corpus: Corpus, clip: Clip, backends: Sequence[Backend]) -> Request:
    encoded = any(backend.capabilities.needs_encoded for backend in backends)
    told = any(backend.capabilities.needs_reference for backend in backends)
    waveform = corpus.source.load(clip, keep_encoded=encoded)
    return Request(clip_id=clip.id, waveform=waveform, reference=clip.reference if told else None)


def _spread(items: Sequence[Item], count: int) -> list[Item]:
    """At most `count` of the items, evenly from first to last."""
    if count >= len(items):
        return list(items)
    return [items[(2 * n + 1) * len(items) // (2 * count)] for n in range(count)]
