"""How much of each emotion unlabelled audio holds, from a recogniser's answers and how it errs on labelled audio.

Counting answers is biased by the confusion matrix: where anger is rare, most of what is called angry is something
else. With `C` the shares of answers by emotion in the labelled run (columns are emotions, each adding up to 1) and
`q` those in the unlabelled one, the shares `p` solve `C p = q` with `sum p = 1`, by least squares where the answers
are more than the emotions: adjusted counts (Forman 2008, Quantifying counts and costs via classification; Hopkins
and King 2010 for several classes). It holds where the recogniser errs alike on both sides, and nothing in the
unlabelled run can tell whether it does.

Standard errors leave out one speaker at a time, of the labelled side and of the unlabelled one, and add up both
variances; bounds are Student's t with Welch's and Satterthwaite's degrees of freedom, cut off at 0 and 1. They are
of the solution before that: one below 0 says that the share is small.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.report.reasons import Why
from sv_eval.scoring.paired.differences import quantile_of_t

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

FEWEST_SPEAKERS = 4
"""Fewer speakers on a side say nothing of others."""
FEWEST_CLIPS = 10
"""Fewer labelled clips of an emotion say nothing of how it is heard."""
MOST_CONDITION = 25.0
"""Beyond this condition number of `C` emotions are told apart so little that errors blow up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """The shares of the emotions, in the order of the labels."""

    counted: Floats
    """As they are answered, of all answers."""
    value: Floats
    """Corrected, from 0 to 1."""
    low: Floats
    """Lower bounds."""
    high: Floats
    """Upper bounds."""
    condition: float
    """Of the matrix: how much errors of the answers' shares may grow."""


def prevalence(
    reference: Codes,
    answer: Codes,
    speaker: Codes,
    found: Codes,
    found_speaker: Codes,
    *,
    n_labels: int,
    confidence: float = 0.95,
) -> Shares | Why:
    """The shares in the unlabelled answers `found`, or why they can't be told.

    reference, answer, speaker: of each labelled clip; answers from `n_labels` on are none of the emotions.
    found, found_speaker: of each unlabelled clip. Speakers are codes from 0.
    """
    size = n_labels + 1
    labelled = _counted(np.minimum(answer, n_labels) * n_labels + reference, speaker, size * n_labels)
    labelled = labelled.reshape(-1, size, n_labels)
    unlabelled = _counted(np.minimum(found, n_labels), found_speaker, size)
    for side, units in (("labelled", labelled), ("unlabelled", unlabelled)):
        if len(units) < FEWEST_SPEAKERS:
            return Why.of("few_speakers_of", side=side, n=len(units), needed=FEWEST_SPEAKERS)
    of_emotion = labelled.sum(axis=1)
    if (of_emotion.sum(axis=0) < FEWEST_CLIPS).any() or ((of_emotion > 0).sum(axis=0) < 2).any():
        return Why.of("few_labelled", needed=FEWEST_CLIPS)
    whole, asked = labelled.sum(axis=0), unlabelled.sum(axis=0)
    matrix = whole / whole.sum(axis=0)
    condition = float(np.linalg.cond(matrix))
    if condition > MOST_CONDITION:
        return Why.of("not_told_apart", condition=f"{condition:.0f}", most=f"{MOST_CONDITION:.0f}")
    solved = _solved(whole, asked)
    one = np.array([_solved(whole - left, asked) for left in labelled])
    other = np.array([_solved(whole, asked - left) for left in unlabelled])
    variances = [_variance(each) for each in (one, other)]
    total = variances[0] + variances[1]
    parts = variances[0] ** 2 / (len(one) - 1) + variances[1] ** 2 / (len(other) - 1)
    freedom = np.where(parts > 0, total**2 / np.where(parts > 0, parts, 1.0), 1.0)
    half = np.sqrt(total) * np.array([quantile_of_t(0.5 + confidence / 2, float(one)) for one in freedom])
    return Shares(
        counted=asked[:n_labels] / asked.sum(),
        value=np.clip(solved, 0.0, 1.0),
        low=np.clip(solved - half, 0.0, 1.0),
        high=np.clip(solved + half, 0.0, 1.0),
        condition=condition,
    )


def _counted(cell: Codes, speaker: Codes, size: int) -> Floats:
    """How often each cell occurs, by speaker."""
    _, unit = np.unique(speaker, return_inverse=True)
    n = int(unit.max()) + 1 if len(unit) else 0
    return np.bincount(unit * size + cell, minlength=n * size).reshape(n, size).astype(np.float64)


def _solved(whole: Floats, asked: Floats) -> Floats:
    """`C p = q` with the shares adding up to 1, by least squares; they may leave 0 to 1."""
    matrix = whole / np.maximum(whole.sum(axis=0), 1e-12)
    n = matrix.shape[1]
    # Lagrange's conditions of the sum.
    system = np.zeros((n + 1, n + 1))
    system[:n, :n] = 2 * matrix.T @ matrix
    system[:n, n] = system[n, :n] = 1.0
    right = np.append(2 * matrix.T @ (asked / asked.sum()), 1.0)
    return np.asarray(np.linalg.lstsq(system, right, rcond=None)[0][:n], dtype=np.float64)


def _variance(without: Floats) -> Floats:
    """The jackknife's, from what is left without each unit; shape [units, labels]."""
    n = len(without)
    return np.asarray((n - 1) / n * ((without - without.mean(axis=0)) ** 2).sum(axis=0), dtype=np.float64)
