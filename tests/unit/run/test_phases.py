"""Cold start, warm-up until stable, rounds until it is enough."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import islice

import numpy as np
import pytest

from sv_eval.backend import Answer, Request
from sv_eval.backends.fake import FakeBackend
from sv_eval.errors import ConfigError
from sv_eval.machine.clock import SimulatedClock
from sv_eval.records import Clip, Failure, Outcome, Prediction, Record, Waveform
from sv_eval.report.environment import WarmUp
from sv_eval.run.load import LoadConfig, load_config_from, plan_load
from sv_eval.run.loop import RunLoop
from sv_eval.run.phases import StoppingRule, all_rounds

CLIPS = [Clip(id=f"c{number}", reference="happy") for number in range(6)]


class Silence:
    def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:
        return Waveform(samples=np.zeros(1600, dtype=np.float32))


class Cooling(FakeBackend):
    """Takes as long as `times` says, then as long as its last one."""

    def __init__(self, clock: SimulatedClock, times: Sequence[float]) -> None:
        super().__init__()
        self._waits, self._on, self.asked = list(times), clock, 0

    async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
        self.asked += 1
        wait = self._waits.pop(0) if len(self._waits) > 1 else self._waits[0]
        await self._on.wait_until(self._on.now() + wait)
        return [Prediction(label="happy") for _ in requests]


def warm_up(times: Sequence[float], **options: float) -> tuple[WarmUp, Cooling]:
    clock = SimulatedClock()
    backend = Cooling(clock, times)

    async def drive() -> WarmUp:
        plan = plan_load(LoadConfig(warmup_clips=2), backend.capabilities)
        loop = RunLoop(backend=backend, source=Silence(), plan=plan, on_record=lambda record: None, clock=clock)
        return await loop.warm_up(CLIPS, **options)

    return asyncio.run(drive()), backend


def test_warm_up_goes_on_until_two_passes_take_equally_long() -> None:
    found, backend = warm_up([5.0, 1.0, 1.0, 0.5, 0.5, 0.48, 0.5, 0.1], max_s=100)

    assert found.first_answer_ms == pytest.approx(5000)
    assert found.windows_ms == pytest.approx([2000, 1000, 980])
    assert found.stable
    assert found.clips == backend.asked == 7


def test_warm_up_that_never_settles_ends_at_its_limit_and_says_so() -> None:
    found, _ = warm_up([0.5**number for number in range(60)], max_s=1.9)

    assert not found.stable
    assert found.wall_s == pytest.approx(1.9, abs=0.2)


def record(latency_ms: float, *, number: int = 0, call: int | None = None, failed: bool = False) -> Record:
    return Record(
        clip=CLIPS[0],
        outcome=Outcome.FAILURE if failed else Outcome.LABEL,
        failure=Failure(kind="x", message="x") if failed else None,
        latency_ms=latency_ms,
        batch_size=1 if call is None else 4,
        call=call,
        round=number,
    )


def test_a_measurement_ends_when_the_interval_is_narrow() -> None:
    config = LoadConfig(rounds=None, width=0.02, percentile=0.5)
    stopping_rule, draw = StoppingRule(config, begin_s=0.0), np.random.default_rng(3)

    count, reached = 0, None
    while not reached:
        count += 1
        reached = stopping_rule.enough(record(float(draw.normal(100, 20))), 0.0)

    # Half a 95 % interval of a normal median is 1.96 * 1.253 * 20 / sqrt(n) ms: 2 ms at n = 603.
    assert reached == "width"
    assert 400 < count < 900


def test_clips_of_one_call_are_one_measurement_and_failures_none() -> None:
    stopping_rule = StoppingRule(LoadConfig(rounds=None, width=10.0, percentile=0.5), begin_s=0.0)

    for number in range(40):
        assert stopping_rule.enough(record(1.0, call=0), 0.0) is None
        assert stopping_rule.enough(record(1.0, failed=True), 0.0) is None, number


def test_time_and_requests_end_it_too() -> None:
    by_time = StoppingRule(LoadConfig(rounds=None, max_s=5.0), begin_s=100.0)
    by_count = StoppingRule(LoadConfig(rounds=None, max_requests=3), begin_s=0.0)

    assert [by_time.enough(record(1.0), now) for now in (104.9, 105.0)] == [None, "max_s"]
    assert [by_count.enough(record(1.0), 0.0) for _ in range(3)] == [None, None, "max_requests"]


def test_rounds_begin_with_what_is_left_and_then_take_the_whole_corpus() -> None:
    turns = all_rounds(CLIPS, CLIPS[4:], None)

    assert [(clip.id, number) for clip, number in islice(turns, 10)] == [
        ("c4", 0), ("c5", 0), *((f"c{place}", 1) for place in range(6)), ("c0", 2), ("c1", 2),
    ]  # fmt: skip
    assert len(list(all_rounds(CLIPS, CLIPS, 3))) == 18


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"rounds": None}, "load.rounds=null has no end"),
        ({"rounds": 0}, "load.rounds must be at least 1"),
        ({"width": 0.05}, "load.width: of use with more rounds"),
        ({"rounds": 2, "max_s": -1.0}, "load.max_s=-1.0: must be above 0"),
        ({"rounds": None, "width": 0.05, "percentile": 95.0}, "load.percentile=95.0"),
        ({"warmup_tolerance": 0.0}, "load.warmup_tolerance"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings: dict[str, float], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        load_config_from(settings)
