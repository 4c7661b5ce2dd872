"""Clips of which several emotions are true: figures are scikit-learn's, and what is below a cut-off is not 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, hamming_loss

from sv_eval.errors import ConfigError
from sv_eval.finished.rescore import compute_report
from sv_eval.record_file.as_json import record_from_json, record_to_json
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.score_table import ScoreTable
from sv_eval.records import Clip, Outcome, Prediction, Record
from sv_eval.report.report import Report
from sv_eval.report.several import SeveralEmotions
from sv_eval.reports.markdown import render
from sv_eval.scoring.config import ScoringConfig, scoring_config_from
from sv_eval.scoring.multi_label import MultiLabel

LABELS = ("angry", "happy", "neutral", "sad")
QUICK = ScoringConfig(resamples=100, labels=LABELS)
NEAR = {"rel": 0, "abs": 1e-9}


@pytest.fixture
def here(bare_environment: Any) -> Any:
    config = {**bare_environment.config, "load": {**bare_environment.load, "warmup_clips": 0}}
    return replace(bare_environment, config=config)


def drawn(n: int = 300) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """What is true of clips, one emotion at least, and scores of each emotion by itself with six digits."""
    rng = np.random.default_rng(5)
    was = rng.random((n, 4)) < 0.35
    was[np.arange(n), rng.integers(0, 4, n)] = True
    return was, np.round(np.clip(0.5 * was + rng.random((n, 4)) * 0.6, 0, 1), 6)


def record(number: int, true: Sequence[str] | None, scores: Mapping[str, float] | None, **more: Any) -> Record:
    first = max(scores, key=scores.__getitem__) if scores else more.pop("label", None)
    clip = Clip(
        id=f"c{number:04d}", reference=(true or ("sad",))[0], speaker=f"s{number % 8}",
        emotions=None if true is None else tuple(true), votes=more.pop("votes", None),
    )  # fmt: skip
    said = Prediction(label=first, scores=scores, forced=first, cut_off=more.pop("cut_off", None))
    return Record(clip=clip, outcome=said.outcome, prediction=said, audio_s=2.0)


def words(row: Sequence[bool]) -> list[str]:
    return [label for label, there in zip(LABELS, row, strict=True) if there]


def report_of(environment: Any, records: Sequence[Record], config: ScoringConfig = QUICK) -> Report:
    table = ScoreTable.of_lines([record_to_json(one) for one in records])
    return compute_report(RunRecords.of_records(records), environment, config, score_table=table)


def found_in(environment: Any, records: Sequence[Record], config: ScoringConfig = QUICK) -> SeveralEmotions:
    found = report_of(environment, records, config).several_emotions
    assert found
    return found


def cut(scores: np.ndarray[Any, Any], at: float) -> list[dict[str, float]]:
    return [
        {label: value for label, value in zip(LABELS, row, strict=True) if value >= at} for row in scores.tolist()
    ]


def test_figures_of_thresholded_answers_are_scikit_learns(here: Any) -> None:
    was, scores = drawn()
    records = [record(i, words(was[i]), told, cut_off=0.4) for i, told in enumerate(cut(scores, 0.4))]

    found = found_in(here, records)

    said = scores >= 0.4
    assert found.named_by == {"cut_off": 300}
    assert found.macro_f1.value == pytest.approx(f1_score(was, said, average="macro"), **NEAR)
    assert found.micro_f1.value == pytest.approx(f1_score(was, said, average="micro"), **NEAR)
    assert found.hamming_loss.value == pytest.approx(hamming_loss(was, said), **NEAR)
    assert found.exact.value == pytest.approx(accuracy_score(was, said), **NEAR)
    first = scores.argmax(axis=1)
    there = scores.max(axis=1) >= 0.4
    assert found.hit_rate.value == pytest.approx((was[np.arange(300), first] & there).mean(), **NEAR)
    below = np.where(said, scores, -1.0)
    for column, label in enumerate(LABELS):
        one = found.per_emotion[label]
        assert (one.n, one.named) == (was[:, column].sum(), said[:, column].sum())
        assert one.average_precision
        assert one.average_precision.value == pytest.approx(
            average_precision_score(was[:, column], below[:, column]), **NEAR
        )
    assert found.mean_average_precision
    assert found.mean_average_precision.value == pytest.approx(
        average_precision_score(was, below, average="macro"), **NEAR
    )


def test_what_is_below_a_cut_off_ties_whatever_it_would_have_been(here: Any) -> None:
    was, scores = drawn()
    records = [record(i, words(was[i]), told, cut_off=0.4) for i, told in enumerate(cut(scores, 0.4))]
    lower = np.where(scores < 0.4, scores / 10, scores)
    others = [record(i, words(was[i]), told, cut_off=0.4) for i, told in enumerate(cut(lower, 0.4))]

    assert found_in(here, records) == found_in(here, others)


def test_posteriors_name_what_is_likely_enough_and_bare_answers_their_label(here: Any) -> None:
    was, scores = drawn(40)
    posterior = scores / scores.sum(axis=1, keepdims=True)
    records = [record(i, words(was[i]), dict(zip(LABELS, posterior[i].tolist(), strict=True))) for i in range(20)]
    bare = [record(20 + i, words(was[20 + i]), None, label=LABELS[i % 4]) for i in range(20)]

    whole, mixed = found_in(here, records), found_in(here, records + bare)
    high = found_in(here, records, replace(QUICK, multi_label=MultiLabel(score=0.5)))

    assert (whole.named_by, mixed.named_by) == ({"scores": 20}, {"scores": 20, "label": 20})
    assert not mixed.mean_average_precision
    said = np.round(posterior[:20], 6) >= 0.25
    assert whole.micro_f1.value == pytest.approx(f1_score(was[:20], said, average="micro"), **NEAR)
    assert high.named_a_clip == pytest.approx((posterior[:20] >= 0.5).sum(axis=1).mean())


def test_votes_make_several_true_from_a_share_on(here: Any) -> None:
    told = dict.fromkeys(LABELS, 0.25)
    records = [record(i, None, told, votes={"angry": 3, "sad": 2, "happy": 1}) for i in range(20)]
    outside = [record(50 + i, None, told, votes={"other": 4}) for i in range(3)]

    found = found_in(here, records + outside, replace(QUICK, multi_label=MultiLabel(votes=1 / 3)))

    assert (found.n, found.n_outside, found.true_a_clip, found.from_votes) == (20, 3, 2.0, pytest.approx(1 / 3))
    assert {label: one.n for label, one in found.per_emotion.items()} == {
        "angry": 20, "happy": 0, "neutral": 0, "sad": 20,
    }  # fmt: skip
    assert not report_of(here, records).several_emotions


def test_scores_with_a_cut_off_are_no_probabilities(here: Any) -> None:
    was, scores = drawn()
    records = [
        record(i, words(was[i]), told, cut_off=0.4, votes={"sad": 1 + i % 2, "happy": 1})
        for i, told in enumerate(cut(scores, 0.4))
    ]

    report = report_of(here, records)

    assert not report.calibration or not report.calibration.distribution
    assert not report.operating
    assert report.soft_labels
    assert (report.soft_labels.n, report.soft_labels.n_cut_off) == (0, 300)
    assert report.soft_labels.cross_entropy.of_answers.value is None


def test_an_answer_that_names_nothing_names_nothing(here: Any) -> None:
    records = [record(i, ["sad", "angry"], {}, cut_off=0.4) for i in range(20)]

    found = found_in(here, records)

    assert (found.named_a_clip, found.hit_rate.value, found.hamming_loss.value) == (0.0, 0.0, 0.5)
    assert records[0].outcome is Outcome.NO_TAG
    assert record_from_json(record_to_json(records[0])) == records[0]


@pytest.mark.parametrize("rule", [{"votes": 0}, {"votes": 1.5}, {"score": -0.1}])
def test_a_rule_that_is_no_share_is_refused(rule: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"scoring\.multi_label\..*no share"):
        scoring_config_from({"multi_label": rule})


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_report_shows_every_figure(here: Any, language: str) -> None:
    was, scores = drawn()
    records = [record(i, words(was[i]), told, cut_off=0.4) for i, told in enumerate(cut(scores, 0.4))]
    report = report_of(here, records)
    assert report.several_emotions

    text = render(report, here, language)

    assert f"{100 * (report.several_emotions.macro_f1.value or 0):.1f} %" in text
    assert f"| {report.several_emotions.per_emotion['sad'].n} |" in text
