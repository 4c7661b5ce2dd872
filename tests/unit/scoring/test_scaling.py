"""What was planted is found, and a calibration file is applied to its own model and to other speakers alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sv_eval.errors import ConfigError
from sv_eval.record_file.bare_table import bare_table
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.score_table import ScoreTable
from sv_eval.record_file.texts import Texts
from sv_eval.report.calibration_file import (
    CalibratedModel,
    CalibrationFile,
    FittedOn,
    calibration_from,
)
from sv_eval.report.codec import as_json
from sv_eval.scoring.calibration.applying import calibrated, clip_digest, with_confidence
from sv_eval.scoring.calibration.folds import folds_of
from sv_eval.scoring.calibration.scaling import Scaling, temperature_of, vector_of
from sv_eval.scoring.judging_files import JudgingFiles


def planted(n: int, factor: float, seed: int = 0) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Scores that are too sure by a factor on the logit, and what came true."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0.0, 1.5, (n, 4))
    truth = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    told = np.exp(factor * logits) / np.exp(factor * logits).sum(axis=1, keepdims=True)
    return told.round(6), np.array([rng.choice(4, p=row) for row in truth])


def test_a_planted_temperature_is_found() -> None:
    found = [temperature_of(*planted(500, 2.0, seed)) for seed in range(20)]

    assert np.mean(found) == pytest.approx(2.0, rel=0.05)
    assert np.std(found) < 0.25


def test_temperature_one_changes_nothing_but_what_is_below_the_floor() -> None:
    scores = np.array([[0.7, 0.2, 0.1], [0.5, 0.25, 0.25]])

    assert Scaling.of_temperature(1.0, 3).applied(scores) == pytest.approx(scores, abs=1e-12)


def test_vector_scaling_finds_an_emotion_that_is_said_too_easily() -> None:
    scores, reference = planted(2000, 1.0)
    tilted = scores * np.array([4.0, 1.0, 1.0, 1.0])
    tilted /= tilted.sum(axis=1, keepdims=True)

    found = vector_of(tilted, reference, temperature_of(tilted, reference))

    assert found.biases[0] - found.biases[1:].mean() == pytest.approx(-np.log(4), abs=0.2)
    rows = np.arange(len(scores))
    loss = [-np.log(np.maximum(each[rows, reference], 1e-6)).mean() for each in (tilted, found.applied(tilted))]
    assert loss[1] < loss[0] - 0.05


def test_names_that_no_clip_is_of_are_not_fitted() -> None:
    scores, reference = planted(300, 1.5)
    more = np.column_stack([0.9 * scores, np.full(len(scores), 0.1)])

    found = vector_of(more, reference, 1.25)

    assert (found.weights[4], found.biases[4]) == (0.8, 0.0)


def test_all_clips_of_a_speaker_are_in_one_part_and_parts_are_of_a_size() -> None:
    unit = np.repeat(np.arange(11), [40, 5, 5, 5, 5, 10, 10, 10, 10, 20, 20])

    part = folds_of(unit)

    assert all(len(set(part[unit == one].tolist())) == 1 for one in range(11))
    assert np.bincount(part).tolist() == [40, 25, 25, 25, 25]


FILE = CalibrationFile(
    method="temperature",
    weights={"happy": 0.5, "sad": 0.5},
    biases={"happy": 0.0, "sad": 0.0},
    temperature=2.0,
    labels=("happy", "sad"),
    model=CalibratedModel(backend="onnx", model="m", model_hash="abc", precision=None),
    fitted_on=FittedOn(
        dataset="d", corpus="emodb", dataset_hash="h", split="all", records_hash="r", n_clips=1, speakers=("s9",),
        clips=(clip_digest("c9"),),
    ),
    folds=5,
    held_out={},
)  # fmt: skip


def table(clip: str = "c1", speaker: str | None = "s1") -> Any:
    made = bare_table(
        (clip,),
        reference=np.array([0], np.int8),
        predicted=np.array([1], np.int8),
        forced=np.array([1], np.int8),
        speaker=np.array([-1 if speaker is None else 0], np.int32),
        speakers=() if speaker is None else (speaker,),
    )
    return replace(made, confidence=np.array([0.8]))


def environment_with(bare: Any, *, model: str = "m", model_hash: str | None = "abc", card: str = "emodb") -> Any:
    backend = replace(bare.backend, model=model, model_hash=model_hash)
    return replace(bare, backend=backend, dataset=replace(bare.dataset, card=card, identity=card, hash="other"))


def refused(environment: Any, answers: Any) -> None:
    files = JudgingFiles(calibration=FILE, thresholds=None)
    files.refuse_strangers(environment.backend, environment.dataset, answers.speakers, answers.clip_ids)


def test_confidence_becomes_the_calibrated_score_of_the_answer_and_the_answer_stays() -> None:
    scores = ScoreTable(clip_ids=Texts.of(["c1"]), names=("happy", "sad"), values=np.array([[0.2, 0.8]]))

    found = with_confidence(RunRecords(answers=table(), requests=table()), calibrated(FILE, scores))

    assert found.answers.confidence.tolist() == pytest.approx([2 / 3])
    assert found.answers.predicted.tolist() == [1]


def test_scores_of_other_names_are_refused() -> None:
    scores = ScoreTable(clip_ids=Texts.of(["c1"]), names=("happy", "angry"), values=np.array([[0.2, 0.8]]))

    with pytest.raises(ConfigError, match="of scores for happy, sad, and this run has some for happy, angry"):
        calibrated(FILE, scores)


@pytest.mark.parametrize(
    ("more", "words"),
    [({"model": "n", "model_hash": None}, "the model m"), ({"model_hash": "x"}, "weights abc")],
)
def test_another_model_is_refused(more: dict[str, Any], words: str, bare_environment: Any) -> None:
    with pytest.raises(ConfigError, match=words):
        refused(environment_with(bare_environment, **more), table())


def test_the_same_weights_under_another_name_are_the_same_model(bare_environment: Any) -> None:
    refused(environment_with(bare_environment, model="n"), table())


def test_speakers_and_clips_that_it_was_fitted_on_are_refused(bare_environment: Any) -> None:
    here = environment_with(bare_environment)

    with pytest.raises(ConfigError, match="fitted on s9, speakers of this run"):
        refused(here, table(speaker="s9"))
    with pytest.raises(ConfigError, match="fitted on clips of this run, c9"):
        refused(here, table(clip="c9", speaker=None))


def test_a_speaker_of_the_same_name_in_another_corpus_is_somebody_else(bare_environment: Any) -> None:
    refused(environment_with(bare_environment, card="esd"), table(speaker="s9"))


def test_a_file_is_read_back_as_it_was_written() -> None:
    assert calibration_from(as_json(FILE)) == FILE


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "x"}, "no calibration file"),
        ({"schema_version": 9}, "schema_version 9"),
        ({"biases": {}}, "same names"),
    ],
)
def test_what_is_no_calibration_file_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        calibration_from({**as_json(FILE), **change})
