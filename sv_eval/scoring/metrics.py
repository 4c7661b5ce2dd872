"""The metrics on label sequences: truth, prediction and label set in, numbers out.

The label set is always passed, since inferring it from the data changes the values. Clips whose truth is
outside the set are not scored at all. A prediction outside the set (another emotion, `unknown`, None) is a
wrong answer. Nothing to score is NaN, never 0; a label of the set without support is left out of the means.

Values equal scikit-learn's for `labels` = the labels with support and `zero_division=0`, and audmetric's for
predictions inside the set. Sources: Rosenberg (2012), Classifying Skewed Data (UAR); van Rijsbergen (1979),
Information Retrieval (F measure); scikit-learn's user guide 3.4 for the averages.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring import tally as formulas

Labels = Sequence[str]
Answers = Sequence[str | None]


def confusion_matrix(truth: Answers, prediction: Answers, labels: Labels) -> NDArray[np.int64]:
    """Counts [R, R + 1]: rows truth, columns prediction in the labels' order, then any other answer.

    >>> confusion_matrix(["sad", "sad", "happy"], ["sad", "unknown", "sad"], ["happy", "sad"])
    array([[0, 1, 0],
           [0, 1, 1]])
    """
    size = len(labels)
    code: dict[str | None, int] = {label: index for index, label in enumerate(labels)}
    rows = np.array([code.get(label, -1) for label in truth], dtype=np.int64)
    columns = np.array([code.get(label, size) for label in prediction], dtype=np.int64)
    if len(rows) != len(columns):
        raise ValueError(f"{len(rows)} truths but {len(columns)} predictions; they must pair up")
    scored = rows >= 0
    cells = rows[scored] * (size + 1) + columns[scored]
    return np.bincount(cells, minlength=size * (size + 1)).reshape(size, size + 1)


def recall_per_class(truth: Answers, prediction: Answers, labels: Labels) -> dict[str, float]:
    """`TP / (TP + FN)` of each label; NaN without support.

    >>> recall_per_class(["sad", "sad"], ["sad", "unknown"], ["happy", "sad"])
    {'happy': nan, 'sad': 0.5}
    """
    return _by_label(labels, formulas.recalls(_tally(truth, prediction, labels)))


def precision_per_class(truth: Answers, prediction: Answers, labels: Labels) -> dict[str, float]:
    """`TP / (TP + FP)` of each label; NaN where it was never predicted.

    >>> precision_per_class(["sad", "happy"], ["sad", "sad"], ["happy", "sad"])
    {'happy': nan, 'sad': 0.5}
    """
    return _by_label(labels, formulas.precisions(_tally(truth, prediction, labels)))


def f1_per_class(truth: Answers, prediction: Answers, labels: Labels) -> dict[str, float]:
    """`2 TP / (2 TP + FP + FN)` of each label; NaN without support, 0 if never predicted.

    >>> f1_per_class(["sad", "happy", "happy"], ["sad", "sad", "sad"], ["happy", "sad", "angry"])
    {'happy': 0.0, 'sad': 0.5, 'angry': nan}
    """
    return _by_label(labels, formulas.f1s(_tally(truth, prediction, labels)))


def uar(truth: Answers, prediction: Answers, labels: Labels) -> float:
    """Unweighted average recall (UA, balanced accuracy): the mean recall over the labels with support.

    >>> uar(["sad", "sad", "happy"], ["sad", "unknown", "happy"], ["happy", "sad", "angry"])
    0.75
    """
    return float(formulas.uar(_tally(truth, prediction, labels)))


def accuracy(truth: Answers, prediction: Answers, labels: Labels) -> float:
    """The share of right answers (WA, weighted accuracy).

    >>> accuracy(["sad", "sad", "happy", "bored"], ["sad", "sad", "sad", "sad"], ["happy", "sad"])
    0.6666666666666666
    """
    return float(formulas.accuracy(_tally(truth, prediction, labels)))


def macro_f1(truth: Answers, prediction: Answers, labels: Labels) -> float:
    """The mean of the labels' F1 over the labels with support.

    >>> macro_f1(["sad", "happy", "happy"], ["sad", "sad", "sad"], ["happy", "sad"])
    0.25
    """
    return float(formulas.macro_f1(_tally(truth, prediction, labels)))


def weighted_f1(truth: Answers, prediction: Answers, labels: Labels) -> float:
    """The mean of the labels' F1, each weighted with its support.

    >>> weighted_f1(["sad", "happy", "happy"], ["sad", "sad", "happy"], ["happy", "sad"])
    0.6666666666666666
    """
    return float(formulas.weighted_f1(_tally(truth, prediction, labels)))


def coverage(truth: Answers, prediction: Answers, labels: Labels, abstentions: Labels) -> float:
    """The share of clips in scope whose answer is no abstention; NaN when no clip is in scope.

    >>> coverage(["sad", "sad", "bored"], ["sad", "unknown", "sad"], ["sad"], ["unknown"])
    0.5
    """
    answers = [given for true, given in zip(truth, prediction, strict=True) if true in labels]
    return sum(given not in abstentions for given in answers) / len(answers) if answers else float("nan")


def _tally(truth: Answers, prediction: Answers, labels: Labels) -> formulas.Tally:
    return formulas.tally(confusion_matrix(truth, prediction, labels))


def _by_label(labels: Labels, values: NDArray[np.float64]) -> dict[str, float]:
    return dict(zip(labels, values.tolist(), strict=True))
