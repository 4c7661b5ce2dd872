"""How far distributions are from each other, a clip a row. Arrays have the shape [clips, classes].

Cover and Thomas (2006), Elements of Information Theory, chapter 2: cross-entropy `-sum q ln p`, which is q's
entropy and the Kullback-Leibler divergence from p to q. Lin (1991), Divergence Measures Based on the Shannon
Entropy: Jensen-Shannon divergence. Total variation: half the sum of absolute differences. Soft F1: Harju and
Mesaros (2023), Evaluating Classification Systems against Soft Labels with Fuzzy Precision and Recall, in which the
smaller of both shares is what is hit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FLOOR = 1e-6
"""A probability is at least so much when its logarithm is taken, as of calibration figures."""


def entropy(q: Floats) -> Floats:
    """Nats.

    >>> entropy(np.array([[0.5, 0.5], [1.0, 0.0]])).round(4).tolist()
    [0.6931, 0.0]
    """
    return np.asarray(-(q * np.log(np.where(q > 0, q, 1.0))).sum(axis=-1) + 0.0, dtype=np.float64)


def cross_entropy(q: Floats, p: Floats) -> Floats:
    """Of answers p about raters q, nats.

    >>> cross_entropy(np.array([[0.75, 0.25]]), np.array([[0.5, 0.5]])).round(4).tolist()
    [0.6931]
    """
    return np.asarray(-(q * np.log(np.maximum(p, FLOOR))).sum(axis=-1), dtype=np.float64)


def jensen_shannon(q: Floats, p: Floats) -> Floats:
    """Bits: 0 for the same, 1 for nothing in common.

    >>> jensen_shannon(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.0, 1.0], [0.5, 0.5]])).round(4).tolist()
    [1.0, 0.0]
    """
    nats = entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2
    return np.asarray(np.clip(nats / np.log(2.0), 0.0, 1.0), dtype=np.float64)


def total_variation(q: Floats, p: Floats) -> Floats:
    """0 for the same, 1 for nothing in common.

    >>> total_variation(np.array([[1.0, 0.0]]), np.array([[0.75, 0.25]])).tolist()
    [0.25]
    """
    return np.asarray(np.abs(p - q).sum(axis=-1) / 2, dtype=np.float64)


def soft_f1(hit: Floats, whole: Floats) -> Floats:
    """F1 of each class from sums over clips: of `min(p, q)`, and of `p + q`; NaN for a class that nobody named.

    >>> soft_f1(np.array([1.5, 0.0]), np.array([4.0, 0.0])).tolist()
    [0.75, nan]
    """
    return np.asarray(np.where(whole > 0, 2 * hit / np.where(whole > 0, whole, 1.0), np.nan), dtype=np.float64)
