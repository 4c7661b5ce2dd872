"""The rows of a report about thresholds on scores."""

from __future__ import annotations

from collections.abc import Sequence

from sv_eval.report.operating import (
    AppliedThresholds,
    EmotionPoints,
    Operating,
    OperatingPoint,
    PromisedThreshold,
)
from sv_eval.report.shares import Share
from sv_eval.reports.calibration import decimal
from sv_eval.reports.wording import Wording, bounds, number, share

_SHOWN = (0.3, 0.5, 0.7, 0.9)
"""Thresholds in the report; metrics.json has more."""
_MIDDLE = 0.5


def operating_rows(words: Wording, found: Operating) -> list[Sequence[str]]:
    """A row a threshold of each emotion, the areas in the first of them."""
    rows: list[Sequence[str]] = []
    for label, each in found.per_emotion.items():
        shown = [one for one in each.points if one.threshold in _SHOWN]
        for place, one in enumerate(shown):
            rows.append((words.emotion(label), *_point(one), *_areas(each, first=not place)))
    return rows


def promised_rows(words: Wording, found: Operating) -> list[tuple[str, list[Sequence[str]]]]:
    """A row an emotion of what was asked for, `wanted` or `rare`: the threshold that is promised, and how it
    does."""
    kinds = [("wanted", {label: each.wanted for label, each in found.per_emotion.items()})]
    kinds.append(("rare", {label: each.rare for label, each in found.per_emotion.items()}))
    tables = []
    for kind, promises in kinds:
        rows = [_promised(words, label, one) for label, one in promises.items() if one]
        if rows:
            tables.append((kind, rows))
    return tables


def _promised(words: Wording, label: str, wanted: PromisedThreshold) -> Sequence[str]:
    held = (
        bounded(wanted.held_out),
        bounded(wanted.held_out_recall),
        number(wanted.held_out_false_per_hour),
    )
    if wanted.threshold is None or not wanted.point:
        return (words.emotion(label), "–", words("operating.cannot"), "–", "–", *held)
    threshold, precision, recall, _, per_hour = _point(wanted.point, digits=3)
    return (words.emotion(label), threshold, precision, recall, per_hour, *held)


def applied_rows(words: Wording, found: AppliedThresholds) -> list[Sequence[str]]:
    """A row an emotion of a thresholds file: what its threshold gives here."""
    rows: list[Sequence[str]] = []
    for label, one in found.points.items():
        threshold, precision, recall, _, per_hour = _point(one, digits=3)
        rows.append((words.emotion(label), threshold, precision, recall, per_hour, number(one.alarms_per_hour)))
    return rows


def delay_rows(words: Wording, found: Operating) -> list[Sequence[str]]:
    """A row a threshold of each emotion that was heard in streams: how long its first alarm takes."""
    rows: list[Sequence[str]] = []
    for label, each in found.per_emotion.items():
        promised = [one.point for one in (each.wanted, each.rare) if one and one.point]
        for one in promised or [one for one in each.points if one.threshold == _MIDDLE]:
            if delay := one.delay_s:
                threshold = f"{one.threshold:.3f}"
                rows.append((words.emotion(label), threshold, str(delay.n), number(delay.p50), number(delay.p90)))
    return rows


def cost_rows(words: Wording, found: Operating) -> list[Sequence[str]]:
    """A row an emotion: the threshold that costs least."""
    return [
        (
            words.emotion(label),
            words("operating.none") if one.threshold is None else f"{one.threshold:.3f}",
            f"{one.in_theory:.3f}",
            decimal(one.held_out),
            number(one.never),
            number(one.always),
            decimal(one.saved),
        )
        for label, each in found.per_emotion.items()
        if (one := each.cheapest)
    ]


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
