"""What is answered under a calibration and thresholds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import UNSET

from sv_eval.backend import BackendInfo, Capabilities, StreamUpdate
from sv_eval.errors import ConfigError
from sv_eval.records import Prediction
from sv_eval.report.calibration_file import CalibratedModel, CalibrationFile, FittedOn
from sv_eval.report.thresholds_file import ThresholdsFile, digest_of, thresholds_from
from sv_eval.scoring.decisions import Decisions
from sv_eval.scoring.labels.config import LabelsConfig
from sv_eval.scoring.labels.naming import Naming

NAMES = ("angry", "neutral", "unknown")
MODEL = CalibratedModel(backend="onnx", model="m", model_hash="abc", precision="fp32")
FITTED = FittedOn(
    dataset="d", corpus="c", dataset_hash="h", split="all", records_hash="", n_clips=1, speakers=("s",), clips=()
)
CALIBRATION = CalibrationFile(
    method="temperature",
    weights=dict.fromkeys(NAMES, 2.0),
    biases=dict.fromkeys(NAMES, 0.0),
    temperature=0.5,
    labels=("angry", "neutral"),
    model=MODEL,
    fitted_on=FITTED,
    folds=5,
    held_out={},
)
OWN = ThresholdsFile(thresholds={"angry": 0.7}, not_promised=("neutral",))
INFO = BackendInfo(name="onnx", model="m", model_hash="abc", precision="fp32")
ABLE = Capabilities(labels=("angry", "neutral"))


def decisions(calibration: CalibrationFile | None, thresholds: ThresholdsFile | None) -> Decisions:
    return Decisions(Naming(LabelsConfig(), None), calibration, thresholds)


def said(label: str, angry: float, neutral: float, unknown: float) -> Prediction:
    return Prediction(
        label=label, scores=dict(zip(NAMES, (angry, neutral, unknown), strict=True)), confidence=angry
    )


def test_without_either_the_answer_is_the_models_own() -> None:
    answer = said("angry", 0.6, 0.3, 0.1)
    found = decisions(None, None).prediction(answer)

    assert (found.answer, found.calibrated, found.alarms, found.below) == (answer, None, None, None)


def test_a_score_below_its_threshold_is_unknown_and_one_that_is_reached_stays() -> None:
    below = decisions(None, OWN).prediction(said("angry", 0.69, 0.21, 0.1))
    there = decisions(None, OWN).prediction(said("angry", 0.7, 0.2, 0.1))

    assert (below.answer.label, below.below, below.alarms) == ("unknown", "angry", ())
    assert below.answer.confidence == 0.1
    assert (there.answer.label, there.below, there.alarms) == ("angry", None, ("angry",))


def test_an_emotion_that_nothing_was_promised_of_is_never_answered() -> None:
    found = decisions(None, OWN).prediction(said("neutral", 0.0, 0.99, 0.01))

    assert (found.answer.label, found.below) == ("unknown", "neutral")


def test_an_emotion_that_the_file_does_not_name_is_answered_as_it_came() -> None:
    found = decisions(None, ThresholdsFile(thresholds={"angry": 0.7})).prediction(said("neutral", 0.1, 0.5, 0.4))

    assert (found.answer.label, found.below) == ("neutral", None)


def test_thresholds_are_held_against_calibrated_scores() -> None:
    both = replace(OWN, calibration=digest_of(CALIBRATION), model=MODEL)
    found = decisions(CALIBRATION, both).prediction(said("angry", 0.6, 0.3, 0.1))

    assert found.calibrated == pytest.approx({"angry": 36 / 46, "neutral": 9 / 46, "unknown": 1 / 46})
    assert (found.answer.label, found.alarms) == ("angry", ("angry",))
    # The model's own confidence stays beside.
    assert found.answer.scores == {"angry": 0.6, "neutral": 0.3, "unknown": 0.1}


def test_an_answer_without_scores_has_its_confidence_held_against_the_threshold() -> None:
    bare = decisions(None, OWN).prediction(Prediction(label="angry"))
    sure = decisions(None, OWN).prediction(Prediction(label="angry", confidence=0.8))
    unsure = decisions(None, OWN).prediction(Prediction(label="angry", confidence=0.6))
    uncalibrated = decisions(CALIBRATION, None).prediction(Prediction(label="angry"))

    # What nobody gave a score reaches no threshold.
    assert (bare.answer.label, bare.alarms, bare.below) == ("unknown", (), "angry")
    assert (sure.answer.label, sure.alarms) == ("angry", ("angry",))
    assert (unsure.answer.label, unsure.below) == ("unknown", "angry")
    assert (uncalibrated.answer.label, uncalibrated.calibrated, uncalibrated.alarms) == ("angry", None, None)


def test_a_stream_on_its_way_is_decided_likewise() -> None:
    update = StreamUpdate(
        start_s=0, end_s=1, label="angry", scores={"angry": 0.5, "neutral": 0.4, "unknown": 0.1}, chunk_scores=None,
        compute_ms=1,
    )  # fmt: skip

    assert decisions(None, OWN).update(update).answer.label == "unknown"


def test_files_of_another_model_or_calibration_are_refused() -> None:
    promised = replace(OWN, model=MODEL)

    with pytest.raises(ConfigError, match="chosen for scores without one, and this one is"):
        decisions(CALIBRATION, promised)
    with pytest.raises(ConfigError, match="chosen for scores under x, and there is none"):
        decisions(None, replace(promised, calibration="x"))
    decisions(None, promised).check(INFO, ABLE)
    for change in ({"model_hash": "other"}, {"precision": "int8"}, {"model": "n", "model_hash": None}):
        with pytest.raises(ConfigError, match=r"thresholds: it is of the (weights|precision|model)"):
            decisions(None, promised).check(replace(INFO, **change), ABLE)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="calibration: it is of"):
            decisions(CALIBRATION, None).check(replace(INFO, **change), ABLE)  # type: ignore[arg-type]
    # The same weights under another name are the same model.
    decisions(None, promised).check(replace(INFO, model="renamed"), ABLE)
    with pytest.raises(ConfigError, match="angry is not answered here; neutral are"):
        decisions(None, OWN).check(INFO, Capabilities(labels=("neutral",)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "x"}, "no thresholds file"),
        ({"schema_version": 9}, "schema_version 9"),
        ({"thresholds": {"angry": 1.5}}, "a score is from 0 to 1"),
        ({"thresholds": {"angry": "high"}}, "not as sv_eval writes it"),
        ({"not_promised": ["angry"]}, "has a threshold and none"),
    ],
)
def test_what_is_no_thresholds_file_is_told(change: dict[str, object], words: str) -> None:
    data = {"kind": "sv_eval thresholds", "schema_version": 1, "thresholds": {"angry": 0.5}}

    assert thresholds_from(data).model is UNSET
    with pytest.raises(ConfigError, match=words):
        thresholds_from({**data, **change}, "FILE")
