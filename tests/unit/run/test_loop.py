from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
import pytest

from sv_eval.backend import Answer, BackendInfo, Capabilities, Request
from sv_eval.errors import AudioError, BackendLost, ConfigError, InferenceError
from sv_eval.records import Clip, Failure, Outcome, Prediction, Record, Waveform
from sv_eval.run.load import LoadConfig, LoadPlan, plan_load
from sv_eval.run.loop import RunLoop

Behaviour = Callable[[Sequence[Request]], Sequence[Answer]]


class Scripted:
    """A backend that does what a function says, and notes what it was asked."""

    def __init__(self, behaviour: Behaviour, *, can: Capabilities | None = None) -> None:
        self._behaviour = behaviour
        self.capabilities = can or Capabilities()
        self.info = BackendInfo(name="scripted", model="none")
        self.asked: list[list[Request]] = []
        self.open_calls = self.most_open_calls = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *reason: object) -> None:
        return None

    async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
        self.asked.append(list(requests))
        self.open_calls += 1
        self.most_open_calls = max(self.most_open_calls, self.open_calls)
        await asyncio.sleep(0.001)
        self.open_calls -= 1
        return self._behaviour(requests)


class Silence:
    def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:
        if clip.id.startswith("broken"):
            raise AudioError("truncated", f"{clip.id} ends early")
        return Waveform(samples=np.zeros(1600, dtype=np.float32))


def happy(requests: Sequence[Request]) -> Sequence[Answer]:
    return [Prediction(label="happy") for _ in requests]


def run(backend: Scripted, names: Sequence[str], plan: LoadPlan | None = None) -> list[Record]:
    records: list[Record] = []

    async def drive() -> None:
        loop = RunLoop(
            backend=backend,
            source=Silence(),
            plan=plan or plan_load(LoadConfig(), backend.capabilities),
            on_record=records.append,
        )
        await loop.run([Clip(id=name, reference="sad") for name in names])

    asyncio.run(drive())
    return records


def test_every_clip_ends_in_one_record() -> None:
    records = run(Scripted(happy), ["a", "broken", "b"])

    assert [(r.clip.id, r.outcome) for r in records] == [
        ("a", Outcome.LABEL),
        ("broken", Outcome.FAILURE),
        ("b", Outcome.LABEL),
    ]
    assert records[1].failure == Failure(kind="truncated", message="broken ends early")
    assert records[1].latency_ms is None
    assert records[0].latency_ms is not None
    assert records[0].audio_s == pytest.approx(0.1)


def test_the_truth_is_kept_from_a_backend_that_does_not_ask_for_it() -> None:
    blind, seeing = Scripted(happy), Scripted(happy, can=Capabilities(needs_reference=True))

    run(blind, ["a"])
    run(seeing, ["a"])

    assert blind.asked[0][0].reference is None
    assert seeing.asked[0][0].reference == "sad"


def test_what_a_plug_in_raises_becomes_a_failure_and_the_run_goes_on() -> None:
    def moody(requests: Sequence[Request]) -> Sequence[Answer]:
        if requests[0].clip_id == "b":
            raise ZeroDivisionError("oops")
        if requests[0].clip_id == "c":
            raise InferenceError("timeout", "no answer within 5 s")
        return happy(requests)

    records = run(Scripted(moody), ["a", "b", "c", "d"])

    assert [r.outcome.value for r in records] == ["LABEL", "FAILURE", "FAILURE", "LABEL"]
    assert [r.failure.kind for r in records if r.failure] == ["backend_error", "timeout"]


def test_one_bad_clip_does_not_take_its_batch_along() -> None:
    def fragile(requests: Sequence[Request]) -> Sequence[Answer]:
        if any(request.clip_id == "b" for request in requests):
            raise InferenceError("inference", "can't")
        return happy(requests)

    backend = Scripted(fragile, can=Capabilities(max_batch=3))
    records = run(backend, ["a", "b", "c"], LoadPlan(batch_size=3, in_flight=1, window=3, warmup_clips=0))

    assert [(r.clip.id, r.outcome.value, r.attempts) for r in records] == [
        ("a", "LABEL", 2),
        ("b", "FAILURE", 2),
        ("c", "LABEL", 2),
    ]


def test_a_backend_that_answers_too_little_is_not_believed() -> None:
    records = run(Scripted(lambda requests: []), ["a"])

    assert records[0].failure is not None
    assert records[0].failure.kind == "protocol"


def test_a_lost_backend_ends_the_run() -> None:
    def lost(requests: Sequence[Request]) -> Sequence[Answer]:
        raise BackendLost("the endpoint is gone")

    with pytest.raises(BackendLost):
        run(Scripted(lost), ["a", "b"])
    with pytest.raises(BackendLost):
        run(Scripted(lost), ["a", "b"], LoadPlan(batch_size=1, in_flight=4, window=1, warmup_clips=0))


def test_as_many_calls_are_open_as_the_plan_says() -> None:
    backend = Scripted(happy, can=Capabilities(max_in_flight=5))

    records = run(
        backend, [f"c{i}" for i in range(40)], LoadPlan(batch_size=1, in_flight=5, window=1, warmup_clips=0)
    )

    assert backend.most_open_calls == 5
    assert len(records) == 40


def test_single_stream_asks_for_one_clip_at_a_time_whatever_the_backend_could_do() -> None:
    backend = Scripted(happy, can=Capabilities(max_batch=8, max_in_flight=4))

    run(backend, [f"c{i}" for i in range(20)])

    assert backend.most_open_calls == 1
    assert {len(requests) for requests in backend.asked} == {1}


