"""Changes of a share between two runs: of clips that both have, or of requests that each made.

A share of clips (answered `unknown`, failed) is compared clip by clip, with the delete-one-cluster standard error
of the difference. A share of requests (second attempts, stragglers) is no clip's: the two runs count as
independent, each with as many independent requests as its own are worth, and the difference has the bounds of
Clopper and Pearson on both sides put together by MOVER (Zou and Donner 2008), as the ratio of percentiles has.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.report.shares import Share
from sv_eval.scoring.clusters import effective_number
from sv_eval.scoring.paired.differences import JACKKNIFE, Difference, difference_with
from sv_eval.scoring.shares import clopper_pearson
from sv_eval.scoring.tally import Floats

Mask = NDArray[np.bool_]
Codes = NDArray[np.int64]


def share_of_clips(before: Mask, after: Mask | Floats, cluster: Codes, *, confidence: float = 0.95) -> Difference:
    """How a share of the same clips changed, or the mean of a number from 0 to 1 of each.

    `cluster` says which clips belong together; one with a negative code is by itself.

    With `d_g` the change of the number in cluster g and `n_g` its clips, the variance of `sum d_g / sum n_g` is
    `G / (G - 1) sum((d_g - difference n_g)^2) / (sum n_g)^2` (Cochran 1977, Sampling Techniques, 6.3).
    """
    n = len(before)
    known = cluster >= 0
    names, group = np.unique(cluster[known], return_inverse=True)
    group_of = np.empty(n, dtype=np.int64)
    group_of[known], group_of[~known] = group, len(names) + np.arange(int((~known).sum()))
    groups = len(names) + int((~known).sum())
    change = after.astype(np.float64) - before
    difference = float(change.mean())
    rest = np.bincount(group_of, change, groups) - difference * np.bincount(group_of, minlength=groups)
    error = math.sqrt(float((rest**2).sum()) * groups / (groups - 1)) / n if groups > 1 else math.nan
    sizes = np.bincount(group_of, minlength=groups).astype(np.float64)
    effective = float(effective_number(sizes, np.ones(groups, dtype=np.int64)))
    return difference_with(
        float(before.mean()), float(after.mean()), error, groups, effective, JACKKNIFE, confidence
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareChange:
    """How a share of requests changed from one run to another."""

    value: float
    """The later share less the earlier one."""
    high: float
    """Upper bound at the confidence asked for, on one side."""
    p_more: float
    """One-sided p-value of `there are no more of them`."""


def share_of_requests(before: Share, after: Share, *, confidence: float) -> ShareChange:
    """How a share of requests changed; `confidence` is of the one-sided bound. Both are shares of some."""
    two_sided = 2 * confidence - 1
    one, other = (_bounds(share, two_sided) for share in (before, after))
    value = other[1] - one[1]
    up = math.hypot(other[2] - other[1], one[1] - one[0])
    down = math.hypot(other[1] - other[0], one[2] - one[1])
    return ShareChange(value=value, high=value + up, p_more=_p_more(value, down, up, confidence))


def _bounds(share: Share, confidence: float) -> tuple[float, float, float]:
    """Lower bound, share, upper bound."""
    worth = share.worth or share.of
    found = share.n / share.of
    low, high = clopper_pearson(found * worth, worth, confidence)
    return low, found, high


def _p_more(value: float, down: float, up: float, confidence: float) -> float:
    """From how many of its own reaches the change lies above 0."""
    from scipy.special import ndtr, ndtri

    reach = down if value > 0 else up
    if reach <= 0:
        return 0.0 if value > 0 else 1.0
    return float(1 - ndtr(value / reach * ndtri(confidence)))
