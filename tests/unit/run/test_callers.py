"""Open and closed loops over a backend with a known number of places and a known time for each clip.

Time is simulated: it stands still while anybody works and jumps to the next moment that somebody waits for.
Clips are decoded on the spot: real threads would need real time, of which a jump leaves them next to none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self, cast

import numpy as np
import pytest

from sv_eval.backend import Answer, BackendInfo, Capabilities, Request
from sv_eval.errors import BackendLost
from sv_eval.machine.clock import LoopClock, SimulatedLoop
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Clip, Passage, Prediction, Record, Waveform
from sv_eval.report.latency import Load
from sv_eval.run.callers import LeadTime
from sv_eval.run.load import load_config_from, plan_load
from sv_eval.run.loop import RunLoop
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.load import load_of
from sv_eval.scoring.scope import scope_of

SILENCE = Waveform(samples=np.zeros(1600, np.float32))


class Source:
    def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:
        return SILENCE


class Counter:
    """Some hundredths of a second for each clip, so many at a time."""

    def __init__(self, places: int, work_s: float, *, lost_at: int | None = None) -> None:
        self._places, self._work_s, self._lost_at = places, work_s, lost_at
        self.open = self.most = self.asked = 0
        self.begun: list[float] = []

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(max_in_flight=self._places)

    @property
    def info(self) -> BackendInfo:
        return BackendInfo(name="counter", model="none")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *reason: object) -> None:
        return None

    async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
        self.asked += 1
        if self.asked == self._lost_at:
            raise BackendLost("gone")
        self.begun.append(asyncio.get_running_loop().time())
        self.open += 1
        self.most = max(self.most, self.open)
        await asyncio.sleep(self._work_s)
        self.open -= 1
        return [Prediction(label="happy") for _ in requests]


def run(backend: Counter, clips: int, **load: Any) -> list[Record]:
    records: list[Record] = []
    loop = RunLoop(
        backend=backend,
        source=Source(),
        plan=plan_load(load_config_from({"warmup_clips": 0, **load}), backend.capabilities),
        on_record=records.append,
        decode_workers=0,
        clock=LoopClock(),
    )
    chosen = [Clip(id=f"c{index:04d}") for index in range(clips)]

    async def measure() -> None:
        await loop.warm_up(chosen)
        await loop.run(chosen)

    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        runner.run(measure())
    return records


def load_told(records: Sequence[Record], *, max_late_ms: float) -> Load:
    return load_of(scope_of(RunRecords.of_records(records), ScoringConfig()), max_late_ms=max_late_ms)


def test_an_open_loop_sends_when_it_is_time_and_waits_for_nobody() -> None:
    backend = Counter(places=100, work_s=0.2)

    records = run(backend, 40, schedule="constant", rate=200)

    # All 40 go out within 0.2 s, before the first one is answered.
    assert backend.most == 40
    assert len({record.clip.id for record in records}) == 40
    gaps = np.diff(backend.begun)
    assert np.median(gaps) == pytest.approx(0.005)
    assert all(record.late_ms == pytest.approx(0, abs=1e-6) for record in records)


class Preparing(Counter):
    """Takes a while before its first byte goes out, and tells when that was."""

    def __init__(self, prepare_s: float, work_s: float) -> None:
        super().__init__(100, work_s)
        self._prepare_s = prepare_s

    async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
        await asyncio.sleep(self._prepare_s)
        begin_s, (request,) = asyncio.get_running_loop().time(), requests
        (answer,) = await super().recognize(requests)
        assert isinstance(answer, Prediction)
        planned_s = begin_s if request.planned_s is None or request.from_sending else request.planned_s
        spent_ms = (asyncio.get_running_loop().time() - min(begin_s, planned_s)) * 1000
        return [replace(answer, passage=Passage(begin_s=begin_s, latency_ms=spent_ms))]


@pytest.mark.parametrize(("prepare_s", "before_ms", "after_ms"), [(0.001, 11.0, 10.0), (0.003, 13.0, 13.0)])
def test_the_first_byte_goes_out_when_planned_once_it_is_known_how_long_that_takes(
    prepare_s: float, before_ms: float, after_ms: float
) -> None:
    records = run(Preparing(prepare_s, 0.01), 60, schedule="constant", rate=20)

    latencies = [record.latency_ms for record in sorted(records, key=lambda one: one.clip.id)]
    # What takes longer than two milliseconds is no mere preparation: nothing is begun earlier for it.
    # Eight are learnt from; the ninth was already waited for when the eighth was answered.
    assert latencies[:9] == pytest.approx([before_ms] * 9)
    assert latencies[9:] == pytest.approx([after_ms] * 51)
    assert all(record.late_ms == pytest.approx(0, abs=1e-6) for record in records)


def test_the_warm_up_learns_how_long_a_request_takes_to_be_made_ready() -> None:
    records = run(Preparing(0.001, 0.01), 20, schedule="constant", rate=20, warmup_clips=4)

    assert [record.latency_ms for record in records] == pytest.approx([10.0] * 20)


def test_the_lead_is_enough_for_three_requests_of_four() -> None:
    lead_time = LeadTime()
    for milliseconds in (1.0, 0.2, 0.4, 0.3, 0.5, 0.6, 0.7, 5.0):
        lead_time.took(milliseconds / 1000)
    assert lead_time.lead_s == 0.0  # seven that count, since five milliseconds are no preparation

    lead_time.took(0.0008)

    assert lead_time.lead_s == pytest.approx(0.0008)


@pytest.mark.parametrize(
    ("load", "together"),
    [
        ({"schedule": "constant", "rate": 20}, 16),
        ({"schedule": "closed", "concurrency": 5}, 5),
        ({"schedule": "multi_stream", "concurrency": 3}, 3),
        ({"schedule": "single_stream"}, 1),
    ],
)
def test_the_warm_up_ends_with_as_many_at_once_as_will_be(load: dict[str, Any], together: int) -> None:
    backend = Counter(places=100, work_s=0.01)

    run(backend, 1, **load, warmup_clips=2)

    assert backend.most == together


def test_who_waits_for_an_answer_counts_from_sending() -> None:
    records = run(Preparing(0.004, 0.01), 12, schedule="closed", concurrency=3)

    assert [record.latency_ms for record in records] == pytest.approx([10.0] * 12)
    # The first three were taken at once, and went out when they had been made ready.
    assert sorted(record.sent_s or 0.0 for record in records)[:3] == pytest.approx([0.004] * 3)


def test_who_waits_for_a_place_counts_from_its_turn_even_then() -> None:
    backend = Preparing(0.004, 0.01)
    backend._places = 1

    records = run(backend, 9, schedule="closed", concurrency=3)

    # A place is free every 14 ms; the third caller in the queue waits for two others.
    assert max(record.latency_ms or 0.0 for record in records) == pytest.approx(42.0)


def test_who_waits_for_a_place_waits_within_the_latency() -> None:
    # One place and 20 ms a clip, a clip every 10 ms: the n-th waits n times 10 ms.
    backend = Counter(places=1, work_s=0.02)

    records = run(backend, 30, schedule="constant", rate=100)

    assert backend.most == 1
    latencies = [record.latency_ms or 0.0 for record in sorted(records, key=lambda one: one.clip.id)]
    assert latencies == pytest.approx([20.0 + 10 * index for index in range(30)])
    # The generator itself was in time: the queue is not its fault.
    summary = load_told(records, max_late_ms=1000)
    assert summary.fell_behind is False
    assert summary.most_open in (15, 16)  # one ends as another begins


def test_a_server_that_stands_still_is_seen_by_all_who_were_due() -> None:
    class Stalling(Counter):
        async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
            if self.asked == 20:
                self.asked += 1
                await asyncio.sleep(0.5)
            return await super().recognize(requests)

    open_loop = run(Stalling(places=1, work_s=0.001), 100, schedule="constant", rate=100)
    naive = run(Stalling(places=1, work_s=0.001), 100, schedule="single_stream")

    slow = [sum((one.latency_ms or 0.0) > 100 for one in records) for records in (open_loop, naive)]
    # Forty requests were due in its first 0.4 s, and waited for 0.1 s or longer; one after another, one notices.
    assert 40 <= slow[0] <= 46
    assert slow[1] == 1


def test_callers_wait_for_their_answers_and_think() -> None:
    backend = Counter(places=100, work_s=0.01)

    records = run(backend, 30, schedule="closed", concurrency=3, think_s=0.01)

    assert backend.most == 3
    assert len(records) == 30
    # Ten rounds of 20 ms, three callers each.
    assert np.diff(np.array(backend.begun).reshape(10, 3), axis=0) == pytest.approx(np.full((9, 3), 0.02))


def test_a_query_is_answered_when_its_last_clip_is() -> None:
    backend = Counter(places=2, work_s=0.02)

    records = run(backend, 10, schedule="multi_stream", concurrency=4)

    by_call: dict[int | None, list[float]] = {}
    for record in records:
        by_call.setdefault(record.call, []).append(record.latency_ms or 0.0)
    assert sorted(len(found) for found in by_call.values()) == [2, 4, 4]
    # Four clips at two places take two turns.
    assert [max(found) for found in by_call.values()] == pytest.approx([40, 40, 20])


def test_a_generator_that_falls_behind_is_found_out() -> None:
    class Blocking(Counter):
        async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
            # A plug-in that blocks the loop: time goes by, and nobody else has a turn.
            cast("SimulatedLoop", asyncio.get_running_loop()).advance(0.02)
            return [Prediction(label="happy") for _ in requests]

    records = run(Blocking(places=10, work_s=0), 30, schedule="constant", rate=200)

    assert load_told(records, max_late_ms=5.0).fell_behind is True


@pytest.mark.parametrize("schedule", ["constant", "closed", "multi_stream"])
def test_a_lost_backend_ends_the_run(schedule: str) -> None:
    with pytest.raises(BackendLost, match="gone"):
        run(Counter(places=4, work_s=0.001, lost_at=9), 60, schedule=schedule, rate=500, concurrency=3)
