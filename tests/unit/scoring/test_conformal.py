"""Sets of emotions: those of a well-known library, and the coverage that unseen speakers have."""

from __future__ import annotations

import crepes
import numpy as np
import pytest

from sv_eval.record_file.texts import Texts
from sv_eval.scoring.calibration.judging import JudgedScores
from sv_eval.scoring.conformal import WANTED, conformal_of, thresholds_for

LABELS = ("angry", "neutral", "sad")


def corpus(seed: int, speakers: int = 20, each: int = 40, spread: float = 0.0) -> JudgedScores:
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(speakers), each)
    reference = rng.integers(0, 3, len(unit))
    logits = (
        rng.normal(0, 1, (len(unit), 3))
        + 1.5 * np.eye(3)[reference]
        + spread * rng.normal(0, 1, (speakers, 3))[unit]
    )
    values = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return JudgedScores(
        clip_ids=Texts.of(map(str, range(len(unit)))),
        labels=LABELS,
        names=LABELS,
        values=values,
        reference=reference,
        answer=values.argmax(axis=1),
        unit=unit,
        speaker=unit.astype(np.int32),
        speakers=tuple(map(str, range(len(unit)))),
        audio_s=np.full(len(unit), 3.0),
    )


def test_sets_are_those_of_crepes() -> None:
    seen, new = corpus(0), corpus(1)
    conformal = crepes.ConformalClassifier()
    conformal.fit(1 - seen.values[np.arange(len(seen.reference)), seen.reference], bins=seen.reference)
    columns = [
        conformal.predict_p(
            1 - new.values[:, [label]], bins=np.full(len(new.unit), label), smoothing=False, classes=np.arange(1)
        )
        for label in range(3)
    ]
    p_values = np.concatenate(columns, axis=1)

    ours = new.values >= thresholds_for(seen.values, seen.reference, 0.9)

    assert np.array_equal(ours, p_values > 0.1)


def test_coverage_is_what_is_wanted_where_speakers_are_alike_and_told_where_they_are_not() -> None:
    alike = conformal_of(corpus(3, speakers=60), 0.95)
    apart = conformal_of(corpus(3, speakers=60, spread=2.0), 0.95)

    assert alike is not None
    assert apart is not None
    assert alike.coverage.value == pytest.approx(WANTED, abs=0.02)
    assert alike.coverage.low < WANTED < alike.coverage.high  # type: ignore[operator]
    assert alike.size.value < apart.size.value  # type: ignore[operator]
    for one in (alike, apart):
        assert {*one.per_emotion} == {*LABELS}
        assert one.single.n + one.empty.n <= one.n


def test_too_few_clips_leave_nothing_out() -> None:
    few = corpus(0, speakers=2, each=6)

    assert thresholds_for(few.values, few.reference, 0.9).tolist() == [0.0, 0.0, 0.0]
    found = conformal_of(few, 0.95)
    assert found is not None
    assert (found.coverage.value, found.size.value) == (1.0, 3.0)


def test_one_speaker_can_not_be_held_out() -> None:
    assert conformal_of(corpus(0, speakers=1), 0.95) is None
    assert conformal_of(None, 0.95) is None


@pytest.mark.parametrize("wanted", [0.6, 0.8, 0.95])
def test_sets_hold_the_right_one_as_often_as_is_asked_for(wanted: float) -> None:
    found = conformal_of(corpus(3, speakers=60), 0.95, wanted)

    assert found is not None
    assert found.wanted == wanted
    assert found.coverage.value == pytest.approx(wanted, abs=0.03)