def test_a_stop_finishes_what_is_in_flight_and_begins_nothing_new() -> None:
    records: list[Record] = []

    async def drive() -> None:
        backend = Scripted(happy)
        plan = plan_load(LoadConfig(), backend.capabilities)

        def on_record(record: Record) -> None:
            records.append(record)
            if len(records) == 3:
                loop.stop.set()

        loop = RunLoop(backend=backend, source=Silence(), plan=plan, on_record=on_record)
        await loop.run([Clip(id=f"c{i}") for i in range(100)])

    asyncio.run(drive())

    assert len(records) == 3


def test_warm_up_leaves_no_record() -> None:
    records: list[Record] = []
    backend = Scripted(happy)

    async def drive() -> None:
        plan = plan_load(LoadConfig(warmup_clips=4), backend.capabilities)
        loop = RunLoop(backend=backend, source=Silence(), plan=plan, on_record=records.append)
        await loop.warm_up([Clip(id=f"c{i}") for i in range(10)])

    asyncio.run(drive())

    assert len({request.clip_id for asked in backend.asked for request in asked}) == 4
    assert records == []


def test_warm_up_asks_about_the_longest_clip_and_ends_with_the_largest_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lengths = {f"c{i:02d}": 1600 + 160 * (i * 7 % 50) for i in range(50)}

    class Lengths(Silence):
        def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:
            if clip.id == "c09":
                raise AudioError("truncated", "ends early")
            return Waveform(samples=np.zeros(lengths[clip.id], dtype=np.float32))

    backend = Scripted(happy, can=Capabilities(max_batch=16, max_in_flight=2))

    async def drive() -> None:
        plan = plan_load(LoadConfig(schedule="offline"), backend.capabilities)
        loop = RunLoop(backend=backend, source=Lengths(), plan=plan, on_record=lambda record: None)
        # Sizes that say little of lengths, as those of compressed files do.
        await loop.warm_up([Clip(id=name, size_bytes=1000 + lengths[name] % 977) for name in lengths])

    asyncio.run(drive())

    longest = max(length for name, length in lengths.items() if name != "c09")
    asked = {request.clip_id for call in backend.asked for request in call}
    assert len(asked) == 8
    assert max(lengths[name] for name in asked) >= longest - 160
    for call in backend.asked[-2:]:
        assert len(call) == 16
        assert max(lengths[request.clip_id] for request in call) == max(lengths[name] for name in asked)


@pytest.mark.parametrize(("in_flight", "side_by_side"), [(3, 3), (64, 16), (1, 0)])
def test_an_offline_warm_up_ends_with_whole_batches_at_once(in_flight: int, side_by_side: int) -> None:
    under_way, most = 0, 0

    class Counting(Scripted):
        async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.001)
            under_way -= 1
            return await super().recognize(requests)

    backend = Counting(happy, can=Capabilities(max_batch=4, max_in_flight=in_flight))

    async def drive() -> None:
        plan = plan_load(LoadConfig(schedule="offline"), backend.capabilities)
        loop = RunLoop(backend=backend, source=Silence(), plan=plan, on_record=lambda record: None)
        await loop.warm_up([Clip(id=f"c{i}") for i in range(10)])

    asyncio.run(drive())

    assert most == max(side_by_side, 1)
    at_last = backend.asked[len(backend.asked) - side_by_side :]
    assert [len(asked) for asked in at_last] == [4] * side_by_side


@pytest.mark.parametrize(
    "answer", [None, {"label": "happy"}, Prediction(label="joy"), Prediction(forced="unknown")]
)
def test_an_answer_that_can_not_be_scored_is_a_failure_of_its_clip(answer: Answer) -> None:
    records = run(Scripted(lambda requests: [answer]), ["a", "b"])

    assert [r.failure.kind for r in records if r.failure] == ["protocol", "protocol"]


def test_calls_are_numbered_and_timed_and_clips_of_one_call_share_them() -> None:
    backend = Scripted(happy, can=Capabilities(max_batch=2))
    records = run(backend, ["a", "b", "c"], LoadPlan(batch_size=2, in_flight=1, window=2, warmup_clips=0))

    assert [r.call for r in records] == [0, 0, 1]
    assert records[0].sent_s == records[1].sent_s
    assert records[0].sent_s is not None
    assert records[2].sent_s is not None
    assert 0 <= records[0].sent_s < records[2].sent_s


def test_errors_of_several_open_calls_end_the_run_once(recwarn: pytest.WarningsRecorder) -> None:
    def lost(requests: Sequence[Request]) -> Sequence[Answer]:
        raise BackendLost("gone")

    with pytest.raises(BackendLost):
        run(
            Scripted(lost),
            [f"c{i}" for i in range(20)],
            LoadPlan(batch_size=1, in_flight=6, window=1, warmup_clips=0),
        )

    assert not recwarn.list


def test_each_clips_language_is_told_where_the_backend_knows_it() -> None:
    can = Capabilities(adjusts=("language",), languages=("auto", "zh"))
    backend = Scripted(happy, can=can)
    spoken = {"a": "zh-CN", "b": "de", "c": None}

    async def drive() -> None:
        plan = plan_load(LoadConfig(language="clip"), can)
        loop = RunLoop(backend=backend, source=Silence(), plan=plan, on_record=lambda _: None)
        await loop.run([Clip(id=name, language=language) for name, language in spoken.items()])

    asyncio.run(drive())

    told = {asked.clip_id: asked.adjustments.language for batch in backend.asked for asked in batch}
    assert told == {"a": "zh", "b": None, "c": None}


def test_a_backend_that_takes_no_language_is_told_none() -> None:
    with pytest.raises(ConfigError, match=r"load\.language=clip.*backend\.language"):
        plan_load(LoadConfig(language="clip"), Capabilities())
