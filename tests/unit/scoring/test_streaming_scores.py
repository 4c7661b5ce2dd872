from __future__ import annotations

import json

import pytest

from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Clip, Prediction, Record, Streamed, StreamStep, record_to_json
from sv_eval.report.streaming import Agreement, LabelFlips, Streaming
from sv_eval.scoring.streaming import streaming_of


def line(
    name: str, labels: list[str | None], *, offline: str = "sad", compute_ms: float = 100.0, session: int = 0
) -> str:
    steps = tuple(
        StreamStep(
            start_s=n, end_s=n + 1, label=label, scores={"sad": 1.0}, compute_ms=compute_ms, emitted_s=n + 1.1
        )
        for n, label in enumerate(labels)
    )
    prediction = Prediction(label=labels[-1])
    record = Record(
        clip=Clip(id=name, reference="sad"),
        outcome=prediction.outcome,
        prediction=prediction,
        latency_ms=compute_ms,
        audio_s=float(len(labels)),
        session=session,
        streamed=Streamed(steps=steps, offline_label=offline),
    )
    return json.dumps(record_to_json(record))


def scores(*lines: str) -> Streaming:
    return streaming_of(RunRecords.of_lines(lines).requests, confidence=0.95)


def test_times_flips_and_agreement_are_those_of_the_steps() -> None:
    lines = [line(f"c{n:02}", ["happy", "sad", "sad"]) for n in range(20)]
    lines += [line(f"d{n:02}", [None, "happy"]) for n in range(20)]

    found = scores(*lines)

    assert (found.n, found.n_chunks, found.never_labelled) == (40, 100, 0)
    assert found.time_to_first_emotion_s.p50.value == pytest.approx(1.1)
    assert found.time_to_stable_label_s.p50.value == pytest.approx(2.1)
    assert found.flips == LabelFlips(mean=0.5, max=1, clips_without=20)
    assert found.agreement_with_offline == Agreement(value=0.5, n=40)
    assert found.compute_rtf == pytest.approx(0.1)
    assert found.example is not None
    assert found.example.clip == "c00"


def test_too_few_clips_give_a_reason_instead_of_a_percentile() -> None:
    found = scores(line("a", ["sad"]))

    assert found.time_to_first_emotion_s.p95.value is None
    assert "n too small" in str(found.time_to_first_emotion_s.p95.reason)


def test_a_later_start_s_stream_counts_in_place_of_a_failure() -> None:
    failed = json.dumps({"clip": {"id": "a"}, "outcome": "FAILURE", "failure": {"kind": "x", "message": "y"}})

    assert scores(failed).n == 0
    assert scores(failed, line("a", ["sad"], session=1)).n == 1


def test_a_clip_that_never_got_a_label_is_counted_as_such() -> None:
    found = scores(line("a", [None, None]))

    assert found.never_labelled == 1
    assert found.flips.mean == 0
