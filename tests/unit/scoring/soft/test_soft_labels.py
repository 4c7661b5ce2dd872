"""A run's answers against what raters heard: planted distributions come back, and what is left out is counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sv_eval.finished.rescore import compute_report
from sv_eval.record_file.as_json import record_to_json
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.score_table import ScoreTable
from sv_eval.records import Clip, Failure, Outcome, Prediction, Record
from sv_eval.report.codec import as_json
from sv_eval.report.report import Report
from sv_eval.report.soft import SoftLabels
from sv_eval.reports.markdown import render
from sv_eval.scoring.config import ScoringConfig

LABELS = ("angry", "happy", "neutral", "sad")
QUICK = ScoringConfig(resamples=100, labels=LABELS)
Votes = Mapping[str, float]


@pytest.fixture
def here(bare_environment: Any) -> Any:
    config = {**bare_environment.config, "load": {**bare_environment.load, "warmup_clips": 0}}
    return replace(bare_environment, config=config)


def planted(n: int = 400, raters: int = 8, seed: int = 0) -> list[tuple[dict[str, float], dict[str, float]]]:
    """Clips' true distributions, and the votes of raters who each hear one of it."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(n):
        truth = rng.dirichlet(np.full(4, 0.6))
        votes = np.bincount(rng.choice(4, raters, p=truth), minlength=4)
        made.append(
            (dict(zip(LABELS, truth.tolist(), strict=True)), dict(zip(LABELS, votes.tolist(), strict=True)))
        )
    return made


def record(number: int, votes: Votes | None, scores: Mapping[str, float] | None, **more: Any) -> Record:
    best = None if votes is None else max(votes, key=votes.__getitem__)
    clip = Clip(id=f"c{number:04d}", reference=more.pop("reference", best), speaker=f"s{number % 10}", votes=votes)
    label = max(scores, key=scores.__getitem__) if scores else more.pop("label", "sad")
    outcome = Outcome.UNKNOWN if label == "unknown" else Outcome.LABEL
    said = Prediction(label=label, scores=scores, forced=more.pop("forced", label if label in LABELS else "sad"))
    return Record(clip=clip, outcome=outcome, prediction=said, audio_s=2.0, **more)


def report_of(environment: Any, records: Sequence[Record], config: ScoringConfig = QUICK) -> Report:
    table = ScoreTable.of_lines([record_to_json(one) for one in records])
    return compute_report(RunRecords.of_records(records), environment, config, score_table=table)


def found_in(environment: Any, records: Sequence[Record], config: ScoringConfig = QUICK) -> SoftLabels:
    found = report_of(environment, records, config).soft_labels
    assert found
    return found


def test_answers_that_are_the_truth_do_as_well_as_can_be(here: Any) -> None:
    clips = planted()
    true = found_in(here, [record(i, votes, truth) for i, (truth, votes) in enumerate(clips)])
    flat = found_in(here, [record(i, votes, dict.fromkeys(LABELS, 0.25)) for i, (_, votes) in enumerate(clips)])

    for name in ("cross_entropy", "kl", "js", "tvd"):
        assert getattr(true, name).of_answers.value < getattr(flat, name).of_answers.value
    assert true.soft_macro_f1.of_answers.value > flat.soft_macro_f1.of_answers.value  # type: ignore[operator]
    assert flat.cross_entropy.of_answers.value == pytest.approx(np.log(4))
    assert (true.n, true.votes_a_clip, true.outside) == (400, 8.0, 0.0)


def test_answers_that_are_the_votes_have_no_distance(here: Any) -> None:
    clips = [(votes, {name: count / 8 for name, count in votes.items()}) for _, votes in planted()]

    found = found_in(here, [record(i, votes, scores) for i, (votes, scores) in enumerate(clips)])

    assert found.tvd.of_answers.value == pytest.approx(0, abs=1e-6)
    assert found.js.of_answers.value == pytest.approx(0, abs=1e-6)
    assert found.kl.of_answers.value == pytest.approx(0, abs=1e-5)
    assert found.soft_macro_f1.of_answers.value == pytest.approx(1, abs=1e-6)
    assert found.cross_entropy.of_answers.value == pytest.approx(found.entropy, abs=1e-5)


def test_an_answer_drawn_as_a_rater_is_does_as_people_do(here: Any) -> None:
    rng = np.random.default_rng(1)
    records = []
    for i, (truth, votes) in enumerate(planted(4000)):
        one = LABELS[rng.choice(4, p=list(truth.values()))]
        records.append(record(i, votes, {one: 1.0}))

    found = found_in(here, records)

    assert found.soft_accuracy.of_raters
    assert found.soft_accuracy.of_answers.value == pytest.approx(found.soft_accuracy.of_raters.value, abs=0.02)


