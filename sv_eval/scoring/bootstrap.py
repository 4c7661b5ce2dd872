"""Confidence bounds by resampling whole clusters.

Three rules, chosen for each measure by the number n of clusters that it rests on:

- The expanded percentile interval (Hesterberg 2015, What Teachers Should Know About the Bootstrap):
  percentiles of the resampled values at `alpha'/2 = Phi(-sqrt(n / (n - 1)) t[alpha/2, n - 1])`, since plain
  percentiles are too narrow for few clusters.
- Below FEWEST clusters even these are too narrow, most of all near 0 and 1 (see sim_coverage.py):
  Student's t around the value with the delete-one-cluster jackknife's error, on the logit scale.
- A value of exactly 0 or 1 leaves nothing to resample: the Clopper-Pearson bound over the effective number of
  clips, `clips / (1 + (clips per cluster - 1) rho)` (Kish 1965). `rho`, how alike the clips of one cluster
  are, is that of the run's right answers; where all or none are right it is taken as 1, so that a whole
  cluster counts as one trial.

With one cluster, or clusters that are all alike, no spread can be seen: there is no bound, and the reason is
given.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring.clusters import HITS, SUPPORT, Clusters
from sv_eval.scoring.measures import Measures
from sv_eval.scoring.tally import Floats

PERCENTILE = "expanded percentile, clusters resampled"
JACKKNIFE = "jackknife t on the logit scale, {n} clusters"
EXACT = "Clopper-Pearson over {n:.0f} effective clips"

FEWEST = 30
"""The fewest clusters for percentiles."""
MOST_UNDEFINED = 0.05
"""Bounds are given up when more than this share of resamples have no value."""
_CHUNK_CELLS = 400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The bounds of one measure."""

    low: float | None
    """Lower bound."""
    high: float | None
    """Upper bound."""
    method: str | None
    """How they were found; None without bounds."""
    reason: str | None = None
    """Why there are none, or what to know about them."""


def bounds(clusters: Clusters, measures: Measures, *, confidence: float, resamples: int, seed: int) -> list[Bounds]:
    """The bounds of every measure, in the vector's order."""
    values = measures(clusters.total)
    n = measures.contributors(clusters.counts, clusters.multiplicity)
    low, high, undefined = _percentile_bounds(clusters, measures, n, confidence, resamples, seed)
    few = (n >= 2) & (n < FEWEST) & (values > 0) & (values < 1)
    if few.any():
        low[few], high[few] = _jackknife_bounds(clusters, measures, n, confidence, few)
    sizes = measures.sizes(clusters.total)
    per_cluster = np.maximum(sizes / np.maximum(n, 1), 1.0)
    effective = sizes / (1.0 + (per_cluster - 1.0) * likeness(clusters))
    return [
        _exact(float(values[i]), float(effective[i]), confidence)
        if values[i] in (0.0, 1.0) and n[i] >= 2
        else _bounds_of(values[i], low[i], high[i], int(n[i]), float(undefined[i]))
        for i in range(len(values))
    ]


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


def resampled(clusters: Clusters, *, resamples: int, seed: int) -> Iterator[Floats]:
    """Counts [STATISTICS, labels, b] of resamples, in chunks of bounded size."""
    rng = np.random.default_rng(seed)
    statistics, labels, groups = clusters.counts.shape
    flat = clusters.counts.reshape(-1, groups)
    chunk = max(1, _CHUNK_CELLS // max(groups, len(flat)))
    for start in range(0, resamples, chunk):
        weights = _weights(rng, clusters, min(chunk, resamples - start))
        yield (flat @ weights.T).reshape(statistics, labels, -1)


def _weights(rng: np.random.Generator, clusters: Clusters, rows: int) -> Floats:
    """How often each group is drawn in each of `rows` resamples; shape [rows, groups]."""
    groups, n = len(clusters.multiplicity), clusters.n
    if n > groups:
        return rng.multinomial(n, clusters.multiplicity / n, size=rows).astype(np.float64)
    drawn = rng.integers(0, groups, size=(rows, groups), dtype=np.int32)
    drawn += (np.arange(rows, dtype=np.int32) * groups)[:, None]
    return np.bincount(drawn.ravel(), minlength=rows * groups).reshape(rows, groups).astype(np.float64)


def _percentile_bounds(
    clusters: Clusters,
    measures: Measures,
    n: NDArray[np.int64],
    confidence: float,
    resamples: int,
    seed: int,
) -> tuple[Floats, Floats, Floats]:
    """Lower and upper bounds and the share of undefined resamples of every measure."""
    draws = np.empty((len(n), resamples))
    done = 0
    for counts in resampled(clusters, resamples=resamples, seed=seed):
        draws[:, done : done + counts.shape[-1]] = measures(counts)
        done += counts.shape[-1]
    draws.sort(axis=1)
    valid = resamples - np.isnan(draws).sum(axis=1)
    tail = _expanded_tail(n, confidence)
    return _quantile(draws, valid, tail), _quantile(draws, valid, 1.0 - tail), 1.0 - valid / resamples


def _expanded_tail(n: NDArray[np.int64], confidence: float) -> Floats:
    from scipy.special import ndtr, stdtrit

    clusters = np.maximum(n, 2).astype(np.float64)
    t = stdtrit(clusters - 1, (1.0 - confidence) / 2)
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
    clusters: Clusters,
    measures: Measures,
    n: NDArray[np.int64],
    confidence: float,
    which: NDArray[np.bool_],
) -> tuple[Floats, Floats]:
    from scipy.special import expit, logit, stdtrit

    value = measures(clusters.total)[which]
    without = measures(clusters.total[:, :, None] - clusters.counts)[which]
    weight = clusters.multiplicity.astype(np.float64)
    mean = (without @ weight) / clusters.n
    spread = ((without - mean[:, None]) ** 2) @ weight
    error = np.sqrt(spread * (clusters.n - 1) / clusters.n) / (value * (1.0 - value))
    half = error * stdtrit(n[which] - 1, (1 + confidence) / 2)
    return expit(logit(value) - half), expit(logit(value) + half)


def _exact(value: float, effective: float, confidence: float) -> Bounds:
    reach = ((1.0 - confidence) / 2) ** (1.0 / effective)
    low, high = (reach, 1.0) if value == 1.0 else (0.0, 1.0 - reach)
    note = f"every resample gives {value:g}"
    return Bounds(low=low, high=high, method=EXACT.format(n=effective), reason=note)


def _bounds_of(value: float, low: float, high: float, n: int, undefined: float) -> Bounds:
    if math.isnan(value):
        return Bounds(low=None, high=None, method=None)
    if n < 2:
        return Bounds(low=None, high=None, method=None, reason="one cluster only: no spread can be seen")
    if n >= FEWEST and (undefined > MOST_UNDEFINED or math.isnan(low)):
        share = f"{undefined:.0%} of resamples have no value"
        return Bounds(low=None, high=None, method=None, reason=f"{share}: too few clusters have these clips")
    if high - low < 1e-12:
        return Bounds(low=None, high=None, method=None, reason="all clusters alike: no spread can be seen")
    return Bounds(low=float(low), high=float(high), method=PERCENTILE if n >= FEWEST else JACKKNIFE.format(n=n))
