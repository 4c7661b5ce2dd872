"""How far two answers, or two looks into a model, are apart. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.backend import Answer
from sv_eval.records import Failure, Prediction

LABEL, POSTERIOR = "label", "posterior"
"""The stages that every answer shows; a backend's own traced stages come before them."""


def score_gap(one: Prediction, other: Prediction) -> float | None:
    """The largest difference of any emotion's probability; None when either has no scores.

    >>> score_gap(Prediction(scores={"sad": 0.75, "happy": 0.25}), Prediction(scores={"sad": 0.5, "happy": 0.5}))
    0.25
    """
    if one.scores is None or other.scores is None:
        return None
    names = {*one.scores, *other.scores}
    return max((abs(one.scores.get(name, 0.0) - other.scores.get(name, 0.0)) for name in names), default=0.0)


def same_words(one: Prediction, other: Prediction) -> bool:
    """Whether everything but scores and timings is equal: label, text, language, event."""
    return (one.label, one.text, one.language, one.event) == (other.label, other.text, other.language, other.event)


def flipped(one: Prediction, other: Prediction) -> bool:
    """Whether the label, or its absence, differs."""
    return (one.label, one.no_speech) != (other.label, other.no_speech)


def margin(prediction: Prediction) -> float | None:
    """How far the most probable answer is ahead of the next one; None without scores.

    >>> round(margin(Prediction(scores={"sad": 0.6, "happy": 0.3, "angry": 0.1})), 6)
    0.3
    """
    if prediction.scores is None or len(prediction.scores) < 2:
        return None
    first, second = sorted(prediction.scores.values(), reverse=True)[:2]
    return first - second


def stage_gap(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The largest absolute difference of two arrays; infinite when their shapes differ."""
    if one.shape != other.shape:
        return float("inf")
    if not one.size:
        return 0.0
    return float(np.abs(one.astype(np.float64) - other.astype(np.float64)).max())


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How two lists of answers to the same clips compare."""

    n: int
    """Clips that both answered."""
    failed: int
    """Clips that at least one failed on."""
    flips: tuple[int, ...]
    """Positions at which the labels differ."""
    words_differ: int
    """Clips whose text, language or event differs."""
    max_dp: float | None
    """The largest difference of a probability; None without scores."""
    mean_dp: float | None
    """The mean over clips of their largest difference."""
    identical: bool
    """Whether every label, word and score is exactly equal."""


def agreement(one: Sequence[Answer], other: Sequence[Answer]) -> Agreement:
    """Compare answers pair by pair."""
    pairs = [(n, a, b) for n, (a, b) in enumerate(zip(one, other, strict=True)) if _both_answered(a, b)]
    gaps = [gap for _, a, b in pairs if (gap := score_gap(_said(a), _said(b))) is not None]
    return Agreement(
        n=len(pairs),
        failed=len(one) - len(pairs),
        flips=tuple(n for n, a, b in pairs if flipped(_said(a), _said(b))),
        words_differ=sum(not same_words(_said(a), _said(b)) for _, a, b in pairs),
        max_dp=max(gaps, default=None),
        mean_dp=sum(gaps) / len(gaps) if gaps else None,
        identical=len(pairs) == len(one)
        and all(same_words(_said(a), _said(b)) and _said(a).scores == _said(b).scores for _, a, b in pairs),
    )


def first_divergence(
    one: Mapping[str, NDArray[Any]],
    other: Mapping[str, NDArray[Any]],
    tolerances: Mapping[str, float],
) -> tuple[dict[str, float], str | None]:
    """The gap of every stage that both show, in order, and the first beyond its tolerance (None: none is)."""
    gaps = {stage: stage_gap(one[stage], other[stage]) for stage in one if stage in other}
    beyond = (stage for stage, gap in gaps.items() if gap > tolerances.get(stage, 0.0))
    return gaps, next(beyond, None)


def _both_answered(one: Answer, other: Answer) -> bool:
    return not isinstance(one, Failure) and not isinstance(other, Failure)


def _said(answer: Answer) -> Prediction:
    assert isinstance(answer, Prediction)
    return answer
