"""How many requests are let through at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sv_eval.backends.remote.throttle import RateLimiter, Throttle


def run(drive: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await drive()

    asyncio.run(main())


def settle(throttle: Throttle, latency_ms: Callable[[int], float], answers: int = 400) -> int:
    """The limit after a server of this latency, by how many are under way, was kept busy."""

    async def main() -> int:
        async def caller() -> None:
            nonlocal done, under_way
            while done < answers:
                await throttle.acquire()
                under_way += 1
                await asyncio.sleep(0)
                took = latency_ms(under_way)
                done += 1
                under_way -= 1
                if took < 0:
                    throttle.failed(congested=True)
                else:
                    throttle.answered(took)

        done = under_way = 0
        await asyncio.gather(*(caller() for _ in range(64)))
        return throttle.limit

    return asyncio.run(main())


def test_the_limit_grows_while_latency_holds() -> None:
    assert settle(Throttle(32), lambda _: 10.0) == 32


def test_it_stays_where_latency_begins_to_suffer() -> None:
    # Eight at once are worked on; whoever comes later waits for them.
    limit = settle(Throttle(64), lambda under_way: 10.0 * max(1.0, under_way / 8), answers=6000)

    assert 8 <= limit <= 32


def test_refusals_shrink_it_to_what_the_server_takes() -> None:
    limit = settle(Throttle(64), lambda under_way: 10.0 if under_way <= 10 else -1.0, answers=2000)

    assert 5 <= limit <= 16


def test_a_burst_of_refusals_is_one_sign() -> None:
    async def drive() -> None:
        throttle = Throttle(20)
        # All that may be under way are, and all are refused.
        for _ in range(throttle.limit):
            await throttle.acquire()
        before = throttle.limit
        for _ in range(before):
            throttle.failed(congested=True)
        assert throttle.limit >= int(before * 0.7)

    run(drive)


def test_without_adaptation_all_may_be_under_way() -> None:
    assert Throttle(50, adaptive=False).limit == 50


def test_places_are_given_in_order_and_survive_those_who_give_up() -> None:
    async def drive() -> None:
        throttle, order = Throttle(1, adaptive=False), []

        async def one(name: str) -> None:
            await throttle.acquire()
            order.append(name)
            throttle.answered(1.0)

        await throttle.acquire()
        first, second, third = (asyncio.create_task(one(name)) for name in "abc")
        await asyncio.sleep(0)
        second.cancel()
        throttle.answered(1.0)
        await asyncio.gather(first, third, return_exceptions=True)
        assert order == ["a", "c"]
        await asyncio.wait_for(throttle.acquire(), 60)

    run(drive)


def test_the_pace_spaces_beginnings_evenly() -> None:
    async def drive() -> None:
        pace, loop = RateLimiter(100), asyncio.get_running_loop()
        begin = loop.time()
        for _ in range(11):
            await pace.turn()
        # Ten gaps of 10 ms at least; how much more depends on the machine.
        assert loop.time() - begin >= 0.099

    run(drive)


def test_no_rate_means_no_wait() -> None:
    async def drive() -> None:
        pace, others = RateLimiter(None), asyncio.create_task(asyncio.sleep(0))
        for _ in range(1000):
            await pace.turn()
        # Nobody else had a turn meanwhile: it never waited.
        assert not others.done()

    run(drive)
