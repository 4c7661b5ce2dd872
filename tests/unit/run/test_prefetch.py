from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncIterator

import numpy as np
import pytest

from sv_eval.errors import AudioError
from sv_eval.records import Clip, Waveform
from sv_eval.run.prefetch import Decoded, Prefetcher, cut_batches


class Recorded:
    """A source of silence that counts what is asked of it."""

    def __init__(self, lengths: dict[str, int]) -> None:
        self.lengths = lengths
        self.asked: list[str] = []
        self.threads: set[str] = set()

    def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:
        time.sleep(0.0002)  # about what a short file takes
        self.asked.append(clip.id)
        self.threads.add(threading.current_thread().name)
        if self.lengths[clip.id] < 0:
            raise AudioError("not_audio", f"{clip.id} is not audio")
        return Waveform(samples=np.zeros(self.lengths[clip.id], dtype=np.float32))


def clips_of(lengths: dict[str, int]) -> list[Clip]:
    return [Clip(id=name) for name in lengths]


def collect(lengths: dict[str, int], *, batch_size: int, window: int) -> list[list[str]]:
    async def gather() -> list[list[str]]:
        with Prefetcher(clips_of(lengths), Recorded(lengths), workers=2, ahead=8) as prefetcher:
            batches = cut_batches(prefetcher.stream(), batch_size=batch_size, window=window)
            return [[item.clip.id for item in batch] async for batch in batches]

    return asyncio.run(gather())


def test_clips_come_in_order_whatever_thread_decodes_them() -> None:
    lengths = {f"c{i:03d}": 1600 for i in range(50)}

    assert collect(lengths, batch_size=1, window=1) == [[name] for name in lengths]


def test_decoding_runs_ahead_by_no_more_than_asked() -> None:
    lengths = {f"c{i:03d}": 1600 for i in range(100)}
    source = Recorded(lengths)

    async def take_one() -> None:
        with Prefetcher(clips_of(lengths), source, workers=1, ahead=5) as prefetcher:
            stream = prefetcher.stream()
            await anext(stream)
            async with asyncio.timeout(60):
                while len(source.asked) < 5:
                    await asyncio.sleep(0.001)
            # Long enough for more of them, if more were begun.
            await asyncio.sleep(0.05)
            await stream.aclose()

    asyncio.run(take_one())

    assert 5 <= len(source.asked) <= 12
    assert all(name.startswith("decode") for name in source.threads)


def test_without_threads_clips_are_decoded_where_they_are_asked_for() -> None:
    lengths = {f"c{i:03d}": 1600 for i in range(50)}
    source = Recorded(lengths)

    async def gather() -> list[str]:
        with Prefetcher(clips_of(lengths), source, workers=0, ahead=8) as prefetcher:
            return [item.clip.id async for item in prefetcher.stream()]

    assert asyncio.run(gather()) == list(lengths)
    assert source.threads == {threading.current_thread().name}


def test_a_clip_that_can_not_be_decoded_comes_through_with_its_failure() -> None:
    lengths = {"good": 1600, "bad": -1}

    async def gather() -> list[Decoded]:
        with Prefetcher(clips_of(lengths), Recorded(lengths), workers=1, ahead=4) as prefetcher:
            return [item async for item in prefetcher.stream()]

    good, bad = asyncio.run(gather())

    assert good.waveform is not None
    assert good.failure is None
    assert bad.waveform is None
    assert bad.failure is not None
    assert bad.failure.kind == "not_audio"


def test_batches_hold_clips_of_similar_length() -> None:
    lengths = {"a": 9, "b": 1, "c": 8, "d": 2, "e": 7, "f": 3}

    assert collect(lengths, batch_size=2, window=2) == [["b", "a"], ["d", "c"], ["f", "e"]]
    assert collect(lengths, batch_size=6, window=6) == [["b", "d", "f", "e", "c", "a"]]


def test_the_first_windows_are_small_so_that_a_backend_need_not_wait() -> None:
    lengths = {f"c{i:02d}": 40 - i for i in range(40)}

    batches = collect(lengths, batch_size=4, window=16)

    # Windows of 4, 8, 16 and the rest, each from its shortest clip to its longest.
    firsts = [0, 4, 12, 28]
    windows = [sorted(list(lengths)[a:b], reverse=True) for a, b in zip(firsts, [*firsts[1:], 40], strict=True)]
    assert [name for batch in batches for name in batch] == [name for window in windows for name in window]
    assert all(len(batch) == 4 for batch in batches)


def test_batches_are_the_same_on_every_run() -> None:
    lengths = {f"c{i:03d}": 1 + (i * 7919) % 50 for i in range(83)}

    first, second = (collect(lengths, batch_size=4, window=16) for _ in range(2))

    assert first == second
    assert sorted(name for batch in first for name in batch) == sorted(lengths)


def test_an_undecodable_clip_does_not_wait_for_a_batch() -> None:
    async def stream() -> AsyncIterator[Decoded]:
        yield Decoded(
            clip=Clip(id="a"), waveform=Waveform(samples=np.zeros(9, np.float32)), failure=None, decode_ms=0
        )
        yield Decoded(clip=Clip(id="b"), waveform=None, failure=None, decode_ms=0)

    async def gather() -> list[list[str]]:
        return [[i.clip.id for i in batch] async for batch in cut_batches(stream(), batch_size=2, window=4)]

    assert asyncio.run(gather()) == [["b"], ["a"]]


def test_an_error_of_a_source_that_is_not_ours_fails_its_clip_and_no_other() -> None:
    class Buggy(Recorded):
        def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:
            if clip.id == "b":
                raise ZeroDivisionError("in somebody's reader")
            return super().load(clip, keep_encoded=keep_encoded)

    lengths = {"a": 16, "b": 16, "c": 16}

    async def gather() -> list[Decoded]:
        with Prefetcher(clips_of(lengths), Buggy(lengths), workers=1, ahead=4) as prefetcher:
            return [item async for item in prefetcher.stream()]

    kinds = [item.failure.kind if item.failure else None for item in asyncio.run(gather())]

    assert kinds == [None, "decode_error", None]


def test_clips_longer_than_what_may_be_held_all_come_through() -> None:
    hour = 16_000 * 3600
    shared = np.zeros(1, dtype=np.float32)

    class Long(Recorded):
        def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:
            self.asked.append(clip.id)
            return Waveform(samples=np.broadcast_to(shared, hour))

    lengths = {f"c{i:02d}": hour for i in range(30)}

    async def gather() -> list[str]:
        with Prefetcher(clips_of(lengths), Long(lengths), workers=2, ahead=16) as prefetcher:
            return [item.clip.id async for item in prefetcher.stream()]

    assert asyncio.run(gather()) == list(lengths)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no priorities of threads")
def test_decoding_gives_way_to_the_backend() -> None:
    class Noted(Recorded):
        def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:
            priorities.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
            return super().load(clip, keep_encoded=keep_encoded)

    priorities: list[int] = []
    ours = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    async def gather() -> list[Decoded]:
        with Prefetcher(clips_of({"a": 16}), Noted({"a": 16}), workers=1, ahead=4) as prefetcher:
            return [item async for item in prefetcher.stream()]

    asyncio.run(gather())

    # A higher number is a lower priority; 19 is the lowest.
    assert priorities == [min(ours + 5, 19)]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == ours
