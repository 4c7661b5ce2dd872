"""Decoding ahead: clips become waveforms in threads of their own while the backend works."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice, repeat
from typing import Any, Self

from sv_eval.data.audio.digest import sound_digest
from sv_eval.data.audio.listening import Listen
from sv_eval.data.audio.measuring import measured_all
from sv_eval.data.corpus.source import AudioSource
from sv_eval.records import Clip, Failure, Waveform
from sv_eval.run.guard import around_one_clip
from sv_eval.sound_facts import SoundFacts

_AT_A_TIME = 4
_AT_A_TIME_WHEN_CHEAP = 32
_CHEAP_MS = 0.05  # of a clip; below it a source does not decode, and switching threads is what costs
_NICENESS = 5  # a third of a usual thread's share of the processor where there is not enough for both
_LONGEST_AHEAD_S = 1800.0  # half an hour of audio is 115 MB of samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A clip with its audio, or with the reason why there is none."""

    clip: Clip
    """The clip."""
    waveform: Waveform | None
    """Its audio."""
    failure: Failure | None
    """Why it could not be decoded."""
    decode_ms: float
    """Milliseconds that decoding took."""
    round: int = 0
    """How many times the measurement had gone through the clip before."""
    sound: SoundFacts | None = None
    """What its sound was; of the first round."""


class Prefetcher:
    """Decodes clips in order, at most `ahead` clips (and half an hour of audio) before they are asked for.

    A thread takes a few clips at a time, since handing over a task costs about as much as decoding a short
    clip. Use as a context manager: leaving it stops the threads.

    workers: how many threads; 0 decodes where the clips are asked for, as simulated time needs it: threads take
    real time, and it leaves them next to none.
    taught: digests of what the model was trained on; clips that are among it are marked.
    listen: adds to the facts of each clip's sound.
    """

    def __init__(
        self,
        clips: Iterable[Clip],
        source: AudioSource,
        *,
        workers: int,
        ahead: int,
        keep_encoded: bool = False,
        rounds: Iterable[int] = repeat(0),
        taught: frozenset[str] = frozenset(),
        listen: Listen | None = None,
    ) -> None:
        # Clips that come again say so; the iterator of clips is the one that ends.
        self._clips: Iterator[tuple[Clip, int]] = zip(clips, rounds, strict=False)
        self._source, self._keep_encoded, self._taught = source, keep_encoded, taught
        self._listen = listen
        # Most sources have nothing to wait for, and none of them need say so.
        self._fetch: Callable[[Clip], None] | None = getattr(source, "fetch", None) if workers else None
        self._executor: Executor = _OnTheSpot() if workers == 0 else _threads(workers)
        self._waiting: deque[Future[list[Decoded]]] = deque()
        self._ahead = -(-max(ahead, workers) // _AT_A_TIME)
        self._at_a_time = _AT_A_TIME
        self._held_s = 0.0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Begin to decode."""
        self._refill()
        return self

    def __exit__(self, *reason: object) -> None:
        """Stop; what is being decoded is finished and dropped."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    async def stream(self) -> AsyncIterator[Decoded]:
        """Every clip, in order."""
        while self._waiting:
            future = self._waiting.popleft()
            items = future.result() if future.done() else await asyncio.wrap_future(future)
            cheap = sum(item.decode_ms for item in items) < _CHEAP_MS * len(items)
            self._at_a_time = _AT_A_TIME_WHEN_CHEAP if cheap else _AT_A_TIME
            self._hold(-sum(item.waveform.duration_s for item in items if item.waveform is not None))
            self._refill()
            for item in items:
                yield item

    def _refill(self) -> None:
        # However long the clips are, one task is always under way, or the stream would end.
        while not self._waiting or (len(self._waiting) < self._ahead and self._held_s < _LONGEST_AHEAD_S):
            turns = list(islice(self._clips, self._at_a_time))
            if not turns:
                return
            if self._fetch is not None:
                for clip, _ in turns:
                    self._fetch(clip)
            self._waiting.append(self._executor.submit(self._decode_some, turns))

    def _with_facts(self, items: list[Decoded]) -> list[Decoded]:
        """The clips with what their sound was, those of the first round."""
        fresh = [(place, item.waveform) for place, item in enumerate(items) if not item.round and item.waveform]
        found: list[SoundFacts] = []
        with around_one_clip("decode_error") as failures:
            found = measured_all([waveform for _, waveform in fresh])
            if self._listen is not None:
                found = [self._listen(waveform, sound) for (_, waveform), sound in zip(fresh, found, strict=True)]
        if failures and len(items) > 1:
            # A plug-in's sound that is none; the others have facts all the same.
            return [one for item in items for one in self._with_facts([item])]
        for place, _ in fresh if failures else ():
            items[place] = replace(items[place], failure=failures[0])
        for (place, _), sound in zip(fresh, found, strict=False):
            items[place] = replace(items[place], sound=sound)
        return items

    def _hold(self, seconds: float) -> None:
        with self._lock:
            self._held_s += seconds

    def _decode_some(self, turns: list[tuple[Clip, int]]) -> list[Decoded]:
        return self._with_facts([self._decode(clip, number) for clip, number in turns])

    def _decode(self, clip: Clip, number: int) -> Decoded:
        begin = time.perf_counter()
        waveform, elapsed_ms = None, 0.0
        with around_one_clip("decode_error") as failures:
            waveform = self._source.load(clip, keep_encoded=self._keep_encoded)
            self._hold(waveform.duration_s)
            elapsed_ms = (time.perf_counter() - begin) * 1000
        failure = failures[0] if failures else None
        if self._taught and waveform is not None and sound_digest(waveform.samples) in self._taught:
            waveform = replace(waveform, marks=tuple(sorted({*waveform.marks, "taught"})))
        return Decoded(clip=clip, waveform=waveform, failure=failure, decode_ms=elapsed_ms, round=number)


class _OnTheSpot(Executor):
    """Does the work when it is handed over."""

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """What is done already; what the work raises is raised here."""
        done: Future[Any] = Future()
        done.set_result(work(*arguments, **named))
        return done


def _threads(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=workers, thread_name_prefix="decode", initializer=_give_way)


def _give_way() -> None:
    """Let this thread wait where the backend's want the processor: it is ahead of them."""
    # Elsewhere than on Linux this would be the whole process.
    if sys.platform == "linux":
        os.nice(_NICENESS)


async def cut_batches(
    stream: AsyncIterator[Decoded], *, batch_size: int, window: int
) -> AsyncIterator[list[Decoded]]:
    """Batches of similar length: every `window` clips are sorted by duration and cut in order.

    The first window is one batch, the next two, and so on up to a whole one, so that a backend need not wait for
    many clips to be decoded. Which clips share a batch depends on the order of the clips alone, so that a rerun
    forms the same batches. Clips without audio come through at once, by themselves.
    """
    held: list[Decoded] = []
    enough = min(batch_size, window)
    async for item in stream:
        if item.waveform is None:
            yield [item]
            continue
        held.append(item)
        if len(held) >= enough:
            for batch in _by_length(held, batch_size):
                yield batch
            held, enough = [], min(2 * enough, window)
    for batch in _by_length(held, batch_size):
        yield batch


def _by_length(items: list[Decoded], batch_size: int) -> Iterator[list[Decoded]]:
    if len(items) > 1:
        items.sort(key=lambda item: (len(item.waveform.samples) if item.waveform else 0, item.clip.id))
    for begin in range(0, len(items), batch_size):
        yield items[begin : begin + batch_size]
