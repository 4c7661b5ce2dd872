"""Resamples of a run: whole clusters drawn with replacement."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sv_eval.scoring.clusters import Clusters
from sv_eval.scoring.tally import Floats

_CHUNK_CELLS = 400_000


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
