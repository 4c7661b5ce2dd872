"""What finished runs say about how changes vary, how long clips take, and how latencies are spread."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sv_eval.errors import ConfigError
from sv_eval.finished.reading import FinishedRun
from sv_eval.scoring.call_sample import CallSample
from sv_eval.scoring.paired.pairs import Pairs, pairs_of
from sv_eval.scoring.smallest import smallest
from sv_eval.studies.plan.sizes import Spread

Floats = NDArray[np.float64]

_MOST_CALLS = 100_000_000


def spread_of(pairs: Pairs, figure: str) -> tuple[Spread, int, float]:
    """How changes vary between and within speakers, with the number of speakers and the clips of each.

    By the method of moments of an analysis of variance in one way (Searle 1971, chapter 10): a variance between
    speakers that comes out negative is 0. UAR's changes are weighted so that emotions count alike. Raises
    ConfigError for fewer than two speakers.
    """
    if pairs.n < 2:
        raise ConfigError(f"the pilot runs share {pairs.n} clips; more are needed to see how changes vary")
    change = pairs.right_after.astype(np.float64) - pairs.right_before.astype(np.float64)
    if figure == "uar":
        support = np.bincount(pairs.reference, minlength=len(pairs.labels)).astype(np.float64)
        classes = int((support > 0).sum())
        change *= pairs.n / (classes * support[pairs.reference])
    speaker = np.where(pairs.speaker >= 0, pairs.speaker, pairs.speaker.max() + 1 + np.arange(pairs.n))
    _, code, counts = np.unique(speaker, return_inverse=True, return_counts=True)
    n, speakers = len(change), len(counts)
    if speakers < 2:
        raise ConfigError("the pilot runs have one speaker; how speakers differ can't be seen from one")
    means = np.bincount(code, change) / counts
    if n == speakers:
        return Spread(between=0.0, within=float(change.std(ddof=1))), speakers, 1.0
    within = float(np.square(change - means[code]).sum()) / (n - speakers)
    among = float((counts * np.square(means - change.mean())).sum()) / (speakers - 1)
    usual = (n - float(np.square(counts).sum()) / n) / (speakers - 1)
    return (
        Spread(between=math.sqrt(max(0.0, (among - within) / usual)), within=math.sqrt(within)),
        speakers,
        n / speakers,
    )


def pairs_of_runs(one: FinishedRun, other: FinishedRun) -> Pairs:
    """The pairs of two pilot runs."""
    return pairs_of(one.answers, other.answers, one.report.labels, one.report.policy)


def seconds_a_clip(run: FinishedRun) -> float | None:
    """How long the run took for each clip, with as many under way as it had; None after a kill."""
    facts = run.report.run
    return facts.wall_s / facts.n_clips if facts.wall_s and facts.n_clips else None


def calls_for_width(sample: CallSample, p: float, width: float, confidence: float) -> tuple[int, float]:
    """How many calls bound a percentile to half a width of `width` of it, and what share of a call each is worth.

    The bounds are order statistics, whose places lie z sqrt(p (1 - p) / n) around p (David and Nagaraja 2003, Order
    Statistics, 7.1); how far values lie there apart is read off the pilot's own. Raises ConfigError for a pilot of
    too few calls.
    """
    from scipy.special import ndtri

    n = sample.n
    if n < 20:
        raise ConfigError(f"the pilot has {n} calls; 20 are the least from which a percentile can be planned")
    value = float(np.quantile(sample.latency_ms, p))
    z = float(ndtri(0.5 + confidence / 2))
    worth = sample.dependence(p).worth(n) / n

    def half_width(calls: int) -> float:
        reach = z * math.sqrt(p * (1 - p) / calls)
        low, high = (float(np.quantile(sample.latency_ms, min(max(at, 0.0), 1.0))) for at in (p - reach, p + reach))
        return (high - low) / 2 / value if value else 0.0

    def enough(calls: int) -> bool:
        return half_width(calls) <= width and p + z * math.sqrt(p * (1 - p) / calls) < 1

    needed = smallest(enough, 1, _MOST_CALLS)
    if needed is None:
        raise ConfigError(f"no number of calls up to {_MOST_CALLS} bounds it so closely; give a larger width")
    return math.ceil(needed / worth), worth
