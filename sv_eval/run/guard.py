"""The guard between the harness and a recogniser: an answer for every request, and none that can't be scored.

Corpus readers and backends may be anybody's code and may raise anything; a run must not die of one clip. Whoever
asks a backend asks through here: runs, races, capacity, parity, suites, fixtures, and the service's batching.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from sv_eval.backend import Answer, Request, check_answer
from sv_eval.errors import ClipError, InferenceError, SvEvalError
from sv_eval.machine.clock import Clock, WallClock
from sv_eval.records import Failure

Recognise = Callable[[Sequence[Request]], Awaitable[Sequence[Answer]]]
"""A backend's verb."""
_LONGEST_MESSAGE = 300


class around_one_clip:  # noqa: N801 - it is used as a function is
    """Run a block; an error in it is put into the list that is yielded, and goes no further.

    A ClipError keeps its own kind, an error of any other origin gets `kind`. Errors of sv_eval that are about
    more than one clip (a lost backend, an unwritable record) pass through.
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
        elif isinstance(error, Exception) and not isinstance(error, SvEvalError):
            message = f"{type(error).__name__}: {error}"
            self._failures.append(Failure(kind=self._kind, message=_one_line(message)))
        return bool(self._failures)


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
        answers: Sequence[Answer] = ()
        with around_one_clip("backend_error") as failures:
            answers = await self._recognise(requests)
            if len(answers) != len(requests):
                raise InferenceError("protocol", f"{len(answers)} answers came for {len(requests)} requests")
        return failures * len(requests) if failures else [checked(answer) for answer in answers]

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


def checked(answer: Answer) -> Answer:
    """The answer, or a failure in its place when it is none that can be scored."""
    with around_one_clip("protocol") as failures:
        check_answer(answer)
    return failures[0] if failures else answer


def _one_line(message: str) -> str:
    return " ".join(message.split())[:_LONGEST_MESSAGE]
