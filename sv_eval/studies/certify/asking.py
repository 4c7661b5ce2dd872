"""Asks a backend about guises: one by one, many at once, in a batch, by another connection, as a stream."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from sv_eval.backend import Adjustments, Answer, Backend, Request, StreamingBackend
from sv_eval.errors import ConfigError
from sv_eval.records import Waveform
from sv_eval.run.guard import around_one_clip, checked
from sv_eval.run.session import Session
from sv_eval.studies.certify.files import wav
from sv_eval.studies.certify.guise import Guise

Opener = Callable[[Mapping[str, Any]], Backend]
"""Builds the backend once more, with other settings."""
Ask = Callable[[Guise], Awaitable[Answer]]
_CHUNK_S = 30.0


class Bench:
    """An open backend, and the ways to ask it.

    session: entered. another: builds the backend once more with other settings. settings: the names of those that
    it takes.
    """

    def __init__(self, session: Session, another: Opener, settings: Sequence[str]) -> None:
        self._session, self._another = session, another
        self.settings = frozenset(settings)
        self.able = session.backend.capabilities
        self.asked = 0
        """Requests so far."""

    async def ask(self, guise: Guise) -> Answer:
        """The answer to one guise by itself."""
        if guise.pieces is not None:
            return await self._streamed(guise, guise.pieces)
        return (await self.together([guise]))[0]

    async def together(self, guises: Sequence[Guise]) -> list[Answer]:
        """The answers of one call."""
        return await self._asked_of(self._session, guises)

    async def by_turns(self, guises: Sequence[Guise]) -> list[Answer]:
        """The answers to guises asked one after the other."""
        return [await self.ask(guise) for guise in guises]

    async def at_once(self, guises: Sequence[Guise], callers: int) -> list[Answer]:
        """The answers to guises asked by so many callers, each of whom waits for its answer."""
        turn = asyncio.Semaphore(callers)

        async def one(guise: Guise) -> Answer:
            async with turn:
                return await self.ask(guise)

        return list(await asyncio.gather(*map(one, guises)))

    def can_be(self, **changes: Any) -> bool:
        """Whether `elsewhere` can ask with these settings."""
        if changes and set(changes) <= set(self.able.adjusts):
            return True
        if not set(changes) <= self.settings:
            return False
        try:
            self._another(changes)
        except ConfigError:
            # It has the setting, and no way to say it to what it speaks to.
            return False
        return True

    @contextlib.asynccontextmanager
    async def elsewhere(self, **changes: Any) -> AsyncIterator[Ask]:
        """A way to ask with other settings: by the request itself where it can, else by another opening."""
        if changes and set(changes) <= set(self.able.adjusts):
            adjusted = Adjustments(**changes)

            async def ask(guise: Guise) -> Answer:
                return (await self._asked_of(self._session, [guise], adjusted))[0]

            yield ask
            return
        async with Session(self._another(changes)) as other:

            async def ask_there(guise: Guise) -> Answer:
                return (await self._asked_of(other, [guise]))[0]

            yield ask_there

    async def _asked_of(
        self, session: Session, guises: Sequence[Guise], adjusted: Adjustments | None = None
    ) -> list[Answer]:
        requests = [self._request(guise) for guise in guises]
        if adjusted is not None:
            requests = [replace(request, adjustments=adjusted) for request in requests]
        return list(await session.guard.ask(requests))

    def _request(self, guise: Guise) -> Request:
        self.asked += 1
        name = guise.name or f"certify-{self.asked}"
        encoded = None
        if self.able.needs_encoded:
            encoded = wav(guise.samples) if guise.file is None else guise.file
        waveform = Waveform(samples=guise.samples, encoded=encoded, container=guise.form, name=name)
        return Request(clip_id=name, waveform=waveform)

    async def _streamed(self, guise: Guise, size: int) -> Answer:
        self.asked += 1

        async def pieces() -> AsyncIterator[NDArray[np.float32]]:
            for begin in range(0, len(guise.samples), size):
                yield guise.samples[begin : begin + size]

        answer: Answer
        with around_one_clip("stream_error") as failures:
            # Declared in its capabilities.
            backend = cast("StreamingBackend", self._session.backend)
            told = await backend.stream(pieces(), chunk_size=_CHUNK_S, callback=lambda _: None)
            answer = checked(told)
        return failures[0] if failures else answer
