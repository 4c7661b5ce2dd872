"""Accuracy by what the sound was, and caveats where it is not what speech models are made for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Clip, Outcome, Prediction, Record
from sv_eval.report.sound import Sound
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.scope import scope_of
from sv_eval.scoring.sound import sound_of
from sv_eval.scoring.sound_slices import p_of_difference
from sv_eval.sound_facts import SoundFacts


def record(number: int, *, right: bool = True, speaker: int = 0, **facts: Any) -> Record:
    label = ("sad", "happy")[number % 2]
    answer = label if right else ("happy", "sad")[number % 2]
    return Record(
        clip=Clip(id=f"c{number:04d}", reference=label, speaker=f"s{speaker}"),
        outcome=Outcome.LABEL,
        prediction=Prediction(label=answer, forced=answer),
        audio_s=2.0 + number % 7,
        sound=SoundFacts(**{"band_hz": 8000.0, "pitch_hz": 180.0, **facts}),
    )


def sound(records: list[Record]) -> Sound:
    found = sound_of(scope_of(RunRecords.of_records(records), ScoringConfig()))
    assert found is not None
    return found


def test_a_run_of_before_has_no_sound() -> None:
    old = Record(clip=Clip(id="c"), outcome=Outcome.LABEL, prediction=Prediction(label="sad"))

    assert sound_of(scope_of(RunRecords.of_records([old]), ScoringConfig())) is None


def test_a_noisy_slice_that_does_worse_is_named_and_sure() -> None:
    rng = np.random.default_rng(3)
    snr = rng.uniform(5, 40, 800)
    found = sound(
        [
            record(
                n, right=bool(rng.random() < (0.5 if snr[n] < 12 else 0.9)), speaker=n % 20, snr_db=float(snr[n])
            )
            for n in range(800)
        ]
    )

    assert found.worst is not None
    assert (found.worst.fact, found.worst.place, found.worst.sure) == ("snr_db", 0, True)
    assert found.beyond["noisy"].n == int((snr < 15).sum())


def test_slices_hold_every_scored_clip_once() -> None:
    found = sound([record(n, speaker=n % 5, level_dbfs=-20.0 - n) for n in range(100)])

    for slices in found.slices.values():
        assert sum(one.accuracy.of for one in slices) == 100
        assert [one.low for one in slices][1:] == [one.high for one in slices][:-1]
    assert "duration_s" in found.slices
    assert "band_hz" not in found.slices


def test_emotions_that_sound_different_are_not_held_against_a_slice() -> None:
    # Every sad clip is quiet and wrong: what a quiet slice is expected to have is as low as what it has.
    records = [
        record(n, right=bool(n % 2), speaker=n % 10, level_dbfs=-20.0 - 20 * (n % 2 == 0)) for n in range(200)
    ]

    quiet = sound(records).slices["level_dbfs"][0]

    assert (quiet.accuracy.value, quiet.expected) == (0.0, 0.0)


def test_the_p_value_is_not_too_small_where_only_speakers_differ() -> None:
    rng, alarms = np.random.default_rng(4), 0
    speaker = np.repeat(np.arange(12), 20)
    for _ in range(400):
        inside = (rng.normal(size=12)[speaker] + rng.normal(size=240)) > 0.5
        values = (rng.random(240) < np.clip(0.7 + 0.2 * rng.normal(size=12), 0, 1)[speaker]).astype(float)
        p = p_of_difference(values, inside, speaker)
        alarms += p is not None and p < 0.05

    assert alarms / 400 < 0.075


def test_one_speaker_alone_proves_nothing() -> None:
    values, speaker = np.array([0.0] * 50 + [1.0] * 50), np.array([0] * 50 + [1, 2] * 25)

    assert p_of_difference(values, np.arange(100) < 50, speaker) is None


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"band_hz": 3950.0}, "narrow"), ({"pitch_hz": 390.0}, "fast"), ({"snr_db": 21.0}, "background"),
        ({"level_dbfs": -50.0}, "quiet"), ({"silence": 1.0}, "silent"), ({"tail_s": 1.2, "lead_s": 0.0}, "padded"),
        ({"clipped": 0.02}, "clipped"), ({"dc": -0.05}, "offset"),
    ],
)  # fmt: skip
def test_what_is_beyond_a_limit_is_counted_with_the_first_clip(facts: dict[str, float], code: str) -> None:
    found = sound([record(n, **(facts if n >= 3 else {"lead_s": 0.0, "tail_s": 0.0})) for n in range(10)])

    assert set(found.beyond) == {code}
    assert (found.beyond[code].n, found.beyond[code].example) == (7, "c0003")


def test_loud_noise_is_counted_under_both_limits_of_the_snr() -> None:
    found = sound([record(n, snr_db=9.0 if n >= 3 else 35.0) for n in range(10)])

    assert {word: each.n for word, each in found.beyond.items()} == {"noisy": 7, "background": 7}


def test_a_few_clips_without_a_pause_are_no_background_noise() -> None:
    assert sound([record(n, snr_db=18.0 if n < 4 else 34.0) for n in range(10)]).beyond == {}


def test_a_few_high_voices_are_no_sign_of_double_speed() -> None:
    assert sound([record(n, pitch_hz=400.0 if n < 4 else 200.0) for n in range(10)]).beyond == {}
