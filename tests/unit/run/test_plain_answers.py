"""What a backend answers is plain values, or a failure that says which field is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sv_eval.backend import Answer, Request, StreamUpdate
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import FailedAttempt, Failure, Passage, Prediction, Segment, Waveform
from sv_eval.run.evaluate import evaluate
from sv_eval.run.event_loop import finished
from sv_eval.run.guard import Guard
from sv_eval.run.plain_answers import plain_update
from tests.unit.run.hostile import CLIPS, HAPPY, STREAMED, Hostile, request, settings


def answered(*answers: object, requests: int = 1) -> list[Answer]:
    async def recognise(_: Sequence[Request]) -> Any:
        return list(answers)

    return list(finished(Guard(recognise).ask([request() for _ in range(requests)])))


# What their types forbid is what these are about.
says: Any = Prediction
segment: Any = Segment
passage: Any = Passage
trouble: Any = FailedAttempt
fails: Any = Failure
PLAIN: list[tuple[Prediction, dict[str, Any]]] = [
    (says(label="sad", confidence=np.float32(0.5)), {"confidence": 0.5}),
    (says(label="sad", confidence=np.int64(1)), {"confidence": 1}),
    (
        says(label="sad", scores={"sad": np.float32(0.25), "happy": 0.75}),
        {"scores": {"sad": 0.25, "happy": 0.75}},
    ),
    (says(label=np.str_("sad")), {"label": "sad"}),
    (says(label="sad", text=np.str_("so")), {"text": "so"}),
    (says(label="sad", stages_ms={"inference": np.float64(2)}), {"stages_ms": {"inference": 2.0}}),
    (says(no_speech=np.bool_(True)), {"no_speech": True}),
    (
        says(label="sad", segments=[segment(start_s=np.float32(0), end_s=np.int32(1))]),
        {"segments": (segment(start_s=0.0, end_s=1),)},
    ),
]


@pytest.mark.parametrize(("given", "values"), PLAIN)
def test_numbers_of_numpys_become_pythons_where_nothing_is_lost(given: Prediction, values: dict[str, Any]) -> None:
    (answer,) = answered(given)

    assert isinstance(answer, Prediction)
    for name, value in values.items():
        found = getattr(answer, name)
        assert found == value
        assert type(found) is type(value)
        if isinstance(value, dict):
            assert {type(one) for one in found.values()} == {float}


STRANGE: list[tuple[Any, str]] = [
    (says(label="sad", confidence="0.9"), "confidence: a finite number is expected, not str '0.9'"),
    (says(label="sad", confidence=float("nan")), "confidence: a finite number is expected, not float nan"),
    (says(label="sad", confidence=np.float32("inf")), "confidence: a finite number is expected"),
    (says(label="sad", confidence=np.longdouble(1) / 3), "confidence: a finite number is expected"),
    (says(label="sad", confidence=True), "confidence: a finite number is expected, not bool True"),
    (says(label="sad", confidence=37.5), "confidence is 37.5; a posterior lies between 0 and 1"),
    (says(label="sad", scores={"sad": float("nan")}), "scores['sad']: a finite number is expected"),
    (says(label="sad", scores={"sad": "1"}), "scores['sad']: a finite number is expected, not str '1'"),
    (says(label="sad", scores={7: 1.0}), "a name in scores: text is expected, not int 7"),
    (says(label="sad", scores=[0.5, 0.5]), "scores: numbers by name are expected, not list"),
    (says(label="sad", text=b"words"), "text: text is expected, not bytes b'words'"),
    (says(label="sad", text=object()), "text: text is expected, not object"),
    (says(label="sad", language=7), "language: text is expected, not int 7"),
    (says(label="sad", event=["Laughter"]), "event: text is expected, not list"),
    (says(label=["sad"]), "the answer's label: text is expected, not list"),
    (says(label="sadd"), "the answer's label 'sadd' is no emotion name; did you mean sad"),
    (says(label="sad", forced=b"sad"), "the forced label: text is expected"),
    (says(label="sad", no_speech=True), "found no speech, and has the label 'sad'"),
    (says(label="sad", no_speech="no"), "no_speech: true or false is expected, not str 'no'"),
    (says(label="sad", segments=({"start_s": 0},)), "segments[0]: a Segment is expected, not dict"),
    (
        says(label="sad", segments=(segment(start_s=0, end_s=float("nan")),)),
        "segments[0].end_s: a finite number",
    ),
    (says(label="sad", segments="all"), "segments: a tuple is expected, not str 'all'"),
    (says(label="sad", stages_ms={"x": float("inf")}), "stages_ms['x']: a finite number"),
    (says(label="sad", passage=passage(begin_s=0, latency_ms=float("nan"))), "passage.latency_ms: a finite"),
    (says(label="sad", passage=passage(begin_s=0, latency_ms=1, attempts="2")), "passage.attempts: a whole"),
    (
        says(label="sad", passage=passage(begin_s=0, latency_ms=1, troubles=(trouble(kind=1, message=""),))),
        "a trouble's kind: text is expected",
    ),
    (fails(kind="odd", message=b"why"), "the failure's message: text is expected, not bytes b'why'"),
    (fails(kind=None, message=""), "the failure's kind: text is expected, not NoneType"),
    ({"label": "sad"}, "a Prediction or a Failure is expected, not dict"),
    (None, "a Prediction or a Failure is expected, not NoneType"),
]


@pytest.mark.parametrize(("given", "words"), STRANGE, ids=[words for _, words in STRANGE])
def test_what_can_not_be_kept_is_a_failure_that_says_which_field_and_what_it_was(given: Any, words: str) -> None:
    (answer, other) = answered(given, HAPPY, requests=2)

    assert isinstance(answer, Failure)
    assert answer.kind == "protocol"
    assert words in answer.message
    assert other == HAPPY


@pytest.mark.parametrize("answers", [[], [HAPPY, HAPPY], None, "happy", {"a": HAPPY}, 7])
def test_anything_but_an_answer_for_each_request_fails_the_call(answers: Any) -> None:
    async def recognise(_: Sequence[Request]) -> Any:
        return answers

    (answer,) = finished(Guard(recognise).ask([request()]))

    assert isinstance(answer, Failure)
    assert answer.kind == "protocol"


def test_a_backend_that_empties_its_list_of_requests_is_asked_for_all_of_them() -> None:
    async def recognise(requests: Any) -> Any:
        requests.clear()
        return [HAPPY, HAPPY]

    assert finished(Guard(recognise).ask([request(), request()])) == [HAPPY, HAPPY]


def test_nobody_writes_into_what_others_hear() -> None:
    samples = np.ones(1600, np.float32)
    waveform = Waveform(samples=samples)

    async def recognise(requests: Sequence[Request]) -> Any:
        requests[0].waveform.samples[:] = 0
        return [HAPPY]

    (answer,) = finished(Guard(recognise).ask([Request(clip_id="a", waveform=waveform)]))

    assert isinstance(answer, Failure)
    assert "read-only" in answer.message
    assert (waveform.samples == 1).all()
    assert samples.flags.writeable


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"label": "sadd"}, "the update's label 'sadd' is no emotion name"),
        ({"end_s": float("nan")}, "the update's end_s: a finite number"),
        ({"compute_ms": "1"}, "the update's compute_ms: a finite number"),
        ({"scores": [1.0]}, "the update's scores: numbers by name"),
        ({"chunk_scores": {"sad": "1"}}, "the update's chunk_scores['sad']: a finite number"),
    ],
)
def test_what_a_stream_tells_on_the_way_is_looked_at_too(
    change: dict[str, Any], words: str, tmp_path: Path
) -> None:
    told = {"start_s": 0.0, "end_s": 1.0, "label": None, "scores": None, "chunk_scores": None, "compute_ms": 1.0}

    class Telling(Hostile):
        async def stream(self, chunks: Any, *, callback: Callable[..., None], **_: Any) -> Prediction:
            callback(StreamUpdate(**(told | change)))
            # Late, when nobody listens any more.
            asyncio.get_running_loop().call_later(0.001, callback, None)
            return HAPPY

    evaluate(settings(*STREAMED), Telling(streams=True), tmp_path / "run")

    failures = RunRecords.read(tmp_path / "run").answers.failures
    assert len(failures) == CLIPS
    assert all(kind == "protocol" and words in message for kind, message in failures.values())


def test_a_stream_that_goes_on_with_the_same_scores_changes_none_that_it_told() -> None:
    scores = {"sad": 0.25}
    told = StreamUpdate(start_s=0.0, end_s=1.0, label=None, scores=scores, chunk_scores=None, compute_ms=1.0)

    update = plain_update(told)
    scores["sad"] = 0.75

    assert update.scores == {"sad": 0.25}
