"""A part of a table shows what the whole shows of its records, and scores like them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sv_eval.record_file.rows import OUTCOMES
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.table import RecordTable
from sv_eval.record_file.texts import Texts
from sv_eval.records import (
    Clip,
    FailedAttempt,
    Failure,
    Outcome,
    Prediction,
    Record,
    Streamed,
    StreamStep,
    as_shared,
)
from sv_eval.report.codec import as_json
from sv_eval.scoring.scorecard import ScoringConfig, score
from sv_eval.sound_facts import SoundFacts

CLIPS = 9
OF_THE_WHOLE = (
    "raw_labels",
    "said_words",
    "speakers",
    "languages",
    "sexes",
    "accents",
    "ballot_sets",
    "emotion_sets",
    "n_repeated",
    "class_codes",
)
"""The fields that are not of single records."""
NAMED_BY = {
    "raw_label": "raw_labels",
    "said": "said_words",
    "speaker": "speakers",
    "language": "languages",
    "sex": "sexes",
    "accent": "accents",
    "ballots": "ballot_sets",
    "emotions": "emotion_sets",
}


def full_record(number: int, number_of_round: int = 0) -> Record:
    """A record that has everything a record of its kind can have, and nothing that another one has."""
    emotion = ("happy", "sad", "angry")[number % 3]
    clip = Clip(
        id=f"c{number}", path=f"w/{number}.wav", reference=emotion if number % 4 else None,
        raw_label=f"raw{number}", speaker=f"s{number}", sex=("female", "male")[number % 2],
        age=20 + number, accent=f"of {number % 3}",
        votes={"happy": 1 + number % 3, "sad": 2} if number % 4 else None,
        raters={"r1": ("happy",), "r2": ("happy", "sad")} if number % 4 == 0 else None,
        emotions=("sad", "happy")[: 1 + number % 2],
        language=("de", "zh", "en")[number % 3], transcript=f"said {number}",
        dimensions={"arousal": 1.0 + number, "valence": 2.0} if number % 3 else None,
    )  # fmt: skip
    measured: dict[str, Any] = {
        "latency_ms": 10.0 + number, "audio_s": 1.0 + number, "batch_size": 1 + number % 2, "session": 1,
        "attempts": 1 + number, "call": number, "sent_s": 0.5 * number, "late_ms": 0.1 * number,
        "marks": (("joined",), ("mixed", "unfinished"), ())[number % 3],
        "sound": SoundFacts(band_hz=1000.0 + number, snr_db=None if number % 2 else 20.0 + number),
        "round": number_of_round, "troubles": (FailedAttempt(kind="timeout", message=f"late {number}"),),
    }  # fmt: skip
    if number % 4 == 3:
        failure = Failure(kind="timeout", message=f"no answer for {number}")
        return Record(clip=clip, outcome=Outcome.FAILURE, failure=failure, **measured)
    label = (emotion, "unknown", None)[(number + number_of_round) % 3]
    prediction = Prediction(
        label=label, raw_label=f"word {number}", forced=emotion,
        confidence=0.01 * number, text=f"heard {number}" if number else "",
        stages_ms={"features": 1.0 + number, f"of_{number % 3}": 2.0},
        tokens={"input": 100 + number, "output": 3} if number % 2 else None, outside=0.01 * number,
        answered_by=f"model-{number}" if number % 2 else None,
        dimensions={"arousal": 0.01 * number} if number % 2 else None,
    )  # fmt: skip
    step = StreamStep(start_s=0.0, end_s=1.0, label=label, scores=None, compute_ms=1.0 + number, emitted_s=1.5)
    streamed = Streamed(steps=(step,), offline_label=emotion)
    record = Record(clip=clip, outcome=prediction.outcome, prediction=prediction, streamed=streamed, **measured)
    return as_shared(record) if number == 5 and not number_of_round else record


def run_of(clips: int = CLIPS) -> RunRecords:
    failed = replace(full_record(3), session=0)
    rounds = [full_record(number, of) for of in range(2) for number in range(clips)]
    # One without anything, so that nothing is told of it.
    bare = Record(clip=Clip(id="bare"), outcome=Outcome.NO_SPEECH, prediction=Prediction(no_speech=True))
    return RunRecords.of_records([failed, *rounds, bare])


def shown(table: RecordTable, place: int) -> dict[str, Any]:
    """What the table shows at a place, field by field, with names instead of codes."""
    return {item.name: shown_in(table, item.name, place) for item in fields(table) if item.name not in OF_THE_WHOLE}


def shown_in(table: RecordTable, name: str, place: int) -> Any:
    value = getattr(table, name)
    if name in ("stages_ms", "sound", "told", "true_dimensions", "dimensions"):
        return {stage: number for stage, column in value.items() if (number := plain(column[place])) is not None}
    if isinstance(value, Mapping):
        return value.get(place)
    if isinstance(value, tuple | Texts):
        return value[place]
    assert len(value) == len(table)
    code = plain(value[place])
    if name in NAMED_BY:
        return None if code == -1 else getattr(table, NAMED_BY[name])[code]
    if name == "reference":
        return table.class_codes.references[code]
    if name in ("predicted", "forced"):
        return None if code == -1 else table.class_codes.answers[code]
    return OUTCOMES[code] if name == "outcome" else code


def plain(value: Any) -> Any:
    number = value.item()
    return None if isinstance(number, float) and math.isnan(number) else number


WHOLE = run_of()


@pytest.mark.parametrize(
    "name",
    [item.name for item in fields(RecordTable) if item.name not in OF_THE_WHOLE],
)
def test_every_field_of_the_records_at_hand_tells_some_of_them_apart(name: str) -> None:
    assert len({repr(shown_in(WHOLE.requests, name, place)) for place in range(len(WHOLE.requests))}) > 1


@given(st.lists(st.booleans(), min_size=CLIPS + 1, max_size=CLIPS + 1))
@example([True] * (CLIPS + 1))
@example([False] * (CLIPS + 1))
@example([False, True] * ((CLIPS + 1) // 2))
def test_a_part_shows_of_every_kept_clip_what_the_whole_shows(kept: list[bool]) -> None:
    hold_to_the_whole(WHOLE.answers, kept)


@given(st.lists(st.booleans(), min_size=2 * CLIPS + 1, max_size=2 * CLIPS + 1))
def test_a_part_of_several_rounds_does_too(kept: list[bool]) -> None:
    hold_to_the_whole(WHOLE.requests, kept)


def hold_to_the_whole(whole: RecordTable, kept: list[bool]) -> None:
    places = np.flatnonzero(kept).tolist()

    part = whole.part(np.array(kept, dtype=np.bool_))

    assert len(part) == len(places)
    assert [shown(part, new) for new in range(len(part))] == [shown(whole, old) for old in places]
    assert all(getattr(part, name) == getattr(whole, name) for name in OF_THE_WHOLE)
    for name in ("failures", "troubles", "streamed", "marks"):
        assert list(getattr(part, name)) == sorted(getattr(part, name))
        assert set(getattr(part, name)) <= set(range(len(part)))


def test_a_part_is_the_table_of_its_records(record: Callable[..., Record]) -> None:
    rng, words = np.random.default_rng(0), ["happy", "sad", "unknown", "failed"]
    records = [
        record(f"c{n:03d}", words[n % 2], words[int(rng.integers(0, 4))], forced="sad", speaker=f"s{n % 4}", call=n)
        for n in range(80)
    ]
    whole = RunRecords.of_records(records).answers
    kept = np.isin(whole.speaker, [whole.speakers.index("s1"), whole.speakers.index("s2")])

    part = whole.part(kept)

    alone = RunRecords.of_records([one for one in records if one.clip.speaker in ("s1", "s2")])
    assert part.clip_ids == alone.answers.clip_ids
    assert part.failures == alone.answers.failures
    assert scored(RunRecords(answers=part, requests=part)) == scored(alone)


def scored(records: RunRecords) -> dict[str, Any]:
    card = score(records, ScoringConfig(resamples=200))
    return as_json({item.name: getattr(card, item.name) for item in fields(card) if item.name != "scope"})
