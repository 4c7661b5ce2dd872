"""A report's figures of scores and confidence, one behind the other, as exports list them."""

from __future__ import annotations

from collections.abc import Iterator

from sv_eval.report.interval import Interval
from sv_eval.report.report import Report
from sv_eval.report.shares import Share

Named = Iterator[tuple[str, str, Interval]]
"""What each is of (`all`, or a class), its name, and the figure."""


def score_figures(report: Report) -> Named:
    """Those that there are."""
    yield from _of_probabilities(report)
    yield from _of_thresholds(report)
    if selective := report.selective:
        yield "all", "aurc", selective.aurc
        yield "all", "aurc_excess", selective.excess
        for point in selective.at:
            yield "all", f"accuracy_at_coverage_{100 * point.coverage:g}", point.accuracy
    if sets := report.conformal:
        yield "all", "set_coverage", _interval(sets.coverage)
        yield "all", "set_size", sets.size


def _of_probabilities(report: Report) -> Named:
    if calibration := report.calibration:
        if sure := calibration.confidence:
            yield "all", "ece", sure.ece
            yield "all", "confidence_gap", sure.gap
        if whole := calibration.distribution:
            yield "all", "ece_classwise", whole.ece_classwise
            yield "all", "brier", whole.brier
            yield "all", "log_loss", whole.log_loss
            for label, one in whole.per_emotion.items():
                yield label, "ece", one.ece


def _of_thresholds(report: Report) -> Named:
    if operating := report.operating:
        for label, points in operating.per_emotion.items():
            yield label, "average_precision", points.average_precision
            yield label, "roc_auc", points.roc_auc
        if applied := operating.applied:
            for label, at in applied.points.items():
                yield label, "precision_at_threshold", _interval(at.precision)
                yield label, "recall_at_threshold", _interval(at.recall)


def _interval(share: Share) -> Interval:
    return Interval(value=share.value, low=share.low, high=share.high, n=share.of)
