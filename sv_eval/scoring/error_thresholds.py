"""How far groups differ by chance in how right answers are: the thresholds that a recogniser which guesses reaches.

As in `group_thresholds` the answers know nothing of the truth, and the first group is held against all together:
recall and precision over classes or bins, and of values the concordance correlation (Lin 1989), the mean absolute
error and the mean error with its sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring.group_thresholds import DRAWS, UNIFORM, Threshold, portions, threshold_of, truncated_gaussian

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassThresholds:
    """How far the first group lay from all groups together in recall and precision, over the draws."""

    recall: Threshold
    """Of the mean of the classes' recalls, the UAR."""
    recall_per_class: Threshold
    """Of the recall of the class in which they differ most."""
    precision: Threshold
    """Of the mean of the classes' precisions."""
    precision_per_class: Threshold
    """Of the precision of the class in which they differ most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueThresholds:
    """How far the first group lay from all groups together in how near values are to the truth, over the draws."""

    ccc: Threshold
    """Of the concordance correlation coefficient."""
    mae: Threshold
    """Of the mean absolute error."""
    mde: Threshold
    """Of the mean error, which has a sign."""


def class_thresholds(
    n: int,
    groups: int,
    *,
    truth: Sequence[float] = UNIFORM,
    answers: Sequence[float] = UNIFORM,
    varied: bool = False,
    seed: int = 0,
    draws: int = DRAWS,
) -> ClassThresholds:
    """The thresholds for n samples in each group, classes being drawn with the probabilities `truth` and `answers`.

    varied: each group has the probabilities of the truth in an order of its own. A class that no sample of a group
    has counts as not recalled, one that no answer names as without precision, as in the published simulation.
    """
    rng = np.random.default_rng(seed)
    sizes = [n] * groups if varied else [n, n * (groups - 1)]
    orders = [rng.permuted(np.tile(truth, (draws, 1)), axis=1) if varied else np.asarray(truth) for _ in sizes]
    of = np.stack([rng.multinomial(size, each, size=draws) for size, each in zip(sizes, orders, strict=True)])
    right = rng.binomial(of, np.asarray(answers))
    # Who is not right names one of the other classes, as often as it is named at all.
    wrong = np.tile(answers, (len(answers), 1)) * (1 - np.eye(len(answers)))
    named = right + rng.multinomial(of - right, wrong / wrong.sum(axis=1, keepdims=True)).sum(axis=2)
    recalls, precisions = (_apart(right, whole) for whole in (of, named))
    return ClassThresholds(
        recall=threshold_of(np.abs(recalls.mean(axis=1))),
        recall_per_class=threshold_of(np.abs(recalls).max(axis=1)),
        precision=threshold_of(np.abs(precisions.mean(axis=1))),
        precision_per_class=threshold_of(np.abs(precisions).max(axis=1)),
    )


def value_thresholds(n: int, groups: int, *, seed: int = 0, draws: int = DRAWS) -> ValueThresholds:
    """The thresholds for n samples in each group, truth and answers being Gaussians truncated to 0..1."""
    rng = np.random.default_rng(seed)
    found = np.empty((3, draws))
    for begin, count in portions(draws, 2 * n * groups):
        truth, answers = (truncated_gaussian(rng, (count, n * groups)) for _ in range(2))
        for place, figure in enumerate((_ccc, _mae, _mde)):
            own, whole = figure(truth[:, :n], answers[:, :n]), figure(truth, answers)
            found[place, begin : begin + count] = np.abs(own - whole)
    ccc, mae, mde = map(threshold_of, found)
    return ValueThresholds(ccc=ccc, mae=mae, mde=mde)


def _apart(right: Counts, whole: Counts) -> Floats:
    """The first group's shares of right ones less those of all, [draws, classes], from counts by group."""
    own, every = (part / np.maximum(of, 1) for part, of in ((right[0], whole[0]), (right.sum(0), whole.sum(0))))
    return np.asarray(own - every, dtype=np.float64)


def _ccc(truth: Floats, answers: Floats) -> Floats:
    """2 cov / (var + var + (mean - mean)^2), of each row."""
    apart = truth.mean(axis=1) - answers.mean(axis=1)
    both = ((truth - truth.mean(axis=1, keepdims=True)) * (answers - answers.mean(axis=1, keepdims=True))).mean(
        axis=1
    )
    return np.asarray(2 * both / (truth.var(axis=1) + answers.var(axis=1) + apart**2), dtype=np.float64)


def _mae(truth: Floats, answers: Floats) -> Floats:
    return np.asarray(np.abs(answers - truth).mean(axis=1), dtype=np.float64)


def _mde(truth: Floats, answers: Floats) -> Floats:
    return np.asarray((answers - truth).mean(axis=1), dtype=np.float64)
