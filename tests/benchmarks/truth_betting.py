"""Is the sequential gate's capital that of a peer? `python tests/benchmarks/truth_betting.py CONFSEQ/src`.

CONFSEQ is an unpacked source package of `confseq` (0.0.9): it was written for numpy before 2, and what it compiles
is not used here.

Bettors on clips stake shares of the most that may be staked. On observations x = (change + 1) / 2 that is a bet of
lambda = share / m against a mean of m = (1 - loss) / 2 in Waudby-Smith and Ramdas's terms.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import types

import numpy as np

from sv_eval.scoring.paired.anytime import _SHARES, Units


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--clips", type=int, default=300)
    options = parser.parse_args()
    sys.path.insert(0, options.source)
    compiled = types.ModuleType("confseq.boundaries")
    vars(compiled)["__getattr__"] = lambda name: None
    sys.modules["confseq.boundaries"] = compiled
    vars(np).setdefault("float_", np.float64)
    betting_mart = importlib.import_module("confseq.betting").betting_mart
    worst, n = 0.0, options.clips
    for seed in range(options.draws):
        rng = np.random.default_rng(seed)
        change, loss = rng.choice([-1.0, 0.0, 1.0], n, p=[0.1, 0.8, 0.1]), float(rng.uniform(0.01, 0.1))
        even = np.full(n, 1 / n)
        ours = Units(np.zeros(n), even, change, even, np.arange(1, n + 1)).clips(loss)
        mean = (1 - loss) / 2
        capital = [
            betting_mart(
                (change + 1) / 2, mean, theta=1, trunc_scale=1, convex_comb=True,
                lambdas_fn_positive=lambda x, m, share=share: np.full(len(x), share / m),
            )
            for share in _SHARES
        ]  # fmt: skip
        worst = max(worst, float(np.abs(ours - np.log(np.mean(capital, axis=0))).max()))
    print(f"{options.draws} draws of {n} clips: logarithms of the capital differ by {worst:.1e} at most")


if __name__ == "__main__":
    main()
