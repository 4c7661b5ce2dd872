"""The figures that a history can be of, by name, among those that a baseline file keeps."""

from __future__ import annotations

from sv_eval.errors import UsageError, nearest
from sv_eval.report.history import LATENCIES
from sv_eval.report.interval import Interval
from sv_eval.studies.gate.subject import Figures

_HEADLINE = ("uar", "accuracy", "macro_f1", "weighted_f1")
_SCORES = ("ece", "aurc", "brier", "log_loss")
_SOFT = ("soft_macro_f1", "soft_accuracy", "overlap")
_OF = ("recall", "average_precision", "ccc")
"""Those of an emotion, or of a dimension, which stands behind a dot."""
FIGURES = (*_HEADLINE, *LATENCIES, *_SCORES, *_SOFT)


def check_figure(name: str) -> None:
    """Raise UsageError for what is no figure."""
    head, _, of = name.partition(".")
    if name not in FIGURES and not (head in _OF and of):
        known = (*FIGURES, *(f"{one}.NAME" for one in _OF))
        raise UsageError(f"figure={name}: {nearest(name, known)}")


def figure_of(figures: Figures, name: str) -> Interval | None:
    """The figure of a run or a baseline; None where it has none."""
    head, _, of = name.partition(".")
    if of:
        if head == "recall":
            return figures.per_emotion[of].recall if of in figures.per_emotion else None
        return (figures.ccc if head == "ccc" else figures.average_precision).get(of)
    if name in _SCORES:
        return figures.scores.get(name)
    if name in _SOFT:
        return (figures.soft or {}).get(name)
    found: Interval = getattr(figures.latency_ms if name in LATENCIES else figures.accuracy, name)
    return found
