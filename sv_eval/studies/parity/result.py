"""What a parity check found, of what it measured."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from sv_eval.records import Failure, Prediction
from sv_eval.report.environment import CorpusFacts, MeasuredBackend, Surroundings
from sv_eval.report.parity import (
    DifferingLabel,
    DifferingLabels,
    Explained,
    Limits,
    ParityLatency,
    ParityResult,
    ParitySide,
    ProbabilityGap,
    SelfCheck,
    SideFailure,
    StageGap,
    Stages,
)
from sv_eval.report.reasons import Why
from sv_eval.scoring.percentiles import percentile
from sv_eval.studies.parity.config import ParityConfig
from sv_eval.studies.parity.differences import Agreement, agreement, margin, score_gap
from sv_eval.studies.parity.invariance import Check
from sv_eval.studies.parity.measure import Measured, Pair


def result_of(
    found: Measured, config: ParityConfig, titles: tuple[str, str], dataset: CorpusFacts, environment: Surroundings
) -> ParityResult:
    """Labels, probabilities, stages, latency and invariance; `environment` is what it was measured on."""
    whole = agreement([pair.answers[0] for pair in found.pairs], [pair.answers[1] for pair in found.pairs])
    one, other = found.infos
    flips = tuple(_flip(found.pairs[n]) for n in whole.flips)
    checks, other_checks = found.checks
    return ParityResult(
        dataset=dataset,
        sides=(_side(titles[0], one), _side(titles[1], other)),
        n_clips=len(found.pairs) + len(found.undecoded),
        n_compared=whole.n,
        n_failed=whole.failed + len(found.undecoded),
        flips=DifferingLabels(count=len(flips), clips=flips),
        words_differ=whole.words_differ,
        dp=ProbabilityGap(max=plain(whole.max_dp), mean=plain(whole.mean_dp)),
        identical=whole.identical,
        explained=_explained(found.pairs, flips),
        stages=_stages(found, config),
        latency_ms=_latency(found.pairs),
        invariance=(tuple(map(_check, checks)), tuple(map(_check, other_checks))),
        failures=_failures(found),
        untraced=tuple(_failure(clip, side, failure) for clip, side, failure in found.untraced),
        limits=Limits(max_flips=config.max_flips, max_dp=config.max_dp),
        broken_limits=broken_limits(whole, config),
        environment=environment,
    )


def plain(value: float | None) -> float | None:
    """Six significant digits, since differences may be tiny; None for what is not finite.

    >>> plain(1.23456789e-12), plain(float("inf"))
    (1.23457e-12, None)
    """
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def broken_limits(whole: Agreement, config: ParityConfig) -> tuple[str, ...]:
    """The limits that the sides' differences break, by setting; what could not be compared breaks them, too."""
    broken = []
    if config.max_flips is not None and len(whole.flips) + whole.failed > config.max_flips:
        broken.append("parity.max_flips")
    if config.max_dp is not None and not (whole.max_dp is not None and whole.max_dp <= config.max_dp):
        broken.append("parity.max_dp")
    return tuple(broken)


def _side(title: str, info: MeasuredBackend) -> ParitySide:
    return ParitySide(title=title, **{item.name: getattr(info, item.name) for item in fields(info)})


def _flip(pair: Pair) -> DifferingLabel:
    one, other = pair.answers
    assert isinstance(one, Prediction)
    assert isinstance(other, Prediction)
    return DifferingLabel(
        clip=pair.clip.id,
        path=pair.clip.path,
        reference=pair.clip.reference,
        labels=(one.label, other.label),
        confidence=(plain(one.confidence), plain(other.confidence)),
        margin=plain(margin(one)),
        dp=plain(score_gap(one, other)),
    )


def _explained(pairs: Sequence[Pair], flips: Sequence[DifferingLabel]) -> Explained | None:
    """Whether the clips that flipped were close calls: the first side's margins, flipped and not."""
    margins = [margin(pair.answers[0]) for pair in pairs if isinstance(pair.answers[0], Prediction)]
    known = [value for value in margins if value is not None]
    flipped = [flip.margin for flip in flips if flip.margin is not None]
    if not known or not flipped or len(flipped) < len(flips):
        return None
    return Explained(
        largest_margin_of_a_flip=max(flipped),
        median_margin=plain(float(np.median(known))),
        clips_with_smaller_margin=int(sum(value <= max(flipped) for value in known)),
    )


def _stages(found: Measured, config: ParityConfig) -> Stages:
    traced = found.traced
    if not traced:
        return Stages(n=0, reason=Why.of("not_looked_into" if found.untraced else "no_stages"), first={}, gaps=())
    names = list(traced[0].gaps)
    rows = []
    for name in names:
        gaps = [one.gaps[name] for one in traced if name in one.gaps]
        tolerance = config.tolerance.get(name, 0.0)
        rows.append(
            StageGap(
                stage=name,
                max=plain(max(gaps)),
                shapes_differ=sum(math.isinf(gap) for gap in gaps),
                tolerance=tolerance,
                beyond=sum(gap > tolerance for gap in gaps),
            )
        )
    first = Counter(one.first for one in traced if one.first is not None)
    return Stages(n=len(traced), first={name: first[name] for name in names if name in first}, gaps=tuple(rows))


def _latency(pairs: Sequence[Pair]) -> ParityLatency:
    """Both sides' medians, and the median of the clips' ratios with its bounds; answered clips only."""
    times = np.array(
        [pair.latency_ms for pair in pairs if not any(isinstance(answer, Failure) for answer in pair.answers)]
    ).reshape(-1, 2)
    return ParityLatency(
        sides=(percentile(times[:, 0], 0.5), percentile(times[:, 1], 0.5)),
        ratio=percentile(times[:, 1] / times[:, 0], 0.5),
    )


def _check(check: Check) -> SelfCheck:
    result = check.result
    if result is None:
        return SelfCheck(check=check.name, size=check.size, reason=Why.of("one_clip_a_call"))
    return SelfCheck(
        check=check.name,
        size=check.size,
        n=result.n,
        failed=result.failed,
        flips=len(result.flips),
        max_dp=plain(result.max_dp),
        identical=result.identical,
    )


def _failures(found: Measured) -> tuple[SideFailure, ...]:
    undecoded = [_failure(clip, None, failure) for clip, failure in found.undecoded]
    unanswered = [
        _failure(pair.clip.id, side, answer)
        for pair in found.pairs
        for side, answer in enumerate(pair.answers)
        if isinstance(answer, Failure)
    ]
    return (*undecoded, *unanswered)


def _failure(clip: str, side: int | None, failure: Failure) -> SideFailure:
    return SideFailure(clip=clip, side=side, kind=failure.kind, message=failure.message)
