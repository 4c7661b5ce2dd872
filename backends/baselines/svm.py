"""A linear support vector machine over standardised features, its settings chosen among the training clips."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.errors import CorpusError
from sv_eval.scoring.metrics import uar

Floats = NDArray[np.float64]

GRID: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""The values of C that are tried."""
INNER_PARTS = 5
"""The most parts of the group cross-validation within the training clips."""
_TEMPERATURES = np.geomspace(0.02, 20.0, 121)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearSvm:
    """A fitted machine."""

    labels: tuple[str, ...]
    """What it can say: the labels of its training clips, in order."""
    c: float
    """The C that it was fitted with."""
    temperature: float | None
    """What margins are divided by before the softmax; None where nothing was left over to fit it on."""
    machine: Any
    """scikit-learn's pipeline: standardisation, then the machine."""

    def judge(self, features: Floats) -> tuple[str, dict[str, float] | None]:
        """The label of one clip, and its posterior where there is one."""
        margins = _margins(self.machine, features[None, :], len(self.labels))[0]
        label = self.labels[int(np.argmax(margins))]
        if self.temperature is None:
            return label, None
        shares = np.exp(_log_softmax(margins[None, :] / self.temperature)[0])
        return label, dict(zip(self.labels, (shares / shares.sum()).tolist(), strict=True))


def fit(
    features: Floats, truth: Sequence[str], groups: Sequence[Hashable], *, c: float | None, who: str
) -> LinearSvm:
    """The machine for features [clips, dimensions] of clips with these labels.

    groups say which clips belong together (by speaker): cross-validation inside never parts them. c: the C to take;
    None takes the one of `GRID` with the highest UAR in that cross-validation, the smallest of equals. The margins
    of the clips that it held out also decide the temperature: the one that makes their labels most likely (Guo et
    al. 2017, On Calibration of Modern Neural Networks). who: what the machine is fitted for, for errors.

    Raises CorpusError when there are fewer than two labels, or nothing to choose C by.
    """
    codes, labels = _coded(truth)
    if len(labels) < 2:
        raise CorpusError(
            f"{who}: the training clips hold no emotion but {labels[0]}; two are needed to tell apart"
        )
    part = parts_of(groups)
    if part is None and c is None:
        raise CorpusError(
            f"{who}: one training speaker only, so C can't be chosen among others; give backend.c=0.01"
        )
    chosen, held_out = 1.0 if c is None else c, None
    if part is not None:
        tried = {
            value: _held_out(features, codes, part, value, len(labels)) for value in (GRID if c is None else (c,))
        }
        names = list(labels)
        score = {
            value: uar(list(truth), [names[i] for i in margins.argmax(axis=1)], labels)
            for value, margins in tried.items()
        }
        chosen = max(tried, key=lambda value: (score[value], -value))
        held_out = tried[chosen]
    machine = _machine(chosen).fit(features, codes)
    temperature = None if held_out is None else _temperature(held_out, codes)
    return LinearSvm(labels=labels, c=chosen, temperature=temperature, machine=machine)


def _machine(c: float) -> Any:
    """One against one, as in the openSMILE literature; each label weighs the same, since UAR is what counts."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    svm = SVC(kernel="linear", C=c, class_weight="balanced", decision_function_shape="ovr", break_ties=True)
    return make_pipeline(StandardScaler(), svm)


def _coded(truth: Sequence[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    labels = tuple(sorted(set(truth)))
    code = {label: place for place, label in enumerate(labels)}
    return np.array([code[label] for label in truth], dtype=np.int64), labels


def parts_of(groups: Sequence[Hashable]) -> NDArray[np.int64] | None:
    """A part for each clip, whole groups together and the parts about equal; None for a single group."""
    names = sorted(set(groups), key=str)
    if len(names) < 2:
        return None
    code = {name: place for place, name in enumerate(names)}
    group = np.array([code[name] for name in groups], dtype=np.int64)
    sizes = np.bincount(group)
    filled = [0] * min(INNER_PARTS, len(names))
    part = np.empty(len(names), dtype=np.int64)
    for place in np.argsort(-sizes, kind="stable").tolist():
        part[place] = filled.index(min(filled))
        filled[part[place]] += int(sizes[place])
    return np.asarray(part[group], dtype=np.int64)


def _held_out(
    features: Floats, codes: NDArray[np.int64], part: NDArray[np.int64], c: float, n_labels: int
) -> Floats:
    """The margins [clips, labels] of each clip, from a machine that was fitted without its part.

    A label that the other parts don't hold has the margin -inf.
    """
    margins = np.full((len(codes), n_labels), -np.inf)
    for number in range(int(part.max()) + 1):
        out = part == number
        known = np.unique(codes[~out])
        if len(known) < 2:
            margins[out, known[0]] = 0.0
            continue
        machine = _machine(c).fit(features[~out], codes[~out])
        margins[np.ix_(out, known)] = _margins(machine, features[out], len(known))
    return margins


def _margins(machine: Any, features: Floats, n_labels: int) -> Floats:
    found = np.asarray(machine.decision_function(features), dtype=np.float64)
    return np.stack([-found, found], axis=1) if n_labels == 2 else found


def _temperature(margins: Floats, codes: NDArray[np.int64]) -> float | None:
    """The temperature of the largest likelihood; None where no clip's own label could have been said."""
    of_truth = margins[np.arange(len(codes)), codes]
    sayable = np.isfinite(of_truth) & (np.isfinite(margins).sum(axis=1) > 1)
    if not sayable.any():
        return None
    rows, truth = margins[sayable], codes[sayable]
    loss = [-_log_softmax(rows / t)[np.arange(len(truth)), truth].mean() for t in _TEMPERATURES]
    return float(_TEMPERATURES[int(np.argmin(loss))])


def _log_softmax(values: Floats) -> Floats:
    shifted = values - values.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), dtype=np.float64)
