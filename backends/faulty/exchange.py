"""What passes through the faulty service: a request, its answer, and whoever stands between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sv_eval.data.conditions.step import Float32

_GATHER_S = 0.004


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request."""

    data: bytes
    """The file."""
    name: str = ""
    """What it is called."""
    language: str | None = None
    """The language asked for."""
    use_itn: bool | None = None
    """Whether inverse text normalisation is asked for."""
    connection: int = 0
    """Which connection it came over."""
    samples: Float32 | None = None
    """Its sound, mono, 16 kHz, where somebody has decoded it already, or streamed it."""
    pieces: tuple[Float32, ...] = ()
    """The sound of a stream as it came."""


Said = dict[str, Any]
"""The member `data` of the answer."""
Judge = Callable[[Asked], Awaitable[Said]]
"""Answers a request."""
Around = Callable[[Asked, Judge], Awaitable[Said]]
"""Stands between request and judge, for good or ill."""


class Gathered:
    """Requests that come within a few milliseconds of each other, dealt with together.

    together: answers so many requests at once, by whatever way.
    """

    def __init__(self, together: Callable[[Sequence[Asked], Judge], Awaitable[Sequence[Said]]]) -> None:
        self._together = together
        self._open: list[Asked] | None = None
        self._answers: asyncio.Task[Sequence[Said]] | None = None

    async def __call__(self, asked: Asked, judge: Judge) -> Said:
        """The answer that it gets."""
        if self._open is None or self._answers is None:
            self._open = []
            self._answers = asyncio.create_task(self._dealt_with(self._open, judge))
        place, answers = len(self._open), self._answers
        self._open.append(asked)
        return (await asyncio.shield(answers))[place]

    async def _dealt_with(self, gathered: list[Asked], judge: Judge) -> Sequence[Said]:
        await asyncio.sleep(_GATHER_S)
        self._open = None
        return await self._together(gathered, judge)
