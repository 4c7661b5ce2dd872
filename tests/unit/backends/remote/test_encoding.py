"""Encoding holds nothing up for longer than one clip takes."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import numpy as np

from sv_eval.backend import Adjustments, Request
from sv_eval.backends.remote.answer_parsing import ParsedAnswer
from sv_eval.backends.remote.backend import RemoteBackend
from sv_eval.backends.remote.dialect import NOTHING_SAID, Dialect, ServedModel, Traits, Transport
from sv_eval.backends.remote.endpoint import Endpoint
from sv_eval.backends.remote.sound import Sound
from sv_eval.backends.remote.timeline import Timeline
from sv_eval.records import Waveform

CLIPS = 8


class Slow(Dialect):
    """Takes a while over every message; its transport answers when the event loop comes round to it."""

    traits = Traits(name="slow", schemes=("http",))

    def __init__(self) -> None:
        self.done: list[str] = []

    def message(self, sound: Sound, asked: Adjustments) -> Any:
        time.sleep(0.01)
        self.done.append("encoded")
        return b""

    def open(self, endpoint: Endpoint) -> Transport:
        return self

    async def ask(self, message: Any, timeline: Timeline) -> ParsedAnswer:
        await asyncio.sleep(0)
        self.done.append("answered")
        return ParsedAnswer(emotion="happy", where="everywhere")

    async def served(self) -> ServedModel:
        return NOTHING_SAID

    async def close(self) -> None:
        """Nothing to hang up."""


def test_answers_are_read_before_all_clips_are_encoded() -> None:
    dialect = Slow()
    remote = RemoteBackend(url="http://nowhere", dialect=dialect, connection={"preflight": False})
    request = Request(clip_id="c", waveform=Waveform(samples=np.zeros(160, np.float32)))

    async def drive() -> None:
        async with remote:
            await asyncio.gather(*(remote.recognize([request]) for _ in range(CLIPS)))

    asyncio.run(drive())

    assert dialect.done.count("encoded") == dialect.done.count("answered") == CLIPS
    # One that is under way may be finished first.
    assert dialect.done.index("answered") <= 2
