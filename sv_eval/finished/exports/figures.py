"""A report's figures in one list, each with what it is of, its bounds and what its scale is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sv_eval.finished.exports.score_figures import score_figures
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


@dataclass(frozen=True, slots=True)
class Scale:
    """What a figure's numbers mean."""

    unit: str = "proportion"
    """`ms`, `ratio` for seconds a second, `proportion` for a share, else `points`."""
    lower_is_better: bool | None = False
    """Whether less of it is better; None for one that is best at a mark in between."""
    least: float = 0.0
    """The least that it can be."""
    most: float = 1.0
    """The most that it can be."""


_MILLISECONDS = Scale("ms", lower_is_better=True, most=math.inf)
_AGREEMENT = Scale("points", least=-1.0)
_ERROR = Scale("points", lower_is_better=True, most=math.inf)
_SHARE_OF_ERRORS = Scale(lower_is_better=True)
_SCALES: Mapping[str, Scale] = MappingProxyType(
    {
        "rtf": Scale("ratio", lower_is_better=True, most=math.inf),
        **dict.fromkeys(("ccc", "pearson", "alpha"), _AGREEMENT),
        **dict.fromkeys(("rmse", "cross_entropy", "kl", "log_loss", "set_size"), _ERROR),
        **dict.fromkeys(("tvd", "several_hamming_loss", "ece", "ece_classwise"), _SHARE_OF_ERRORS),
        **dict.fromkeys(("aurc", "aurc_excess"), _SHARE_OF_ERRORS),
        "js": Scale("points", lower_is_better=True),
        "brier": Scale("points", lower_is_better=True, most=2.0),
        "bias": Scale("points", lower_is_better=None, least=-math.inf, most=math.inf),
        "confidence_gap": Scale(lower_is_better=None, least=-1.0),
        "set_coverage": Scale(lower_is_better=None),
    }
)
"""Of those figures that are no share of which more is better."""


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
    def scale(self) -> Scale:
        """What its numbers mean."""
        return _MILLISECONDS if self.name.startswith(_LATENCY) else _SCALES.get(self.base, Scale())


def figures_of(report: Report) -> Iterator[NamedFigure]:
    """The figures of a report: headline, latency, each emotion, each dimension, scores, and raters' votes."""
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
    for of, name, figure in score_figures(report):
        yield _named(of, name, figure)
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
