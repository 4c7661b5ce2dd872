from __future__ import annotations

import math

import audmetric
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from sv_eval.scoring import metrics

LABELS = ["happy", "sad", "angry", "neutral"]
TOLERANCE = 1e-12
answers = st.lists(
    st.tuples(st.sampled_from(LABELS), st.sampled_from([*LABELS, "fearful", "unknown", "no_tag"])), min_size=1
)
answers_inside = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1)


def split(pairs: list[tuple[str, str]]) -> tuple[list[str], list[str], list[str]]:
    truth, prediction = [a for a, _ in pairs], [b for _, b in pairs]
    return truth, prediction, [label for label in LABELS if label in truth]


@settings(max_examples=150, deadline=None)
@given(answers)
def test_averages_equal_scikit_learn_over_the_labels_with_support(pairs: list[tuple[str, str]]) -> None:
    truth, prediction, present = split(pairs)

    macro = reference.f1_score(truth, prediction, labels=present, average="macro", zero_division=0)
    weighted = reference.f1_score(truth, prediction, labels=present, average="weighted", zero_division=0)
    recall = reference.recall_score(truth, prediction, labels=present, average="macro", zero_division=0)

    assert metrics.uar(truth, prediction, LABELS) == pytest.approx(recall, abs=TOLERANCE)
    assert metrics.macro_f1(truth, prediction, LABELS) == pytest.approx(macro, abs=TOLERANCE)
    assert metrics.weighted_f1(truth, prediction, LABELS) == pytest.approx(weighted, abs=TOLERANCE)
    accuracy = reference.accuracy_score(truth, prediction)
    assert metrics.accuracy(truth, prediction, LABELS) == pytest.approx(accuracy, abs=TOLERANCE)


@settings(max_examples=150, deadline=None)
@given(answers)
def test_each_label_equals_scikit_learn_where_it_is_defined(pairs: list[tuple[str, str]]) -> None:
    truth, prediction, present = split(pairs)

    precision, recall, _, _ = reference.precision_recall_fscore_support(
        truth, prediction, labels=LABELS, zero_division=np.nan
    )
    theirs_zero = reference.f1_score(truth, prediction, labels=LABELS, average=None, zero_division=0)

    ours = metrics.recall_per_class(truth, prediction, LABELS)
    np.testing.assert_allclose(list(ours.values()), recall, atol=TOLERANCE, rtol=0)
    ours = metrics.precision_per_class(truth, prediction, LABELS)
    np.testing.assert_allclose(list(ours.values()), precision, atol=TOLERANCE, rtol=0)
    ours = metrics.f1_per_class(truth, prediction, LABELS)
    for label, theirs in zip(LABELS, theirs_zero, strict=True):
        expected = theirs if label in present else math.nan
        assert ours[label] == pytest.approx(expected, abs=TOLERANCE, nan_ok=True)


@settings(max_examples=100, deadline=None)
@given(answers_inside)
def test_audmetric_agrees_for_predictions_inside_the_set(pairs: list[tuple[str, str]]) -> None:
    truth, prediction, present = split(pairs)
    inside = [(a, b) for a, b in zip(truth, prediction, strict=True) if b in present]
    truth, prediction, present = split(inside) if inside else (["sad"], ["sad"], ["sad"])
    if any(answer not in present for answer in prediction):
        return

    uar = audmetric.unweighted_average_recall(truth, prediction, present)
    macro = audmetric.unweighted_average_fscore(truth, prediction, present)

    assert metrics.uar(truth, prediction, LABELS) == pytest.approx(uar, abs=TOLERANCE)
    assert metrics.macro_f1(truth, prediction, LABELS) == pytest.approx(macro, abs=TOLERANCE)
    accuracy = audmetric.accuracy(truth, prediction, present)
    assert metrics.accuracy(truth, prediction, LABELS) == pytest.approx(accuracy, abs=TOLERANCE)
    recall = audmetric.recall_per_class(truth, prediction, present)
    ours = metrics.recall_per_class(truth, prediction, present)
    assert ours == pytest.approx(recall, abs=TOLERANCE)


@pytest.mark.parametrize("metric", [metrics.uar, metrics.accuracy, metrics.macro_f1, metrics.weighted_f1])
def test_nothing_to_score_is_nan(metric: object) -> None:
    assert callable(metric)
    assert math.isnan(metric([], [], LABELS))
    assert math.isnan(metric(["other"], ["sad"], LABELS))


def test_unpaired_sequences_are_refused() -> None:
    with pytest.raises(ValueError, match="2 truths but 1 predictions"):
        metrics.uar(["sad", "sad"], ["sad"], LABELS)


def test_a_clip_out_of_scope_costs_no_precision() -> None:
    assert metrics.precision_per_class(["sad", "other"], ["sad", "sad"], ["sad"]) == {"sad": 1.0}


def test_coverage_of_nothing_is_nan() -> None:
    assert math.isnan(metrics.coverage(["other"], ["sad"], ["sad"], ["unknown"]))
