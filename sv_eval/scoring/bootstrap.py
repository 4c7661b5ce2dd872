"""Confidence bounds by resampling whole clusters.

Four rules, chosen for each measure by the number n of clusters that it rests on:

- The expanded percentile interval (Hesterberg 2015, What Teachers Should Know About the Bootstrap):
  percentiles of the resampled values at `alpha'/2 = Phi(-sqrt(n / (n - 1)) t[alpha/2, n - 1])`, since plain
  percentiles are too narrow for few clusters.
- Below FEWEST clusters even these are too narrow, most of all near 0 and 1 (see sim_coverage.py):
  Student's t around the value with the delete-one-cluster jackknife's error, on the logit scale.
- A value of exactly 0 or 1 leaves nothing to resample: the Clopper-Pearson bound over the effective number of
  clips, `clips / (1 + (clips per cluster - 1) rho)` (Kish 1965). `rho`, how alike the clips of one cluster
  are, is that of the run's right answers; where all or none are right it is taken as 1, so that a whole
  cluster counts as one trial.

- A mean over labels (UAR, macro F1) whose scarcest label has fewer than FEWEST clusters, or that is exactly 0 or
  1, is bounded from the bounds of its labels (see `mean_bounds`).

Student's t has as many degrees of freedom as clusters of equal size would have that these are worth
(`sv_eval.scoring.clusters.effective_number`), less 1, and 1 at least.

With one cluster, or clusters that are all alike, no spread can be seen: there is no bound, and the reason is
given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.report.reasons import Why
from sv_eval.scoring.clusters import HITS, SUPPORT, Clusters
from sv_eval.scoring.mean_bounds import bounds_of_mean
from sv_eval.scoring.measures import Facts, Measures
from sv_eval.scoring.tally import Floats

PERCENTILE = "expanded_percentile"
JACKKNIFE = "jackknife_t"
EXACT = "clopper_pearson"
COMBINED = "combined_labels"
"""The rules' names in `metrics.json`."""

FEWEST = 30
"""The fewest clusters for percentiles."""
MOST_UNDEFINED = 0.05
"""Bounds are given up when more than this share of resamples have no value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The bounds of one measure."""

    low: float | None
    """Lower bound."""
    high: float | None
    """Upper bound."""
    method: str | None
    """How they were found: `expanded_percentile` and so on; None without bounds."""
    reason: Why | None = None
    """Why there are none, or what to know about them."""
    free: tuple[int, ...] = ()
    """Of a mean over labels: which of the labels it has, by position among them, have no bounds of their own."""


def bounds(
    clusters: Clusters, measures: Measures, facts: Facts, *, confidence: float, resamples: int, seed: int
) -> list[Bounds]:
    """The bounds of every measure, in the vector's order; `facts` are what the measures find in the clusters."""
    values, sizes, n = facts.values, facts.sizes, facts.n_clusters
    freedom = np.maximum(facts.effective - 1.0, 1.0)
    low, high, undefined = _percentile_bounds(clusters, measures, n, freedom, confidence, resamples, seed)
    few = (n >= 2) & (n < FEWEST) & (values > 0) & (values < 1)
    few_means = [
        (mean, parts)
        for mean, parts in facts.means
        if not np.isnan(values[mean]) and (n[mean] < FEWEST or values[mean] in (0.0, 1.0))
    ]
    alike = likeness(clusters)
    without = measures(clusters.total[:, :, None] - clusters.counts) if few.any() or few_means else values[:, None]
    if few.any():
        low[few], high[few] = _jackknife_bounds(clusters, values[few], without[few], freedom[few], confidence)
    per_cluster = np.maximum(sizes / np.maximum(n, 1), 1.0)
    effective = sizes / (1.0 + (per_cluster - 1.0) * alike)
    unit = clusters.kind if clusters.kind == "speaker" else "cluster"
    found = [
        _exact(float(values[i]), float(effective[i]), confidence)
        if values[i] in (0.0, 1.0) and n[i] >= 2
        else _bounds_of(values[i], low[i], high[i], int(n[i]), float(undefined[i]), unit)
        for i in range(len(values))
    ]
    weight = clusters.multiplicity.astype(np.float64)
    for mean, parts in few_means:
        found[mean] = _of_mean(values[parts], [found[part] for part in parts], without[parts], weight, alike)
    return found


