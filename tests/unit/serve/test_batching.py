"""The queue in front of a backend: what is put together, what is refused, what waits."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from sv_eval.backend import Answer, Request
from sv_eval.errors import BackendLost
from sv_eval.machine.clock import SimulatedLoop
from sv_eval.records import Failure, Prediction, Waveform
from sv_eval.serve.batching import BatchingRule, MicroBatcher
from sv_eval.wire.problems import ServiceError


def request(name: str, seconds: float = 1.0) -> Request:
    return Request(clip_id=name, waveform=Waveform(samples=np.zeros(round(seconds * 16_000), np.float32)))


class Recogniser:
    """Answers with the clip's name, once it is let go; keeps what it was called with."""

    def __init__(self, *, held: bool = False) -> None:
        self.calls: list[list[str]] = []
        self.free = asyncio.Event()
        if not held:
            self.free.set()

    async def __call__(self, requests: Sequence[Request]) -> Sequence[Answer]:
        self.calls.append([item.clip_id for item in requests])
        await self.free.wait()
        return [Prediction(label="happy", text=item.clip_id) for item in requests]


async def several(batcher: MicroBatcher, requests: Sequence[Request]) -> list[asyncio.Task[str | None]]:
    async def one(item: Request) -> str | None:
        done = await batcher.submit(item)
        assert isinstance(done.answer, Prediction)
        return done.answer.text

    tasks = [asyncio.create_task(one(item)) for item in requests]
    for _ in range(2):  # the callers' first step, then the first call's
        await asyncio.sleep(0)
    return tasks


def test_an_idle_backend_is_asked_at_once_and_alone() -> None:
    async def go() -> list[list[str]]:
        recogniser = Recogniser()
        batcher = MicroBatcher(recogniser, BatchingRule(max_batch=8, max_in_flight=3, max_wait_s=60))
        await batcher.submit(request("a"))
        await batcher.submit(request("b"))
        return recogniser.calls

    assert asyncio.run(go()) == [["a"], ["b"]]


def test_requests_gather_while_the_backend_is_busy() -> None:
    async def go() -> tuple[list[list[str]], list[str | None]]:
        recogniser = Recogniser(held=True)
        batcher = MicroBatcher(recogniser, BatchingRule(max_batch=4, max_in_flight=1))
        tasks = await several(batcher, [request(name) for name in "abcdef"])
        recogniser.free.set()
        return recogniser.calls, list(await asyncio.gather(*tasks))

    calls, answers = asyncio.run(go())
    assert calls == [["a"], ["b", "c", "d", "e"], ["f"]]
    assert answers == list("abcdef")


def test_the_oldest_takes_those_of_its_own_length_along() -> None:
    async def go() -> list[list[str]]:
        recogniser = Recogniser(held=True)
        batcher = MicroBatcher(recogniser, BatchingRule(max_batch=2, max_in_flight=1))
        lengths = {"first": 1.0, "long": 9.0, "short": 1.0, "long too": 8.5, "short too": 1.1}
        tasks = await several(batcher, [request(name, seconds) for name, seconds in lengths.items()])
        recogniser.free.set()
        await asyncio.gather(*tasks)
        return recogniser.calls

    assert asyncio.run(go()) == [["first"], ["long", "long too"], ["short", "short too"]]


def test_a_free_call_is_kept_for_a_fuller_batch_only_as_long_as_the_rule_says() -> None:
    async def go() -> tuple[list[list[str]], list[list[str]]]:
        recogniser, now = Recogniser(held=True), asyncio.get_running_loop().time
        rule = BatchingRule(max_batch=8, max_in_flight=2, max_wait_s=0.02)
        batcher = MicroBatcher(recogniser, rule, now=now)
        tasks, moments = [], []
        for name in "abc":
            moments.append(now())
            tasks += await several(batcher, [request(name)])
            await asyncio.sleep(0.008)
        # One that waits may wait for 20 ms, in which further ones are likely to come.
        await asyncio.sleep(moments[1] + 0.0199 - now())
        before = list(recogniser.calls)
        await asyncio.sleep(moments[1] + 0.0201 - now())
        recogniser.free.set()
        await asyncio.gather(*tasks)
        return before, recogniser.calls

    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        before, after = runner.run(go())
    assert before == [["a"]]
    assert after == [["a"], ["b", "c"]]


def test_a_full_queue_refuses_with_a_time_to_come_back() -> None:
    async def go() -> ServiceError:
        recogniser = Recogniser(held=True)
        batcher = MicroBatcher(recogniser, BatchingRule(max_batch=1, max_in_flight=1, queue_size=2))
        tasks = await several(batcher, [request(name) for name in "abc"])
        assert batcher.full
        with pytest.raises(ServiceError) as caught:
            await batcher.submit(request("d"))
        recogniser.free.set()
        await asyncio.gather(*tasks)
        return caught.value

    error = asyncio.run(go())
    assert error.code.word == "overloaded"
    assert error.retry_after_s is not None
    assert error.retry_after_s >= 1


