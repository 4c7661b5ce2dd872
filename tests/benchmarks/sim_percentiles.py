"""How often a percentile's bounds hold the truth: `python tests/benchmarks/sim_percentiles.py [RUNS]`.

Three tables: of independent calls; of 1,000 calls that depend on each other, each inheriting a part of the one
before; and of clips gone through again and again, whose latencies differ by 0.35 (logarithms) and repeat within a
twentieth. Latencies are lognormal; the bounds are order statistics, which depend on the ranks alone, so that any
other continuous distribution gives the same. In brackets what bounds for independent calls hold; where a percentile
or a bound is refused, that is said.
"""

from __future__ import annotations

import sys
from statistics import NormalDist

import numpy as np

from sv_eval.report.interval import Interval
from sv_eval.scoring.call_sample import CallSample
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


def dependent(rng: np.random.Generator, inherited: float, n: int = 1000) -> CallSample:
    """Calls that inherit so much of the one before; the logarithms have the standard deviation 0.5."""
    values = rng.normal(size=n)
    for at in range(1, n):
        values[at] = inherited * values[at - 1] + np.sqrt(1 - inherited**2) * values[at]
    return CallSample(latency_ms=np.exp(0.5 * values), clip=np.arange(n), in_order=True)


def repeated(rng: np.random.Generator, clips: int, rounds: int) -> CallSample:
    """Rounds over clips."""
    of_clip = np.exp(0.35 * rng.normal(size=clips))
    latency_ms = np.tile(of_clip, rounds) * np.exp(0.05 * rng.normal(size=clips * rounds))
    return CallSample(latency_ms=latency_ms, clip=np.tile(np.arange(clips), rounds), in_order=True)


def held(found: Interval, truth: float) -> bool:
    """Whether the bounds that there are hold the truth; where one is missing, the other alone must."""
    return (found.low is None or found.low <= truth) and (found.high is None or truth <= found.high)


def cell(samples: list[CallSample], share: float, spread: float) -> str:
    """Coverage; in brackets that of bounds for independent calls; and what was refused."""
    truth = float(np.exp(spread * NormalDist().inv_cdf(share)))
    found = [sample.percentile(share) for sample in samples]
    given = [one for one in found if one.value is not None]
    naive = [percentile(sample.latency_ms, share) for sample in samples]
    # A handful that passed by chance says nothing about how often bounds hold.
    told = len(given) >= 0.05 * len(found)
    text = f"{np.mean([held(one, truth) for one in given]):.3f}" if told else "–"
    text += f" ({np.mean([held(one, truth) for one in naive]):.3f})"
    refused = len(found) - len(given)
    half = sum(one.low is None or one.high is None for one in given)
    if refused:
        text += f", {refused / len(found):.0%} refused"
    return text + (f", {half / len(found):.0%} without a bound" if half else "")


def table(title: str, rows: dict[str, list[CallSample]], spread: float) -> None:
    """Print a row a kind of calls."""
    shares = (0.5, 0.95, 0.99)
    print(f"\n| {title} | " + " | ".join(f"p{100 * share:g}" for share in shares) + " |\n|---|---|---|---|")
    for name, samples in rows.items():
        print(f"| {name} | " + " | ".join(cell(samples, share, spread) for share in shares) + " |", flush=True)


def main() -> None:
    """Print coverage, a row a size."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print("n       " + "".join(f"p{100 * share:<8g}" for share in SHARES))
    for n in SIZES:
        cells = [f"{coverage(share, n, runs):.3f}" if n >= minimum_n(share) else "-" for share in SHARES]
        print(f"{n:<8}" + "".join(f"{text:9}" for text in cells), flush=True)
    rng = np.random.default_rng(2)
    table(
        "each call inherits of the one before",
        {f"{part:g}": [dependent(rng, part) for _ in range(runs)] for part in (0.0, 0.2, 0.5, 0.9)},
        0.5,
    )
    kinds = ((20, 40), (60, 10), (200, 4), (1000, 2))
    table(
        "clips, rounds",
        {f"{clips}, {rounds}": [repeated(rng, clips, rounds) for _ in range(runs)] for clips, rounds in kinds},
        float(np.hypot(0.35, 0.05)),
    )


if __name__ == "__main__":
    main()