def likeness(clusters: Clusters) -> float:
    """How alike the answers within a cluster are: the intraclass correlation of being right, 0 to 1.

    From the design effect of the accuracy (unknown counted as wrong), `1 + (m - 1) rho` with m the mean
    cluster size that a clip sees; 1 where all or none are right, since nothing can be seen then.
    """
    size, hits = clusters.counts[SUPPORT].sum(axis=0), clusters.counts[HITS].sum(axis=0)
    weight = clusters.multiplicity.astype(np.float64)
    clips, n = float(size @ weight), clusters.n
    share = float(hits @ weight) / clips
    if n < 2 or share in (0.0, 1.0):
        return 1.0
    mean_size = float(size**2 @ weight) / clips
    if mean_size <= 1.0:
        return 0.0
    variance = n / (n - 1) * float((hits - share * size) ** 2 @ weight) / clips
    effect = variance / (share * (1.0 - share))
    return min(1.0, max(0.0, (effect - 1.0) / (mean_size - 1.0)))


def _percentile_bounds(
    clusters: Clusters,
    measures: Measures,
    n: NDArray[np.int64],
    freedom: Floats,
    confidence: float,
    resamples: int,
    seed: int,
) -> tuple[Floats, Floats, Floats]:
    """Lower and upper bounds and the share of undefined resamples of every measure."""
    draws = np.empty((len(n), resamples))
    done = 0
    for counts in clusters.resampled(resamples=resamples, seed=seed):
        draws[:, done : done + counts.shape[-1]] = measures(counts)
        done += counts.shape[-1]
    draws.sort(axis=1)
    valid = resamples - np.isnan(draws).sum(axis=1)
    tail = _expanded_tail(n, freedom, confidence)
    return _quantile(draws, valid, tail), _quantile(draws, valid, 1.0 - tail), 1.0 - valid / resamples


def _expanded_tail(n: NDArray[np.int64], freedom: Floats, confidence: float) -> Floats:
    from scipy.special import ndtr, stdtrit

    clusters = np.maximum(n, 2).astype(np.float64)
    t = stdtrit(freedom, (1.0 - confidence) / 2)
    return np.asarray(ndtr(np.sqrt(clusters / (clusters - 1)) * t), dtype=np.float64)


def _quantile(draws: Floats, valid: NDArray[np.int64], share: Floats) -> Floats:
    """Quantiles of rows sorted with NaN last, by linear interpolation; NaN for a row without values."""
    rows = np.arange(len(draws))
    place = share * np.maximum(valid - 1, 0)
    left = np.floor(place).astype(np.int64)
    right = np.minimum(left + 1, np.maximum(valid - 1, 0))
    part = place - left
    return np.asarray(draws[rows, left] * (1 - part) + draws[rows, right] * part, dtype=np.float64)


def _jackknife_bounds(
    clusters: Clusters, value: Floats, without: Floats, freedom: Floats, confidence: float
) -> tuple[Floats, Floats]:
    """Bounds of values from what they are `without` each cluster; shape [values, clusters]."""
    from scipy.special import expit, logit, stdtrit

    weight = clusters.multiplicity.astype(np.float64)
    mean = (without @ weight) / clusters.n
    spread = ((without - mean[:, None]) ** 2) @ weight
    error = np.sqrt(spread * (clusters.n - 1) / clusters.n) / (value * (1.0 - value))
    half = error * stdtrit(freedom, (1 + confidence) / 2)
    return expit(logit(value) - half), expit(logit(value) + half)


def _of_mean(values: Floats, parts: Sequence[Bounds], without: Floats, weight: Floats, alike: float) -> Bounds:
    free = [part.low is None or part.high is None for part in parts]
    if all(free):
        return parts[0]
    low = np.array([0.0 if part.low is None else part.low for part in parts])
    high = np.array([1.0 if part.high is None else part.high for part in parts])
    low[free], high[free] = 0.0, 1.0
    at_least, at_most = bounds_of_mean(values, low, high, without, weight, alike)
    return Bounds(low=at_least, high=at_most, method=COMBINED, free=tuple(np.flatnonzero(free).tolist()))


def _exact(value: float, effective: float, confidence: float) -> Bounds:
    reach = ((1.0 - confidence) / 2) ** (1.0 / effective)
    low, high = (reach, 1.0) if value == 1.0 else (0.0, 1.0 - reach)
    note = Why.of("effective_clips", value=f"{value:g}", n=round(effective))
    return Bounds(low=low, high=high, method=EXACT, reason=note)


def _bounds_of(value: float, low: float, high: float, n: int, undefined: float, unit: str) -> Bounds:
    if math.isnan(value):
        return Bounds(low=None, high=None, method=None)
    if n < 2:
        return Bounds(low=None, high=None, method=None, reason=Why.of("one_unit", unit=unit))
    if n >= FEWEST and (undefined > MOST_UNDEFINED or math.isnan(low)):
        why = Why.of("few_units", share=f"{undefined:.0%}", unit=unit)
        return Bounds(low=None, high=None, method=None, reason=why)
    if high - low < 1e-12:
        return Bounds(low=None, high=None, method=None, reason=Why.of("units_alike", unit=unit))
    return Bounds(low=float(low), high=float(high), method=PERCENTILE if n >= FEWEST else JACKKNIFE)
