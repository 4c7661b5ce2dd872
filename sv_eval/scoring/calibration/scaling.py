"""Scores made into probabilities: temperature and vector scaling of Guo et al. (2017), On Calibration of Modern
Neural Networks, from scores instead of logits.

A score p of name k becomes `exp(w_k ln p + b_k)`, scaled so that all names add up to 1. Temperature scaling has one
`w = 1/T` and no b: it changes how sure the scores are, never their order. Vector scaling has a pair for each
emotion that clips are of, found near those of temperature scaling: `sum((w - 1/T)^2 + b^2) / n`, the weight of a
single clip, is added to the mean log loss. Names that no clip is of (`unknown`) keep `1/T` and 0: there is
nothing to fit them to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring.calibration.errors import FLOOR

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_LEAST_T, _MOST_T = 0.05, 20.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scaling:
    """A weight and a bias for each name."""

    weights: Floats
    """`w`; shape [names]."""
    biases: Floats
    """`b`."""

    @classmethod
    def of_temperature(cls, temperature: float, names: int) -> Self:
        """The same weight for all names."""
        return cls(weights=np.full(names, 1 / temperature), biases=np.zeros(names))

    def applied(self, scores: Floats) -> Floats:
        """The scores [clips, names] as probabilities.

        >>> Scaling.of_temperature(2.0, 2).applied(np.array([[0.8, 0.2]])).round(6).tolist()
        [[0.666667, 0.333333]]
        """
        return _softmax(self.weights * _logs(scores) + self.biases)


def temperature_of(scores: Floats, reference: Codes) -> float:
    """The temperature with the least log loss; `reference` is the place of each clip's name."""
    from scipy.optimize import minimize_scalar

    logs, rows = _logs(scores), np.arange(len(scores))

    def loss(log_temperature: float) -> float:
        scaled = logs / math.exp(log_temperature)
        return float((_log_sum(scaled) - scaled[rows, reference]).mean())

    bounds = math.log(_LEAST_T), math.log(_MOST_T)
    return math.exp(float(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-7}).x))


def vector_of(scores: Floats, reference: Codes, temperature: float) -> Scaling:
    """Vector scaling of the names that clips are of."""
    from scipy.optimize import minimize

    logs, (n, names) = _logs(scores), scores.shape
    free = np.unique(reference)
    one_hot = np.zeros((n, names))
    one_hot[np.arange(n), reference] = 1.0

    def scaling(x: Floats) -> Scaling:
        found = Scaling.of_temperature(temperature, names)
        found.weights[free] += x[: len(free)]
        found.biases[free] = x[len(free) :]
        return found

    def loss(x: Floats) -> tuple[float, Floats]:
        of = scaling(x)
        scaled = of.weights * logs + of.biases
        value = float((_log_sum(scaled) - (scaled * one_hot).sum(axis=1)).mean() + (x**2).sum() / n)
        rest = (_softmax(scaled) - one_hot) / n
        gradient = np.concatenate([(rest * logs).sum(axis=0)[free], rest.sum(axis=0)[free]])
        return value, gradient + 2 * x / n

    found = minimize(loss, np.zeros(2 * len(free)), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return scaling(found.x)


def _logs(scores: Floats) -> Floats:
    return np.log(np.maximum(scores, FLOOR))


def _log_sum(values: Floats) -> Floats:
    most = values.max(axis=1)
    return np.asarray(most + np.log(np.exp(values - most[:, None]).sum(axis=1)), dtype=np.float64)


def _softmax(values: Floats) -> Floats:
    return np.exp(values - _log_sum(values)[:, None])
