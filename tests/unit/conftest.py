"""Small records, and what they may have been measured with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sv_eval.backend import Capabilities
from sv_eval.emotions import EMOTIONS
from sv_eval.records import Clip, Failure, Outcome, Prediction, Record
from sv_eval.report.environment import (
    CorpusFacts,
    CorpusLabels,
    Environment,
    Git,
    Machine,
    MeasuredBackend,
    Start,
)


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


@pytest.fixture(scope="session")
def environment_of() -> Callable[..., Environment]:
    """Makes the environment of a run on a small machine; keywords replace its fields."""
    machine = Machine(cpu="A CPU", cores=2, memory_gib=8.0, system="Linux", python="3.11")
    begun, packages, git = "2026-01-01T00:00:00+00:00", {"numpy": "2.0"}, Git()
    start = Start(
        session=0, started_at=begun, wall_s=1.5, ended="finished", machine=machine, packages=packages, git=git
    )
    corpus = CorpusFacts(
        name="made", card=None, title="Made", hash="d1", split="all", n_clips=1, language=None, licence="CC0-1.0",
        citation=None, label_order=EMOTIONS, label_map=CorpusLabels(name="made", version=1, hash="m1"),
    )  # fmt: skip
    whole = Environment(
        started_at=begun,
        config_hash="c0ffee",
        settings={},
        config={"load": {"schedule": "single_stream"}},
        sessions=(start,),
        dataset=corpus,
        backend=MeasuredBackend(name="fake", model="simulated", capabilities=Capabilities()),
        machine=machine,
        packages=packages,
        git=git,
    )

    def make(**changes: Any) -> Environment:
        return replace(whole, **changes)

    return make
