from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import UNSET

from sv_eval.record_file.as_json import record_to_json
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Clip, Prediction, Record, Streamed, StreamStep
from sv_eval.report.streaming import Agreement, LabelFlips, Streaming
from sv_eval.scoring.streaming import streaming_of


def line(
    name: str,
    labels: list[str | None],
    *,
    offline: str = "sad",
    compute_ms: float = 100.0,
    session: int = 0,
    turn: int = 0,
    **final: Any,
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
        round=turn,
        streamed=Streamed(steps=steps, offline_label=offline, **final),
    )
    return json.dumps(record_to_json(record))


def scores(*lines: str, timeout_ms: float | None = None) -> Streaming:
    return streaming_of(RunRecords.of_lines(lines).requests, confidence=0.95, timeout_ms=timeout_ms)


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


def test_clips_that_nobody_asked_about_whole_agree_with_nothing() -> None:
    found = scores(line("a", ["sad"], whole_asked=False), line("b", ["sad"], whole_asked=False))

    assert found.agreement_with_offline == Agreement(value=None, n=0)


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


def test_streams_of_all_rounds_count() -> None:
    lines = [
        line(f"c{n:02}", ["sad"], turn=turn, final_s=1.2 + turn, final_label="sad")
        for turn in range(3)
        for n in range(10)
    ]

    found = scores(*lines)

    assert found.n == 30
    assert found.final
    assert found.final.n == 30
    assert found.final.after_audio_ms.p50.value == pytest.approx(1200)


def test_final_answers_have_figures_of_their_own_and_those_too_late_are_counted() -> None:
    # Clips of 2 s: the last step at 2.1 s, the final answer 50 to 249 ms after, in half of them speech to 1.5 s.
    lines = [
        line(
            f"c{n:03}", ["sad", "sad"], final_s=2.15 + n / 1000, final_label="happy" if n < 20 else "sad",
            speech_end_s=1.5 if n % 2 else None,
        )
        for n in range(200)
    ]  # fmt: skip

    found = scores(*lines, timeout_ms=700.0)

    final = found.final
    assert final
    assert (final.n, final.n_speech_known, final.differs.n) == (200, 100, 20)
    assert final.last_partial_ms.p50.value == pytest.approx(100)
    assert final.after_partial_ms.p50.value == pytest.approx(149)
    assert final.after_audio_ms.p50.value == pytest.approx(249)
    assert final.after_audio_ms.p95.value == pytest.approx(339)
    assert final.after_speech_ms.p95.value == pytest.approx(829)
    # Of those with 500 ms of silence at the end, all whose answer comes more than 200 ms after the audio.
    assert final.too_late
    assert (final.too_late.n, final.too_late.of) == (sum(150 + n > 200 for n in range(1, 200, 2)), 200)
    assert found.agreement_with_offline.value == pytest.approx(0.9)


def test_where_only_the_final_answer_has_the_label_that_stayed_it_was_stable_then() -> None:
    found = scores(*[line(f"c{n}", ["sad", "sad"], final_s=2.7, final_label="happy") for n in range(30)])

    assert found.time_to_stable_label_s.p50.value == pytest.approx(2.7)


def test_records_that_tell_of_steps_alone_have_no_figures_of_a_final_answer() -> None:
    assert scores(line("a", ["sad"])).final is UNSET
