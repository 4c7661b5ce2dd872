from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pytest
from numpy.typing import NDArray

from sv_eval.backend import Answer, BackendInfo, Capabilities, Request, StreamUpdate
from sv_eval.errors import ConfigError, InferenceError
from sv_eval.machine.clock import LoopClock, SimulatedClock, SimulatedLoop
from sv_eval.record_file.as_json import record_from_json, record_to_json
from sv_eval.records import Clip, Outcome, Passage, Prediction, Record, Waveform
from sv_eval.run.load import LoadConfig, StreamPlan, plan_load
from sv_eval.run.loop import RunLoop
from sv_eval.run.streaming import StreamOutcome, stream_clip

COMPUTE_MS = 300.0


class Planted:
    """Says the labels of a list, one a chunk, and takes a planted time for each."""

    def __init__(self, *labels: str | None, clock: SimulatedClock | None = None, broken: bool = False) -> None:
        self._labels, self._clock, self._broken = labels, clock, broken
        self.capabilities = Capabilities(streams=True)
        self.info = BackendInfo(name="planted", model="none")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *reason: object) -> None:
        return None

    async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
        return [Prediction(label="sad") for _ in requests]

    async def stream(
        self,
        chunks: AsyncIterator[NDArray[np.float32]],
        *,
        chunk_size: float,
        callback: Callable[[StreamUpdate], None],
    ) -> Prediction:
        heard = judged = 0
        labels = iter(self._labels)
        label = None
        async for piece in chunks:
            heard += len(piece)
            if self._broken:
                raise InferenceError("lost_track", "planted")
            while heard - judged >= chunk_size * 16_000:
                if self._clock is not None:
                    await self._clock.wait_until(self._clock.now() + COMPUTE_MS / 1000)
                start, judged = judged, judged + round(chunk_size * 16_000)
                label = next(labels)
                callback(
                    StreamUpdate(
                        start_s=start / 16_000,
                        end_s=judged / 16_000,
                        label=label,
                        scores={"sad": 0.5, "happy": 0.5},
                        chunk_scores=None,
                        compute_ms=COMPUTE_MS,
                    )
                )
        return Prediction(label=label)


def request(seconds: float) -> Request:
    return Request(clip_id="clip", waveform=Waveform(samples=np.zeros(round(seconds * 16_000), np.float32)))


def streamed(
    backend: Planted, *, seconds: float, chunk_size: float, clock: SimulatedClock | None = None
) -> StreamOutcome:
    plan = StreamPlan(chunk_size=chunk_size, real_time=clock is not None)
    return asyncio.run(stream_clip(backend, request(seconds), plan, clock or SimulatedClock()))


def test_at_the_fast_pace_the_moments_are_worked_out() -> None:
    out = streamed(Planted("happy", "sad", "sad"), seconds=3.0, chunk_size=1.0)

    assert out.streamed is not None
    assert [step.emitted_s for step in out.streamed.steps] == pytest.approx([1.3, 2.3, 3.3])
    assert out.latency_ms == pytest.approx(300)
    assert out.streamed.offline_label == "sad"


def test_a_backend_that_is_slower_than_speech_falls_behind() -> None:
    out = streamed(Planted("sad", "sad", "sad", "sad"), seconds=0.8, chunk_size=0.2)

    assert out.streamed is not None
    assert [step.emitted_s for step in out.streamed.steps] == pytest.approx([0.5, 0.8, 1.1, 1.4])
    assert out.latency_ms == pytest.approx(600)


def test_in_real_time_the_clock_says_when_an_answer_came() -> None:
    clock = SimulatedClock()

    out = streamed(Planted("happy", "sad", clock=clock), seconds=2.0, chunk_size=1.0, clock=clock)

    assert out.streamed is not None
    assert [step.emitted_s for step in out.streamed.steps] == pytest.approx([1.3, 2.3])


def run(backend: Planted) -> Record:
    records: list[Record] = []

    class Second:
        def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:
            return Waveform(samples=np.zeros(16_000, np.float32))

    async def drive() -> None:
        plan = plan_load(LoadConfig(schedule="stream", chunk_size=0.5), backend.capabilities)
        loop = RunLoop(backend=backend, source=Second(), plan=plan, on_record=records.append)
        await loop.run([Clip(id="a", reference="sad")])

    asyncio.run(drive())
    return records[0]


def test_a_record_keeps_its_steps_when_it_is_written_and_read() -> None:
    record = run(Planted("happy", None))

    assert record.streamed is not None
    assert [step.label for step in record.streamed.steps] == ["happy", None]
    again = record_from_json(record_to_json(record)).streamed
    assert again is not None
    assert again.steps == record.streamed.steps
    assert again.final_s == pytest.approx(record.streamed.final_s, abs=1e-6)
    assert again.final_label == record.streamed.final_label


def test_a_broken_stream_is_a_failure_of_its_kind() -> None:
    record = run(Planted("happy", "sad", broken=True))

    assert record.outcome is Outcome.FAILURE
    assert record.failure is not None
    assert record.failure.kind == "lost_track"
    assert record.streamed is None


def test_a_backend_that_takes_whole_clips_only_is_refused() -> None:
    with pytest.raises(ConfigError, match="load=stream"):
        plan_load(LoadConfig(schedule="stream"), Capabilities())


@pytest.mark.parametrize("wrong", [{"pace": "slow"}, {"chunk_size": 0.01}, {"streams": 0}, {"streams": 2}])
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        LoadConfig(schedule="stream", **wrong)


SEVERAL = LoadConfig(schedule="stream", chunk_size=0.5, pace="real_time", streams=4)


