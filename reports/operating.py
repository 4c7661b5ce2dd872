"""The rows of a report about thresholds on scores."""

from __future__ import annotations

from collections.abc import Sequence

from sv_eval.report.operating import EmotionPoints, Operating, OperatingPoint
from sv_eval.report.shares import Share
from sv_eval.reports.calibration import decimal
from sv_eval.reports.wording import Wording, bounds, number, share

_SHOWN = (0.3, 0.5, 0.7, 0.9)
"""Thresholds in the report; metrics.json has more."""


def operating_rows(words: Wording, found: Operating) -> list[Sequence[str]]:
    """A row a threshold of each emotion, the areas in the first of them."""
    rows: list[Sequence[str]] = []
    for label, each in found.per_emotion.items():
        shown = [one for one in each.points if one.threshold in _SHOWN]
        for place, one in enumerate(shown):
            rows.append((words.emotion(label), *_point(one), *_areas(each, first=not place)))
    return rows


def promised_rows(words: Wording, found: Operating) -> list[Sequence[str]]:
    """A row an emotion: the threshold that is promised, and how it does on speakers held out."""
    rows: list[Sequence[str]] = []
    for label, each in found.per_emotion.items():
        if not (wanted := each.wanted):
            continue
        held = (bounded(wanted.held_out), bounded(wanted.held_out_recall))
        if wanted.threshold is None or not wanted.point:
            rows.append((words.emotion(label), "–", words("operating.cannot"), "–", "–", *held))
        else:
            threshold, precision, recall, _, per_hour = _point(wanted.point, digits=3)
            rows.append((words.emotion(label), threshold, precision, recall, per_hour, *held))
    return rows


def bounded(found: Share) -> str:
    """A share with its bounds, and how many of how many."""
    if found.value is None:
        return "–"
    return f"{share(found.value)} {bounds(found, 100, 1)} ({found.n} / {found.of})"


def _point(one: OperatingPoint, digits: int = 1) -> tuple[str, str, str, str, str]:
    return (
        f"{one.threshold:.{digits}f}", bounded(one.precision), bounded(one.recall), bounded(one.false_alarm_rate),
        number(one.false_alarms_per_hour),
    )  # fmt: skip


def _areas(each: EmotionPoints, *, first: bool) -> tuple[str, str]:
    return (decimal(each.average_precision), decimal(each.roc_auc)) if first else ("", "")