def test_what_can_not_be_answered_in_time_is_refused_at_once() -> None:
    clock = [0.0]

    async def recognise(requests: Sequence[Request]) -> Sequence[Answer]:
        clock[0] += 2.0 * sum(item.waveform.duration_s for item in requests)
        await asyncio.sleep(0)
        return [Prediction(label="sad") for _ in requests]

    async def go() -> None:
        batcher = MicroBatcher(recognise, BatchingRule(max_batch=1, max_in_flight=1), now=lambda: clock[0])
        await batcher.submit(request("learns that a second costs two"))
        first = asyncio.create_task(batcher.submit(request("in work", 3.0), within_s=10))
        await asyncio.sleep(0)
        with pytest.raises(ServiceError, match="the answer would take 12"):
            await batcher.submit(request("too much", 2.0), within_s=7.0)
        await first
        # With nothing going on, a pace that was learned wrong locks nobody out.
        await batcher.submit(request("alone", 60.0), within_s=1.0)

    asyncio.run(go())


def test_of_too_many_those_that_are_accepted_are_answered_in_time() -> None:
    async def recognise(requests: Sequence[Request]) -> Sequence[Answer]:
        await asyncio.sleep(0.02)
        return [Prediction(label="sad") for _ in requests]

    async def go() -> Counter[str]:
        rule, found = BatchingRule(max_batch=1, max_in_flight=1, queue_size=400), Counter[str]()
        batcher = MicroBatcher(recognise, rule, now=asyncio.get_running_loop().time)
        for _ in range(5):
            await batcher.submit(request("learns the pace"))

        async def caller() -> None:
            try:
                async with asyncio.timeout(2.0):
                    await batcher.submit(request("one of many"), within_s=2.0)
                found["in time"] += 1
            except ServiceError as error:
                found[error.code.word] += 1
            except TimeoutError:
                found["late"] += 1

        await asyncio.gather(*(caller() for _ in range(300)))
        return found

    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        found = runner.run(go())
    # A hundred fit into two seconds, less the margin for a backend that becomes slower.
    assert found == {"in time": 80, "overloaded": 220}


def test_a_caller_that_gives_up_leaves_the_queue() -> None:
    async def go() -> list[list[str]]:
        recogniser = Recogniser(held=True)
        batcher = MicroBatcher(recogniser, BatchingRule(max_batch=4, max_in_flight=1))
        tasks = await several(batcher, [request(name) for name in "abc"])
        tasks[1].cancel()
        await asyncio.sleep(0)
        assert batcher.depth == 1
        recogniser.free.set()
        await asyncio.gather(tasks[0], tasks[2])
        await batcher.drained()
        return recogniser.calls

    assert asyncio.run(go()) == [["a"], ["c"]]


def raises(error: Exception) -> Callable[[Sequence[Request]], None]:
    def check(requests: Sequence[Request]) -> None:
        if any(item.clip_id == "bad" for item in requests):
            raise error

    return check


@pytest.mark.parametrize("error", [ValueError("broken"), MemoryError()])
def test_one_recording_that_spoils_a_call_fails_alone(error: Exception) -> None:
    check = raises(error)

    async def go() -> list[Answer]:
        recogniser = Recogniser(held=True)

        async def recognise(requests: Sequence[Request]) -> Sequence[Answer]:
            await recogniser.free.wait()
            check(requests)
            return await recogniser(requests)

        batcher = MicroBatcher(recognise, BatchingRule(max_batch=4, max_in_flight=1))
        tasks = [asyncio.create_task(batcher.submit(request(name))) for name in ("a", "b", "bad", "c")]
        await asyncio.sleep(0)
        recogniser.free.set()
        return [done.answer for done in await asyncio.gather(*tasks)]

    answers = asyncio.run(go())
    assert [isinstance(answer, Failure) for answer in answers] == [False, False, True, False]


def test_a_lost_backend_is_said_and_forgotten_when_it_answers_again() -> None:
    broken = [True]

    async def recognise(requests: Sequence[Request]) -> Sequence[Answer]:
        if broken[0]:
            raise BackendLost("the endpoint is gone")
        return [Prediction(label="sad") for _ in requests]

    async def go() -> None:
        batcher = MicroBatcher(recognise, BatchingRule(max_batch=1, max_in_flight=1))
        with pytest.raises(ServiceError) as caught:
            await batcher.submit(request("a"))
        assert caught.value.code.word == "not_ready"
        assert batcher.lost == "the endpoint is gone"
        broken[0] = False
        await batcher.submit(request("b"))
        assert batcher.lost is None

    asyncio.run(go())


def test_draining_waits_for_the_last_answer() -> None:
    async def go() -> list[bool]:
        recogniser = Recogniser(held=True)
        batcher = MicroBatcher(recogniser, BatchingRule(max_batch=1, max_in_flight=1))
        tasks = await several(batcher, [request(name) for name in "abc"])
        asyncio.get_running_loop().call_later(0.01, recogniser.free.set)
        await batcher.drained()
        await asyncio.sleep(0)
        return [task.done() for task in tasks]

    assert asyncio.run(go()) == [True, True, True]