def test_more_calls_than_a_backend_takes_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"load.streams=4: this backend has 2 calls open at most"):
        plan_load(SEVERAL, Capabilities(streams=True, max_in_flight=2))


def test_several_calls_at_once_begin_apart_and_nobody_asks_for_whole_clips_beside_them() -> None:
    records, asked = list[Record](), list[object]()

    class Two:
        def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:
            return Waveform(samples=np.zeros(32_000, np.float32))

    class Busy(Planted):
        async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
            asked.extend(requests)
            return await super().recognize(requests)

        async def stream(self, chunks: Any, **rest: Any) -> Prediction:
            found = await super().stream(chunks, **rest)
            await asyncio.sleep(0.25)
            return found

    async def drive() -> None:
        backend = Busy(*["sad"] * 4)
        backend.capabilities = Capabilities(streams=True, max_in_flight=4)
        loop = RunLoop(
            backend=backend, source=Two(), plan=plan_load(SEVERAL, backend.capabilities),
            on_record=records.append, clock=LoopClock(), decode_workers=0,
        )  # fmt: skip
        await loop.run([Clip(id=str(number), reference="sad") for number in range(8)])

    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        runner.run(drive())

    by_clip = sorted(records, key=lambda one: one.clip.id)
    assert [one.sent_s for one in by_clip] == pytest.approx(
        [0, 0.125, 0.25, 0.375, 2.25, 2.375, 2.5, 2.625], abs=0.02
    )
    assert [one.latency_ms for one in by_clip] == pytest.approx([250.0] * 8, abs=10)
    assert all(one.late_ms is not None and one.late_ms < 5 for one in by_clip)
    assert asked == []
    assert {one.streamed.whole_asked for one in by_clip if one.streamed} == {False}
    again = record_from_json(record_to_json(by_clip[0])).streamed
    assert again is not None
    assert not again.whole_asked


class Speaking(Planted):
    """Says its partial answers with a known delay, another label at the very end, and where speech ends."""

    def __init__(self, *, partial_s: float, final_s: float, clock: SimulatedClock, speech_end_s: float) -> None:
        super().__init__(*["sad"] * 40)
        self.capabilities = Capabilities(streams=True, detects_speech=True)
        self._delays, self._when, self._speech_end_s = (partial_s, final_s), clock, speech_end_s

    async def stream(self, chunks: Any, *, callback: Callable[[StreamUpdate], None], **rest: Any) -> Prediction:
        def late(update: StreamUpdate) -> None:
            self._when._now_s += self._delays[0]
            callback(replace(update, compute_ms=1000 * self._delays[0]))

        await super().stream(chunks, callback=late, **rest)
        self._when._now_s += self._delays[1]
        return Prediction(label="happy")

    async def detect(self, request: Request) -> Sequence[tuple[float, float]]:
        return [(0.1, 0.4), (0.6, self._speech_end_s)]


@pytest.mark.parametrize("real_time", [False, True])
@pytest.mark.parametrize(("partial_s", "final_s"), [(0.0, 0.7), (0.05, 0.2), (0.003, 0.0)])
def test_the_final_answer_has_a_moment_of_its_own_that_is_the_known_one(
    real_time: bool, partial_s: float, final_s: float
) -> None:
    clock = SimulatedClock()
    backend = Speaking(partial_s=partial_s, final_s=final_s, clock=clock, speech_end_s=1.6)

    out = asyncio.run(stream_clip(backend, request(2.0), StreamPlan(chunk_size=0.5, real_time=real_time), clock))

    assert out.streamed is not None
    assert out.streamed.steps[-1].emitted_s == pytest.approx(2.0 + partial_s)
    assert out.streamed.final_s == pytest.approx(2.0 + partial_s + final_s)
    assert out.latency_ms == pytest.approx(1000 * (partial_s + final_s))
    assert (out.streamed.steps[-1].label, out.streamed.final_label) == ("sad", "happy")
    assert out.streamed.speech_end_s == 1.6


@pytest.mark.parametrize("chunk_size", [0.25, 0.33, 0.95])
def test_in_real_time_no_chunk_waits_for_audio_beyond_its_end(chunk_size: float) -> None:
    clock = SimulatedClock()

    out = streamed(Planted(*["sad"] * 20), seconds=3.0, chunk_size=chunk_size, clock=clock)

    assert out.streamed is not None
    assert all(step.emitted_s == pytest.approx(step.end_s, abs=1e-4) for step in out.streamed.steps)


def test_an_answer_that_came_before_its_connection_was_closed_counts_from_when_it_came() -> None:
    clock = SimulatedClock()

    class Closing(Speaking):
        async def stream(self, chunks: Any, **rest: Any) -> Prediction:
            found = await super().stream(chunks, **rest)
            came_s = self._when.now()
            self._when._now_s += 0.9
            return replace(found, passage=Passage(begin_s=0.0, latency_ms=1000 * came_s))

    backend = Closing(partial_s=0.0, final_s=0.3, clock=clock, speech_end_s=1.0)

    out = asyncio.run(stream_clip(backend, request(2.0), StreamPlan(chunk_size=1.0, real_time=True), clock))

    assert out.latency_ms == pytest.approx(300)


def test_where_no_detector_can_be_opened_the_end_of_speech_is_not_known() -> None:
    class Deaf(Speaking):
        async def detect(self, request: Request) -> Sequence[tuple[float, float]]:
            raise InferenceError("vad_unavailable", "planted")

    backend = Deaf(partial_s=0.0, final_s=0.3, clock=SimulatedClock(), speech_end_s=1.0)

    record = run(backend)

    assert record.streamed is not None
    assert record.streamed.speech_end_s is None
    assert record.streamed.final_s is not None
