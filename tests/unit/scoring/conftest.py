"""Small records for the tests of scoring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sv_eval.records import Clip, Failure, Outcome, Prediction, Record


def make_record(
    clip_id: str,
    reference: str | None,
    answer: str | None,
    *,
    forced: str | None = None,
    speaker: str | None = None,
    confidence: float | None = None,
    transcript: str | None = None,
    **more: Any,
) -> Record:
    """A record whose answer is a label, `unknown`, `no_speech`, `failed`, or None for no tag."""
    clip = Clip(id=clip_id, path=f"{clip_id}.wav", reference=reference, speaker=speaker, transcript=transcript)
    more = {"latency_ms": 50.0, "audio_s": 2.0} | more
    if answer == "failed":
        failure = Failure(kind="timeout", message=f"no answer for {clip_id}")
        return Record(clip=clip, outcome=Outcome.FAILURE, failure=failure, **more)
    no_speech = answer == "no_speech"
    prediction = Prediction(
        label=None if no_speech else answer, forced=forced, confidence=confidence, no_speech=no_speech
    )
    return Record(clip=clip, outcome=prediction.outcome, prediction=prediction, **more)


@pytest.fixture(name="record", scope="session")
def record_fixture() -> Callable[..., Record]:
    """Makes a record of clip id, reference and answer."""
    return make_record


@pytest.fixture
def records(record: Callable[..., Record]) -> list[Record]:
    """One record of each outcome."""
    return [
        record("b", "sad", "unknown", forced="sad", speaker="2", confidence=0.4),
        record(
            "a",
            "happy",
            "happy",
            forced="happy",
            speaker="1",
            confidence=1 / 3,
            transcript="hello",
            call=0,
            sent_s=1 / 3,
        ),
        record("c", None, None),
        record("d", "other", "no_speech"),
        record("e", "angry", "failed", attempts=3),
    ]
