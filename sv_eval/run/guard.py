"""The guard between the harness and a recogniser: an answer for every request, and none that can't be scored.

Corpus readers and backends may be anybody's code and may raise anything; a run must not die of one clip. Whoever
asks a backend asks through here: runs, races, capacity, parity, suites, fixtures, and the service's batching.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from sv_eval.backend import Answer, Backend, BackendInfo, Capabilities, Request
from sv_eval.errors import BackendLost, ClipError, InferenceError, UsageError
from sv_eval.machine.clock import Clock, WallClock
from sv_eval.machine.interrupts import somebody_pressed
from sv_eval.records import Failure
from sv_eval.report.codec import as_json
from sv_eval.run.plain_answers import plain_answer, plain_answers

Recognise = Callable[[Sequence[Request]], Awaitable[Sequence[Answer]]]
"""A backend's verb."""
_LONGEST_MESSAGE = 300
_OF_EVERY_CLIP = (BackendLost, UsageError)


class around_one_clip:  # noqa: N801 - it is used as a function is
    """Run a block; an error in it is put into the list that is yielded, and goes no further.

    A ClipError keeps its own kind, an error of any other origin gets `kind`, whatever its class: a plug-in that
    wants to end the program ends one clip. Two errors of sv_eval are about more than one clip and pass through, a
    lost backend and what the user can mend; so does what a person or our own code asked for, an interrupt or a
    cancelled task.
    """

    # No generator: three of these are around every clip, and each would cost a microsecond.
    __slots__ = ("_failures", "_kind")

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._failures: list[Failure] = []

    def __enter__(self) -> list[Failure]:
        return self._failures

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if error is None:
            return False
        if isinstance(error, ClipError):
            self._failures.append(Failure(kind=error.kind, message=_one_line(str(error))))
        elif not isinstance(error, _OF_EVERY_CLIP) and not _is_ours(error):
            self._failures.append(Failure(kind=self._kind, message=_said(error)))
        return bool(self._failures)


class around_the_backend:  # noqa: N801 - it is used as a function is
    """Run a block that opens or closes a backend; what it raises, of whatever class, is a lost backend.

    Errors of sv_eval that say what the user can mend keep their class, and so does an interrupt. doing: what the
    backend does meanwhile, for the message.
    """

    __slots__ = ("_doing",)

    def __init__(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, _OF_EVERY_CLIP) or _is_ours(error):
            return
        raise BackendLost(f"the backend failed while {self._doing}: {_said(error)}{_place(error)}") from error


def _is_ours(error: BaseException) -> bool:
    """Whether a person or our own code asked for this end."""
    if isinstance(error, KeyboardInterrupt):
        return somebody_pressed(error)
    if isinstance(error, asyncio.CancelledError):
        task = _current_task()
        return task is not None and task.cancelling() > 0
    return False


def _current_task() -> asyncio.Task[object] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        # In a thread without an event loop.
        return None


@dataclass(frozen=True, slots=True)
class Call:
    """One call to a backend, by the clock."""

    number: int
    """Counted from 0."""
    begin_s: float
    """When it was made."""
    end_s: float
    """When it was answered."""
    size: int
    """How many requests it held."""
    attempts: int = 1
    """2 where the requests were in another call before, which went wrong as a whole."""

    @property
    def latency_ms(self) -> float:
        """How long it took, milliseconds."""
        return (self.end_s - self.begin_s) * 1000


class Guard:
    """Asks a recogniser, and numbers the calls.

    What a call raises becomes a failure of each of its requests; errors of sv_eval that are about more than one
    clip (a lost backend) pass through.
    """

    def __init__(self, recognise: Recognise, clock: Clock | None = None) -> None:
        self._recognise = recognise
        self.clock = WallClock() if clock is None else clock
        self.calls = 0
        """Calls that were numbered."""

    def number(self) -> int:
        """The number of the next call."""
        self.calls += 1
        return self.calls - 1

    async def ask(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """The answers of one call, in order."""
        found: list[Answer | InferenceError] = []
        with around_one_clip("backend_error") as failures:
            try:
                # A list of its own: what a plug-in does to it is of no consequence.
                found = plain_answers(await self._recognise(list(requests)), len(requests))
            except UsageError as error:
                # It was opened; what it finds wrong now is found after other clips were answered.
                raise BackendLost(str(error)) from error
        return failures * len(requests) if failures else [_answer_or_failure(answer) for answer in found]

    async def timed(self, request: Request) -> tuple[Answer, float]:
        """The answer to one request by itself, and the milliseconds that it took."""
        begin = self.clock.now()
        (answer,) = await self.ask([request])
        return answer, (self.clock.now() - begin) * 1000

    async def each(self, requests: Sequence[Request]) -> AsyncIterator[tuple[Answer, Call]]:
        """The answer to every request, in order, each with the call that gave it.

        One clip can spoil a whole call: where all requests of one failed, each is asked again by itself.
        """
        number, begin = self.number(), self.clock.now()
        answers = await self.ask(requests)
        whole = Call(number, begin, self.clock.now(), len(requests))
        if len(requests) == 1 or not all(isinstance(answer, Failure) for answer in answers):
            for answer in answers:
                yield answer, whole
            return
        for request in requests:
            number, begin = self.number(), self.clock.now()
            (answer,) = await self.ask([request])
            yield answer, Call(number, begin, self.clock.now(), 1, attempts=2)


def checked(answer: object) -> Answer:
    """The answer in plain values, or a failure in its place when it is none that can be scored."""
    with around_one_clip("protocol") as failures:
        return plain_answer(answer)
    return failures[0]


def check_told(backend: Backend) -> None:
    """Raise TypeError or ValueError when what the backend says about itself can't be kept."""
    for name, kind in (("capabilities", Capabilities), ("info", BackendInfo)):
        told_of = getattr(backend, name)
        if not isinstance(told_of, kind):
            raise TypeError(f"{name} is {type(told_of).__name__} and not {kind.__name__}")
        json.dumps(as_json(told_of), allow_nan=False)


def _answer_or_failure(answer: Answer | InferenceError) -> Answer:
    if isinstance(answer, InferenceError):
        return Failure(kind=answer.kind, message=_one_line(str(answer)))
    return answer


def _said(error: BaseException) -> str:
    """The error's class and words; they may be a plug-in's own, and fail."""
    try:
        words = str(error)
    except BaseException as another:  # noqa: BLE001 - whatever it is, it is about an error that is told already
        words = f"its message can't be had ({type(another).__name__})"
    name = type(error).__name__
    return _one_line(f"{name}: {words}" if words else name)


def _place(error: BaseException) -> str:
    """The file and line that raised the error."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})"


def _one_line(message: str) -> str:
    return " ".join(message.split())[:_LONGEST_MESSAGE]
