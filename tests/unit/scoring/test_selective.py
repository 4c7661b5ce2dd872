"""Risk by coverage, against hand computation."""

from __future__ import annotations

import numpy as np
import pytest

from sv_eval.record_file.as_json import record_to_json
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.score_table import ScoreTable
from sv_eval.records import Clip, Outcome, Prediction, Record
from sv_eval.report.selective import Selective
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.scope import scope_of
from sv_eval.scoring.selective import aurc, best_aurc, risks, selective_of


def made(confidences: list[float], right: list[bool], unknown: int = 0) -> Selective | None:
    records = []
    for i, (confidence, true) in enumerate(zip(confidences, right, strict=True)):
        reference = ("happy", "sad")[i % 2]
        answer = reference if true else ("sad", "happy")[i % 2]
        scores = {answer: confidence, ("sad", "happy")[answer == "sad"]: round(1 - confidence, 6)}
        records.append(record(f"c{i:03d}", reference, answer, scores, answer, confidence, i % 5))
    for i in range(unknown):
        scores = {"happy": 0.3, "sad": 0.2, "unknown": 0.5}
        records.append(record(f"u{i:03d}", "sad", "unknown", scores, "happy", 0.5, i % 5))
    table = ScoreTable.of_lines([record_to_json(one) for one in records])
    return selective_of(scope_of(RunRecords.of_records(records), ScoringConfig()), table)


def record(
    clip: str, reference: str, label: str, scores: dict[str, float], forced: str, confidence: float, speaker: int
) -> Record:
    return Record(
        clip=Clip(id=clip, reference=reference, speaker=f"s{speaker}"),
        outcome=Outcome.UNKNOWN if label == "unknown" else Outcome.LABEL,
        prediction=Prediction(label=label, forced=forced, scores=scores, confidence=confidence),
    )


def test_the_area_equals_hand_computation() -> None:
    rng = np.random.default_rng(0)
    confidence, wrong = rng.random(300), rng.random(300) < 0.3
    ordered = wrong[np.argsort(-confidence)]

    assert aurc(confidence, wrong) == pytest.approx(
        sum(ordered[: i + 1].sum() / (i + 1) for i in range(300)) / 300, abs=1e-12
    )
    best = np.sort(wrong)
    assert best_aurc(300, int(wrong.sum())) == pytest.approx(
        sum(best[: i + 1].sum() / (i + 1) for i in range(300)) / 300, abs=1e-12
    )


def test_equally_confident_answers_count_as_their_mean_in_whatever_order_they_come() -> None:
    confidence = np.array([0.9, 0.5, 0.5, 0.5, 0.5])
    wrong = np.array([False, True, True, False, False])

    assert risks(confidence, wrong).tolist() == risks(confidence, wrong[[0, 3, 4, 1, 2]]).tolist()
    assert risks(confidence, wrong).tolist() == pytest.approx([0.0, 0.25, 1 / 3, 0.375, 0.4])


def test_accuracy_at_a_coverage_is_that_of_the_most_confident() -> None:
    confidences = [round(0.99 - 0.004 * i, 6) for i in range(100)]

    found = made(confidences, [i < 80 or i >= 95 for i in range(100)])

    assert found is not None
    assert [one.accuracy.value for one in found.at] == pytest.approx([1.0, 80 / 90, 80 / 95])
    assert found.at[0].threshold == confidences[79]
    assert found.excess.value is not None
    assert found.excess.value > 0


def test_unknown_is_held_against_a_threshold_that_leaves_out_as_many() -> None:
    confidences = [round(0.99 - 0.004 * i, 6) for i in range(100)]

    found = made(confidences, [i < 90 for i in range(100)], unknown=20)

    assert found is not None
    assert found.unknown
    assert (found.unknown.n_unknown, found.unknown.coverage) == (20, pytest.approx(100 / 120))
    # All forced answers of unknown ones are less sure than the others, so that both leave out the same clips.
    assert found.unknown.by_unknown == found.unknown.by_confidence


def test_too_few_answers_have_no_curve() -> None:
    assert made([0.9] * 39, [True] * 39) is None
