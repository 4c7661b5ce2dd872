"""Does a backend give a clip the same answer whatever surrounds it?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sv_eval.backend import Answer, Request
from sv_eval.run.guard import Guard
from sv_eval.run.session import Session
from sv_eval.studies.parity.differences import Agreement, agreement

_CALLERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One way of asking, compared with asking clip by clip."""

    name: str
    """`rerun`, `callers`, `batch` or `padding`."""
    size: int
    """Clips in a call, or calls at once."""
    result: Agreement | None
    """None when the backend can't be asked that way."""


async def invariance(session: Session, requests: Sequence[Request]) -> list[Check]:
    """All checks of an entered backend. A backend that takes one clip a call has no batch to check.

    Clips that it fails on, in whatever surroundings, are counted as failed.
    """
    guard, most = session.guard, session.backend.capabilities.max_batch
    alone = [answer for request in requests for answer in await guard.ask([request])]
    again = [answer for request in requests for answer in await guard.ask([request])]
    checks = [
        Check(name="rerun", size=1, result=agreement(alone, again)),
        Check(name="callers", size=_CALLERS, result=agreement(alone, await _at_once(guard, requests))),
    ]
    sizes = sorted({size for size in (4, most) if 1 < size <= most})
    checks += [
        Check(name="batch", size=size, result=agreement(alone, await _in_batches(guard, requests, size)))
        for size in sizes
    ]
    if not sizes:
        checks.append(Check(name="batch", size=most, result=None))
    padded = None if most < 2 else agreement(alone, await _padded(guard, requests))
    return [*checks, Check(name="padding", size=min(2, most), result=padded)]


async def _at_once(guard: Guard, requests: Sequence[Request]) -> list[Answer]:
    """Single clips, asked by several callers at the same time."""
    turn = asyncio.Semaphore(_CALLERS)

    async def ask(request: Request) -> Answer:
        async with turn:
            return (await guard.ask([request]))[0]

    return list(await asyncio.gather(*[ask(request) for request in requests]))


async def _in_batches(guard: Guard, requests: Sequence[Request], size: int) -> list[Answer]:
    """Batches of clips of similar length, as a run forms them."""
    order = sorted(range(len(requests)), key=lambda n: (len(requests[n].waveform.samples), requests[n].clip_id))
    answers: dict[int, Answer] = {}
    for begin in range(0, len(order), size):
        chosen = order[begin : begin + size]
        answers.update(zip(chosen, await guard.ask([requests[n] for n in chosen]), strict=True))
    return [answers[n] for n in range(len(requests))]


async def _padded(guard: Guard, requests: Sequence[Request]) -> list[Answer]:
    """Every clip beside the longest one, so that it is padded to that length."""
    longest = max(requests, key=lambda request: len(request.waveform.samples))
    return [(await guard.ask([request, longest]))[0] for request in requests]
