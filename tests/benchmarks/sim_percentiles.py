"""How often a percentile's bounds hold the truth: `python tests/benchmarks/sim_percentiles.py [RUNS]`.

Independent draws from a lognormal distribution, whose percentiles are known; the bounds are order statistics, which
depend on the distribution's ranks alone, so that any other continuous one gives the same coverage.
"""

from __future__ import annotations

import sys
from statistics import NormalDist

import numpy as np

from sv_eval.scoring.percentiles import minimum_n, percentile

SHARES = (0.5, 0.9, 0.95, 0.99)
SIZES = (200, 500, 1000, 2000, 10_000)


def coverage(share: float, n: int, runs: int, confidence: float = 0.95) -> float:
    """The share of runs whose bounds hold the true percentile."""
    draw, truth = np.random.default_rng(1), float(np.exp(0.5 * NormalDist().inv_cdf(share)))
    held = 0
    for _ in range(runs):
        found = percentile(np.exp(0.5 * draw.normal(size=n)), share, confidence=confidence)
        held += found.low is not None and found.high is not None and found.low <= truth <= found.high
    return held / runs


def main() -> None:
    """Print coverage, a row a size."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print("n       " + "".join(f"p{100 * share:<8g}" for share in SHARES))
    for n in SIZES:
        cells = [f"{coverage(share, n, runs):.3f}" if n >= minimum_n(share) else "-" for share in SHARES]
        print(f"{n:<8}" + "".join(f"{cell:9}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
