"""The three counts per label that every metric follows from, and the metrics as formulas over them.

Labels lie along axis 0; further axes (resamples, speakers) are carried along, so that one call scores ten
thousand resamples. Nothing to score is NaN, never 0. A label of the set without support (no clip with that
reference) has NaN recall and NaN F1 and is left out of every mean.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Tally(NamedTuple):
    """Counts for each label of the set; only clips whose reference is in the set are counted."""

    support: Floats
    """Clips with this reference; shape [labels, ...]."""
    hits: Floats
    """Those of them with the right answer."""
    predicted: Floats
    """Clips with this answer."""


def tally(confusion: NDArray[np.integer]) -> Tally:
    """The counts of a confusion matrix [R, K]: a row per label, its first R columns the same labels.

    >>> tally(np.array([[3, 1, 1], [0, 2, 0]])).predicted
    array([3., 3.])
    """
    size = len(confusion)
    return Tally(
        confusion.sum(axis=1).astype(np.float64),
        np.diagonal(confusion).astype(np.float64),
        confusion[:, :size].sum(axis=0).astype(np.float64),
    )


def recalls(counts: Tally) -> Floats:
    """`hits / support` of each label, NaN without support."""
    return _ratio(counts.hits, counts.support)


def precisions(counts: Tally) -> Floats:
    """`hits / predicted` of each label, NaN where the label was never predicted."""
    return _ratio(counts.hits, counts.predicted)


def f1s(counts: Tally) -> Floats:
    """`2 hits / (support + predicted)` of each label, NaN without support.

    A label with support that was never predicted has F1 0: the value that scikit-learn gives with
    `zero_division=0`, although its precision, 0/0, is NaN.
    """
    whole = np.where(counts.support > 0, counts.support + counts.predicted, 0.0)
    return _ratio(2.0 * counts.hits, whole)


def uar(counts: Tally, among: NDArray[np.bool_] | None = None) -> Floats:
    """The mean recall over the labels `among`, by default those with support.

    Pass `among` where the labels are settled beforehand, as in resampling: the mean is then NaN if one of
    them lost its support, rather than a mean over fewer labels.
    """
    return _mean(recalls(counts), counts, among)


def accuracy(counts: Tally) -> Floats:
    """`sum(hits) / sum(support)`."""
    return _ratio(counts.hits.sum(axis=0), counts.support.sum(axis=0))


def macro_f1(counts: Tally, among: NDArray[np.bool_] | None = None) -> Floats:
    """The mean F1 over the labels `among`, by default those with support."""
    return _mean(f1s(counts), counts, among)


def weighted_f1(counts: Tally) -> Floats:
    """The mean F1, each label weighted with its support."""
    weighted = np.where(counts.support > 0, counts.support * f1s(counts), 0.0)
    return _ratio(weighted.sum(axis=0), counts.support.sum(axis=0))


def _mean(values: Floats, counts: Tally, among: NDArray[np.bool_] | None) -> Floats:
    if among is not None:
        chosen = values[among]
        return _ratio(chosen.sum(axis=0), np.full(chosen.shape[1:], float(len(chosen))))
    present = counts.support > 0
    return _ratio(np.where(present, values, 0.0).sum(axis=0), present.sum(axis=0).astype(np.float64))


def _ratio(part: Floats, whole: Floats) -> Floats:
    """`part / whole`, NaN for 0/0. No other division by zero can occur: a part never exceeds its whole."""
    with np.errstate(invalid="ignore"):
        return np.asarray(part / whole, dtype=np.float64)