def test_scores_that_are_on_none_of_the_classes_count_as_wrong_unless_unknown_is_banned(here: Any) -> None:
    records = [
        record(i, votes, {**{name: p / 2 for name, p in truth.items()}, "unknown": 0.5})
        for i, (truth, votes) in enumerate(planted())
    ]
    whole = [record(i, votes, truth) for i, (truth, votes) in enumerate(planted())]

    halved, banned = found_in(here, records), found_in(here, records, replace(QUICK, policy="ban"))
    as_it_is = found_in(here, whole)

    assert (halved.rest, banned.rest) == (pytest.approx(0.5), pytest.approx(0.0, abs=1e-9))
    assert halved.cross_entropy.of_answers.value == pytest.approx(
        (as_it_is.cross_entropy.of_answers.value or 0) + np.log(2), abs=1e-3
    )
    assert banned.tvd.of_answers.value == pytest.approx(as_it_is.tvd.of_answers.value, abs=1e-5)


def test_votes_for_other_classes_are_left_out_and_told(here: Any) -> None:
    records = [record(i, {**votes, "other": 8}, truth) for i, (truth, votes) in enumerate(planted())]
    records += [record(500 + i, {"other": 3}, dict.fromkeys(LABELS, 0.25), reference="other") for i in range(7)]
    without = found_in(here, [record(i, votes, truth) for i, (truth, votes) in enumerate(planted())])

    found = found_in(here, records)

    assert (found.n_voted, found.n_outside) == (400, 7)
    assert found.outside == pytest.approx((400 * 8 + 21) / (400 * 16 + 21))
    assert found.tvd == without.tvd
    assert found.alpha == without.alpha
    assert found.agreement.keys() != without.agreement.keys()


def test_a_clip_without_a_label_is_held_against_its_votes_all_the_same(here: Any) -> None:
    records = [record(i, {"angry": 2, "sad": 2}, {"angry": 0.5, "sad": 0.5}, reference=None) for i in range(20)]
    records += [record(100 + i, {"happy": 4}, {"happy": 1.0}) for i in range(10)]

    found = found_in(here, records)

    assert (found.n, found.tvd.of_answers.value) == (30, 0.0)
    split, unanimous = found.agreement["split"], found.agreement["unanimous"]
    assert (split.n, split.accuracy.of, split.soft_accuracy.of_answers.value) == (20, 0, 0.5)
    assert split.soft_accuracy.of_raters
    assert split.soft_accuracy.of_raters.value == pytest.approx(1 / 3)
    assert (unanimous.n, unanimous.accuracy.value) == (10, 1.0)


def test_answers_without_scores_are_left_out_unless_they_are_said_to_be_certain(here: Any) -> None:
    records = [record(i, votes, None, label="angry") for i, (_, votes) in enumerate(planted())]

    plain, certain = found_in(here, records), found_in(here, records, replace(QUICK, one_hot=True))

    assert (plain.n, plain.n_without_scores, plain.tvd.of_answers.value) == (0, 400, None)
    assert str(plain.tvd.of_answers.reason) == "no answer has scores to hold against the raters"
    assert plain.soft_accuracy.of_answers.n == 400
    shares = [votes["angry"] / 8 for _, votes in planted()]
    assert certain.tvd.of_answers.value == pytest.approx(1 - np.mean(shares))
    assert (certain.n, certain.cross_entropy.of_answers.value) == (400, None)


def test_failures_are_counted_and_no_answers(here: Any) -> None:
    records = [record(i, votes, truth) for i, (truth, votes) in enumerate(planted(50))]
    lost = Clip(id="z", reference="sad", speaker="s1", votes={"sad": 3})
    records.append(Record(clip=lost, outcome=Outcome.FAILURE, failure=Failure(kind="timeout", message="late")))

    found = found_in(here, records)

    assert (found.n_voted, found.n, found.n_failed) == (51, 50, 1)


def test_shares_have_no_raters_to_leave_out(here: Any) -> None:
    records = [record(i, truth, truth) for i, (truth, _) in enumerate(planted())]

    found = found_in(here, records)

    assert (found.votes_a_clip, found.alpha.value) == (None, None)
    assert not found.tvd.of_raters
    assert {"majority", "split"} == set(found.agreement)


def test_a_run_without_votes_says_nothing_of_them(here: Any) -> None:
    plain = report_of(here, [record(i, None, dict.fromkeys(LABELS, 0.25), reference="sad") for i in range(50)])

    assert not plain.soft_labels
    assert "soft_labels" not in as_json(plain)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_report_shows_answers_beside_people(here: Any, language: str) -> None:
    records = [record(i, votes, truth) for i, (truth, votes) in enumerate(planted())]
    report = report_of(here, records)
    assert report.soft_labels
    told: Callable[[float], str] = "{:.3f}".format

    text = render(report, here, language)

    row = next(line for line in text.splitlines() if line.startswith(("| Jensen-Shannon",)))
    assert told(report.soft_labels.js.of_answers.value or 0) in row
    assert report.soft_labels.js.of_raters
    assert told(report.soft_labels.js.of_raters.value or 0) in row
    assert told(report.soft_labels.alpha.value or 0) in text
