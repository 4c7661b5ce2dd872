"""A server that takes a few clips at once and refuses the others, in simulated time."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np

from sv_eval.backend import Adjustments, Request
from sv_eval.backends.remote.answer_parsing import ParsedAnswer
from sv_eval.backends.remote.backend import RemoteBackend
from sv_eval.backends.remote.dialect import NOTHING_SAID, Dialect, ServedModel, Traits, Transport
from sv_eval.backends.remote.endpoint import Endpoint
from sv_eval.backends.remote.errors import OVERLOADED, RemoteError
from sv_eval.backends.remote.sound import Sound
from sv_eval.backends.remote.timeline import Timeline
from sv_eval.machine.clock import SimulatedLoop
from sv_eval.records import Waveform

PLACES, WORK_S = 5, 0.005


class Narrow(Dialect):
    """A dialect that is its own transport and server."""

    traits = Traits(name="narrow", schemes=("http",))

    def __init__(self) -> None:
        self.under_way = self.most = self.refused = self.answered = 0

    def message(self, sound: Sound, asked: Adjustments) -> Any:
        return b""

    def open(self, endpoint: Endpoint) -> Transport:
        return self

    async def ask(self, message: Any, timeline: Timeline) -> ParsedAnswer:
        if self.under_way >= PLACES:
            self.refused += 1
            raise RemoteError(OVERLOADED, "full")
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(WORK_S)
        self.under_way -= 1
        self.answered += 1
        return ParsedAnswer(emotion="happy", where="everywhere")

    async def served(self) -> ServedModel:
        return NOTHING_SAID

    async def close(self) -> None:
        """Nothing to hang up."""


def asked_by_forty(*, adaptive: bool) -> Narrow:
    """The server after forty callers have asked it 400 clips together."""
    server, left = Narrow(), iter(range(400))
    request = Request(clip_id="c", waveform=Waveform(samples=np.zeros(160, np.float32)))
    limits = {"preflight": False, "backoff_s": 0.01, "longest_backoff_s": 2.0, "attempts": 12}
    remote = RemoteBackend(
        url="http://nowhere", dialect=server, concurrency=40, adaptive=adaptive, connection=limits
    )

    async def caller() -> None:
        for _ in left:
            await remote.recognize([request])

    async def drive() -> None:
        async with remote:
            await asyncio.gather(*(caller() for _ in range(40)))

    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        runner.run(drive())
    return server


def test_a_server_that_refuses_many_at_once_gets_fewer() -> None:
    adapting, stubborn = asked_by_forty(adaptive=True), asked_by_forty(adaptive=False)

    assert adapting.most == stubborn.most == PLACES
    assert adapting.refused < stubborn.refused / 2
