"""A report's figures in one list, each with what it is of, its bounds and what its scale is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from sv_eval.report.interval import Interval
from sv_eval.report.reasons import Why
from sv_eval.report.report import Report
from sv_eval.scoring.policies import HEADLINE

ALL = "all"
"""What a figure of the whole run is of."""
SOFT = ("cross_entropy", "kl", "js", "tvd", "soft_macro_f1", "soft_accuracy")
SEVERAL = ("macro_f1", "micro_f1", "hit_rate", "hamming_loss", "exact")
PERCENTILES = ("p50", "p90", "p95", "p99")
_LATENCY = "latency_ms_"
_TO_MINUS_ONE = frozenset({"ccc", "pearson", "alpha"})
_ERRORS = frozenset({"rtf", "rmse", "cross_entropy", "kl", "js", "tvd", "several_hamming_loss"})
_UNBOUNDED = frozenset({"rtf", "rmse", "cross_entropy", "kl", "bias"})
_NO_SHARES = frozenset({"rmse", "cross_entropy", "kl", "js", "bias", *_TO_MINUS_ONE})


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFigure:
    """One figure of a report."""

    of: str
    """`all`, an emotion, or an emotional dimension."""
    name: str
    """As it is called in figures.csv: `uar`, `recall`, `latency_ms_p95`, ..."""
    value: float | None
    """The figure; None where it can't be given honestly."""
    low: float | None = None
    """Its lower bound."""
    high: float | None = None
    """Its upper bound."""
    n: int | None = None
    """How many clips it rests on; None where nobody counts them."""
    reason: Why | None = None
    """Why something is missing, or what to know about it."""
    method: str | None = None
    """How its bounds were found; None where that is not told."""

    @property
    def key(self) -> str:
        """One word for it, such as `uar` or `recall_happy`; raters' own figures are told apart by `name`."""
        return self.name if self.of == ALL else f"{self.name}_{self.of}"

    @property
    def base(self) -> str:
        """The name of its kind: what people reach beside the answers is of the same."""
        return self.name.removesuffix("_of_raters")

    @property
    def unit(self) -> str:
        """`ms`, `ratio` for seconds a second, `proportion` for a share, else `points`."""
        if self.name.startswith(_LATENCY):
            return "ms"
        if self.name == "rtf":
            return "ratio"
        return "points" if self.base in _NO_SHARES else "proportion"

    @property
    def lower_is_better(self) -> bool | None:
        """Whether less of it is better; None for one that is best in the middle."""
        if self.base == "bias":
            return None
        return self.name.startswith(_LATENCY) or self.base in _ERRORS

    @property
    def least(self) -> float:
        """The least that it can be."""
        if self.base == "bias":
            return -math.inf
        return -1.0 if self.base in _TO_MINUS_ONE else 0.0

    @property
    def most(self) -> float:
        """The most that it can be."""
        return math.inf if self.name.startswith(_LATENCY) or self.base in _UNBOUNDED else 1.0


def figures_of(report: Report) -> Iterator[NamedFigure]:
    """The figures of a report: the headline, latency, each emotion, each dimension, and of raters' votes."""
    for name in HEADLINE:
        yield _named(ALL, name, getattr(report.accuracy, name))
    for percentile in PERCENTILES:
        yield _named(ALL, _LATENCY + percentile, getattr(report.latency_ms, percentile))
    yield NamedFigure(of=ALL, name="rtf", value=report.rtf, reason=report.rtf_reason or None)
    for label, row in report.per_emotion.items():
        for name in ("recall", "precision", "f1"):
            yield _named(label, name, getattr(row, name))
        for percentile in ("p50", "p95"):
            yield _named(label, _LATENCY + percentile, getattr(row.latency_ms, percentile))
    for dimension, one in (report.dimensions.figures if report.dimensions else {}).items():
        for name in ("ccc", "pearson", "rmse", "bias"):
            yield _named(dimension, name, getattr(one, name))
    yield from _of_raters(report)


def _of_raters(report: Report) -> Iterator[NamedFigure]:
    """Answers held against raters' votes, the same of people beside them, and several emotions a clip."""
    if soft := report.soft_labels:
        for name in SOFT:
            figure = getattr(soft, name)
            yield _named(ALL, name, figure.of_answers)
            if figure.of_raters:
                yield _named(ALL, f"{name}_of_raters", figure.of_raters)
        yield _named(ALL, "alpha", soft.alpha)
        for label, figure in soft.per_emotion.items():
            yield _named(label, "soft_f1", figure.of_answers)
    if several := report.several_emotions:
        for name in SEVERAL:
            yield _named(ALL, f"several_{name}", getattr(several, name))
        for label, one in several.per_emotion.items():
            yield _named(label, "several_f1", one.f1)


def _named(of: str, name: str, figure: Interval) -> NamedFigure:
    return NamedFigure(
        of=of,
        name=name,
        value=figure.value,
        low=figure.low,
        high=figure.high,
        n=figure.n,
        reason=figure.reason or None,
        method=figure.method or None,
    )
