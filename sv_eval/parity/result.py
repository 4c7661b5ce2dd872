"""What a parity check found, as parity.json holds it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from sv_eval.parity.config import ParityConfig
from sv_eval.parity.differences import Agreement, agreement, margin, score_gap
from sv_eval.parity.invariance import Check
from sv_eval.parity.measure import Measured, Pair
from sv_eval.records import Failure, Prediction
from sv_eval.report.codec import as_json
from sv_eval.report.environment import CorpusFacts
from sv_eval.scoring.percentiles import percentile


def result_json(
    found: Measured, config: ParityConfig, titles: Sequence[str], dataset: CorpusFacts
) -> dict[str, Any]:
    """What parity.json holds: labels, probabilities, stages, latency (as Intervals) and invariance."""
    whole = agreement([pair.answers[0] for pair in found.pairs], [pair.answers[1] for pair in found.pairs])
    return {
        "schema_version": 1,
        "dataset": dataset,
        "sides": [{"title": title, **as_json(info)} for title, info in zip(titles, found.infos, strict=True)],
        "n_clips": len(found.pairs) + len(found.undecoded),
        "n_compared": whole.n,
        "n_failed": whole.failed + len(found.undecoded),
        "flips": {"count": len(whole.flips), "clips": [_flip(found.pairs[n]) for n in whole.flips]},
        "words_differ": whole.words_differ,
        "dp": {"max": plain(whole.max_dp), "mean": plain(whole.mean_dp)},
        "identical": whole.identical,
        "explained": _explained(found.pairs, whole),
        "stages": _stages(found, config),
        "latency_ms": _latency(found.pairs),
        "invariance": [[_check(check) for check in checks] for checks in found.checks],
        "failures": _failures(found),
        "untraced": [
            {"clip": clip, "side": side, "kind": failure.kind, "message": failure.message}
            for clip, side, failure in found.untraced
        ],
        "limits": {"max_flips": config.max_flips, "max_dp": config.max_dp},
        "broken_limits": broken_limits(whole, config),
    }


def plain(value: float | None) -> float | None:
    """Six significant digits, since differences may be tiny; None for what is not finite.

    >>> plain(1.23456789e-12), plain(float("inf"))
    (1.23457e-12, None)
    """
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def broken_limits(whole: Agreement, config: ParityConfig) -> list[str]:
    """The limits that the sides' differences break, by setting; what could not be compared breaks them, too."""
    broken = []
    if config.max_flips is not None and len(whole.flips) + whole.failed > config.max_flips:
        broken.append("parity.max_flips")
    if config.max_dp is not None and not (whole.max_dp is not None and whole.max_dp <= config.max_dp):
        broken.append("parity.max_dp")
    return broken


def _flip(pair: Pair) -> dict[str, Any]:
    one, other = pair.answers
    assert isinstance(one, Prediction)
    assert isinstance(other, Prediction)
    return {
        "clip": pair.clip.id,
        "path": pair.clip.path,
        "reference": pair.clip.reference,
        "labels": [one.label, other.label],
        "confidence": [plain(one.confidence), plain(other.confidence)],
        "margin": plain(margin(one)),
        "dp": plain(score_gap(one, other)),
    }


def _explained(pairs: Sequence[Pair], whole: Agreement) -> dict[str, Any] | None:
    """Whether the clips that flipped were close calls: the first side's margins, flipped and not."""
    margins = [margin(pair.answers[0]) for pair in pairs if isinstance(pair.answers[0], Prediction)]
    known = [value for value in margins if value is not None]
    flipped = [_flip(pairs[n])["margin"] for n in whole.flips]
    if not known or not flipped or None in flipped:
        return None
    return {
        "largest_margin_of_a_flip": max(flipped),
        "median_margin": plain(float(np.median(known))),
        "clips_with_smaller_margin": int(sum(value <= max(flipped) for value in known)),
    }


def _stages(found: Measured, config: ParityConfig) -> dict[str, Any]:
    traced = found.traced
    why = "no clip could be looked into" if found.untraced else "a side shows no stages"
    if not traced:
        return {"n": 0, "reason": why, "first": {}, "gaps": []}
    names = list(traced[0].gaps)
    rows = []
    for name in names:
        gaps = [one.gaps[name] for one in traced if name in one.gaps]
        rows.append(
            {
                "stage": name,
                "max": plain(max(gaps)),
                "shapes_differ": sum(math.isinf(gap) for gap in gaps),
                "tolerance": config.tolerance.get(name, 0.0),
                "beyond": sum(gap > config.tolerance.get(name, 0.0) for gap in gaps),
            }
        )
    first = Counter(one.first for one in traced if one.first is not None)
    return {"n": len(traced), "first": {name: first[name] for name in names if name in first}, "gaps": rows}


def _latency(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Both sides' medians, and the median of the clips' ratios with its bounds; answered clips only."""
    times = np.array(
        [pair.latency_ms for pair in pairs if not any(isinstance(answer, Failure) for answer in pair.answers)]
    ).reshape(-1, 2)
    sides = [percentile(times[:, side], 0.5) for side in (0, 1)]
    return {"sides": sides, "ratio": percentile(times[:, 1] / times[:, 0], 0.5)}


def _check(check: Check) -> dict[str, Any]:
    result = check.result
    if result is None:
        return {"check": check.name, "size": check.size, "reason": "the backend takes one clip a call"}
    return {
        "check": check.name,
        "size": check.size,
        "n": result.n,
        "failed": result.failed,
        "flips": len(result.flips),
        "max_dp": plain(result.max_dp),
        "identical": result.identical,
    }


def _failures(found: Measured) -> list[dict[str, Any]]:
    failures: list[dict[str, Any]] = [
        {"clip": clip, "side": None, "kind": failure.kind, "message": failure.message}
        for clip, failure in found.undecoded
    ]
    for pair in found.pairs:
        for side, answer in enumerate(pair.answers):
            if isinstance(answer, Failure):
                failures.append(
                    {"clip": pair.clip.id, "side": side, "kind": answer.kind, "message": answer.message}
                )
    return failures
