"""A backend that raises where it is told to, and how a run of it is set up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from sv_eval.backend import Answer, BackendInfo, Capabilities, Request, StreamUpdate
from sv_eval.config.composing import composed
from sv_eval.errors import GateFailed, RunInterrupted
from sv_eval.records import Prediction, Waveform

CLIPS = 12
KINDS = [
    SystemExit(0),
    SystemExit(3),
    KeyboardInterrupt(),
    GeneratorExit(),
    asyncio.CancelledError(),
    GateFailed("a verdict of its own"),
    RunInterrupted("nobody pressed"),
    BaseExceptionGroup("several", [SystemExit(0)]),
    MemoryError(),
]
HAPPY = Prediction(label="happy")


class Hostile:
    """Answers, save that it raises `error` where it is told to."""

    def __init__(self, error: BaseException | None = None, where: str = "", **can: Any) -> None:
        self._error, self._where = error, where
        self.capabilities = Capabilities(**can)
        self.info = BackendInfo(name="hostile", model="none")

    def _at(self, where: str) -> None:
        if self._error is not None and where == self._where:
            raise self._error

    async def __aenter__(self) -> Self:
        self._at("open")
        return self

    async def __aexit__(self, *reason: object) -> None:
        self._at("close")

    async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
        if any(one.clip_id.endswith("3") for one in requests):
            await asyncio.sleep(0)
            self._at("call")
            if self._error is not None and self._where == "task":
                task = asyncio.ensure_future(self._alone())
                await asyncio.sleep(0.05)
                del task
        return [HAPPY for _ in requests]

    async def _alone(self) -> None:
        self._at("task")

    async def stream(self, chunks: Any, *, chunk_size: float, callback: Any, **_: Any) -> Prediction:
        n = sum([len(chunk) async for chunk in chunks])
        self._at("stream")
        callback(StreamUpdate(start_s=0, end_s=n / 16000, label=None, scores=None, chunk_scores=None, compute_ms=1))
        return HAPPY

    async def trace(self, request: Request) -> dict[str, Any]:
        self._at("trace")
        return {}


def settings(*words: str) -> dict[str, Any]:
    return composed(
        "config",
        [
            *("backend=fake", "dataset=simulated", f"dataset.simulated.n_clips={CLIPS}", "scoring.resamples=100"),
            *("load.warmup_clips=0", "run.max_failures=1", "run.telemetry_s=null", *words),
        ],
    )


STREAMED = ("load=stream", "load.pace=fast", f"run.max_failures={CLIPS}")
PLANNED = ("load=poisson", "load.rate=500", "load.rounds=1")


def request(samples: int = 1600) -> Request:
    return Request(clip_id="a", waveform=Waveform(samples=np.zeros(samples, np.float32)))
