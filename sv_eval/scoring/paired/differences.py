"""Differences of accuracy figures between two runs over the same clips, with bounds and p-values.

The standard error comes from whole speakers: with FEWEST or more of them, from a bootstrap that resamples speakers
with both runs' answers; with fewer, from the delete-one-speaker jackknife. Bounds and p-values take Student's t
with as many degrees of freedom as the figure's speakers, unequal as they are, allow. `sv_eval.gate selftest`
simulates false alarms and power.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.report.change import Change, ExactChange, written
from sv_eval.report.reasons import Why
from sv_eval.scoring.paired.counts import OVERALL, PairedClusters, paired_clusters
from sv_eval.scoring.paired.pairs import Pairs
from sv_eval.scoring.tally import Floats

FEWEST = 30
"""The fewest speakers for a bootstrap."""
BOOTSTRAP, JACKKNIFE = "cluster_bootstrap_t", "jackknife_t"
_CHUNK_CELLS = 400_000
_NOTHING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference(ExactChange):
    """How much a figure changed from the first run to the second."""

    freedom: float = 1.0
    """Degrees of freedom of its standard error: clusters of equal size that its own are worth, less 1."""
    span: float = 1.0
    """How far two such figures can lie apart at most."""

    @property
    def told(self) -> Change:
        """The difference as files have it, rounded."""
        return written(Change, self)

    def bound(self, confidence: float) -> float | None:
        """The one-sided lower bound of the difference at this confidence; None where no spread can be seen."""
        if self.value is None or self.error is None:
            return None
        return max(-self.span, self.value - self.error * quantile_of_t(confidence, self.freedom))


def differences_of(
    pairs: Pairs, *, confidence: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> Mapping[str, Difference]:
    """The differences by figure: `uar`, `accuracy`, `macro_f1`, and `recall:LABEL` for each label.

    confidence: of the two-sided bounds. resamples and seed: of the bootstrap.
    """
    names = [*OVERALL, *(f"recall:{label}" for label in pairs.labels)]
    if not pairs.n:
        return {name: _missing(Why.of("no_pairs"), 0) for name in names}
    clusters = paired_clusters(pairs)
    before, after = clusters.figures(clusters.total)
    n, effective = clusters.contributors(), clusters.effective()
    error, method = _errors(clusters, n, resamples, seed)
    return {
        name: difference_with(
            float(before[i]),
            float(after[i]),
            float(error[i]),
            int(n[i]),
            float(effective[i]),
            str(method[i]),
            confidence,
        )
        for i, name in enumerate(names)
    }


def difference_with(
    before: float, after: float, error: float, n: int, effective: float, method: str, confidence: float,
    *, span: float = 1.0,
) -> Difference:  # fmt: skip
    """The difference of two figures with this standard error, of n clusters that are worth `effective` equal ones.

    Without bounds where it has no error. span: how far two such figures can lie apart at most.
    """
    if np.isnan(before) or np.isnan(after):
        return _missing(Why.of("not_in_both"), n)
    value = after - before
    if n < 2:
        return _bare(before, after, n, Why.of("one_unit", unit="speaker"))
    if not error > _NOTHING:
        return _bare(before, after, n, Why.of("units_alike", unit="speaker"))
    freedom = max(1.0, min(effective, n) - 1.0)
    half = error * quantile_of_t(0.5 + confidence / 2, freedom)
    worse = _t_below(value / error, freedom)
    return Difference(
        before=before,
        after=after,
        value=value,
        # With two or three speakers Student's t reaches further than two figures can lie apart.
        low=max(-span, value - half),
        high=min(span, value + half),
        error=error,
        p_worse=worse,
        p_value=min(1.0, 2 * min(worse, 1 - worse)),
        n_clusters=n,
        method=method,
        freedom=freedom,
        span=span,
    )


def no_difference(reason: Why) -> Difference:
    """A difference that can't be given, and why."""
    return _missing(reason, 0)


def _bare(before: float, after: float, n: int, reason: Why) -> Difference:
    """A difference whose spread can't be seen; no change at all is no evidence of one."""
    same = abs(after - before) <= _NOTHING
    return Difference(
        before=before, after=after, value=after - before, low=None, high=None, error=None,
        p_worse=1.0 if same else None, p_value=1.0 if same else None, n_clusters=n, method=None, reason=reason,
    )  # fmt: skip


def _missing(reason: Why, n: int) -> Difference:
    return Difference(
        before=None, after=None, value=None, low=None, high=None, error=None, p_worse=None, p_value=None,
        n_clusters=n, method=None, reason=reason,
    )  # fmt: skip


def _errors(
    clusters: PairedClusters, n: NDArray[np.int64], resamples: int, seed: int
) -> tuple[Floats, NDArray[np.str_]]:
    """The standard error of every difference, and how it was found."""
    many = n >= FEWEST
    jackknife = _jackknife_errors(clusters) if not many.all() else np.full(len(n), np.nan)
    if not many.any():
        return jackknife, np.full(len(n), JACKKNIFE)
    sums, squares, count = np.zeros(len(n)), np.zeros(len(n)), np.zeros(len(n))
    for counts in _resampled(clusters, resamples, seed):
        drawn = clusters.differences(counts)
        fine = ~np.isnan(drawn)
        drawn = np.where(fine, drawn, 0.0)
        sums, squares, count = sums + drawn.sum(axis=1), squares + (drawn**2).sum(axis=1), count + fine.sum(axis=1)
    mean = sums / np.maximum(count, 1)
    # A bootstrap of n clusters has (n - 1) / n of the variance.
    spread = np.maximum(squares / np.maximum(count, 1) - mean**2, 0.0) * n / np.maximum(n - 1, 1)
    return np.where(many, np.sqrt(spread), jackknife), np.where(many, BOOTSTRAP, JACKKNIFE)


def _jackknife_errors(clusters: PairedClusters) -> Floats:
    """The delete-one-cluster standard errors of the differences.

    A figure that the deletion of a cluster leaves undefined takes its whole value for that cluster.
    """
    whole = clusters.differences(clusters.total)
    without = clusters.differences(clusters.total[:, :, None] - clusters.counts)
    without = np.where(np.isnan(without), whole[:, None], without)
    weight = clusters.multiplicity.astype(np.float64)
    mean = (without @ weight) / clusters.n
    spread = ((without - mean[:, None]) ** 2) @ weight
    return np.asarray(np.sqrt(spread * (clusters.n - 1) / clusters.n), dtype=np.float64)


def _resampled(clusters: PairedClusters, resamples: int, seed: int) -> Iterator[Floats]:
    """Counts [6, labels, b] of resamples of whole clusters, in chunks of bounded size."""
    rng = np.random.default_rng(seed)
    groups = len(clusters.multiplicity)
    flat = clusters.counts.reshape(-1, groups)
    chunk = max(1, _CHUNK_CELLS // max(groups, len(flat)))
    share = clusters.multiplicity / clusters.n
    for start in range(0, resamples, chunk):
        drawn = rng.multinomial(clusters.n, share, size=min(chunk, resamples - start)).astype(np.float64)
        yield (flat @ drawn.T).reshape(*clusters.counts.shape[:2], -1)


def quantile_of_t(confidence: float, freedom: float) -> float:
    """The quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, confidence))


def _t_below(value: float, freedom: float) -> float:
    """P(t < value)."""
    from scipy.special import stdtr

    return float(stdtr(freedom, value))
