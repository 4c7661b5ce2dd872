"""The accuracy figures of every policy over one label set, with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sv_eval.scoring.bootstrap import PERCENTILE, Bounds, bounds
from sv_eval.scoring.clusters import Clusters, clusters_of
from sv_eval.scoring.config import POLICIES, ScoringConfig
from sv_eval.scoring.interval import Interval
from sv_eval.scoring.measures import OVERALL, PER_LABEL, Measures
from sv_eval.scoring.table import RecordTable

HEADLINE: tuple[str, ...] = OVERALL[:4]
"""The figures of `accuracy` in metrics.json."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyScores:
    """The figures under one policy."""

    uar: Interval
    """Mean recall over the labels of the set that have support (UA)."""
    accuracy: Interval
    """Share of right answers (WA)."""
    macro_f1: Interval
    """Mean F1 over the labels with support."""
    weighted_f1: Interval
    """Mean F1, weighted with support."""
    coverage: Interval
    """Share of the clips in scope that got an emotion under this policy; failures are not in scope."""
    recall: Mapping[str, Interval]
    """By label."""
    precision: Mapping[str, Interval]
    """By label."""
    f1: Mapping[str, Interval]
    """By label."""

    def headline(self) -> dict[str, Any]:
        """The four figures that stand at the top of metrics.json."""
        return {name: getattr(self, name).to_json() for name in HEADLINE}

    def to_json(self) -> dict[str, Any]:
        """The figures over all labels."""
        return self.headline() | {"coverage": self.coverage.to_json()}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSetScores:
    """The figures over one label set."""

    labels: tuple[str, ...]
    """The label set, in order."""
    policies: Mapping[str, PolicyScores]
    """By policy."""
    clusters: str
    """What was resampled: `speaker`, `clip` (no speaker known) or `mixed`."""
    n_clusters: int
    """How many there are."""
    n: int
    """Clips in scope: reference in the set and not failed."""


def scores_over(table: RecordTable, labels: tuple[str, ...], config: ScoringConfig) -> LabelSetScores:
    """The figures of all policies over `labels`."""
    clusters = clusters_of(table, labels)
    forced = bool((table.forced >= 0).any())
    possible = tuple(policy for policy in POLICIES if policy != "ban" or forced)
    scored = _scored(clusters, labels, possible, config) if clusters.n else {}
    nothing = "no clip with a reference emotion in the label set has an answer"
    why = dict.fromkeys(POLICIES, nothing)
    if clusters.n:
        why["ban"] = "no record has a forced label"
    return LabelSetScores(
        labels=labels,
        policies={policy: scored.get(policy) or _empty(labels, why[policy]) for policy in POLICIES},
        clusters=clusters.kind,
        n_clusters=clusters.n,
        n=int(clusters.total[0].sum()),
    )


def _scored(
    clusters: Clusters, labels: tuple[str, ...], policies: tuple[str, ...], config: ScoringConfig
) -> dict[str, PolicyScores]:
    total = clusters.total
    measures = Measures.over(total, policies)
    found = bounds(clusters, measures, confidence=config.confidence, resamples=config.resamples, seed=config.seed)
    values, sizes = measures(total), measures.sizes(total)
    names = [(name, "") for name in OVERALL] + [(name, label) for name in PER_LABEL for label in labels]
    scores = {}
    for index, policy in enumerate(policies):
        left_out = [label for label, has in zip(labels, measures.among[index], strict=True) if not has]
        scores[policy] = _policy_scores(
            labels,
            {
                name: _interval(values[at], int(sizes[at]), found[at], _remark(*name, left_out))
                for at, name in enumerate(names, index * len(names))
            },
        )
    return scores


def _policy_scores(labels: tuple[str, ...], intervals: Mapping[tuple[str, str], Interval]) -> PolicyScores:
    """The scores from intervals by figure and label, the label being empty for figures over all labels."""
    return PolicyScores(
        uar=intervals["uar", ""],
        accuracy=intervals["accuracy", ""],
        macro_f1=intervals["macro_f1", ""],
        weighted_f1=intervals["weighted_f1", ""],
        coverage=intervals["coverage", ""],
        recall={label: intervals["recall", label] for label in labels},
        precision={label: intervals["precision", label] for label in labels},
        f1={label: intervals["f1", label] for label in labels},
    )


def _remark(name: str, label: str, left_out: list[str]) -> str | None:
    """What to say about a figure because of labels without support."""
    if name == "precision":
        return f"never predicted: {label}"
    if label:
        return f"no scored clip of {label}"
    if left_out and name in ("uar", "macro_f1"):
        return f"mean without {', '.join(left_out)}: no scored clip"
    return None


def _interval(value: float, n: int, found: Bounds, remark: str | None) -> Interval:
    if np.isnan(value):
        return Interval(value=None, n=n, reason=remark or "no scored clip")
    of_mean = remark if remark and remark.startswith("mean") else None
    reasons = [text for text in (of_mean, found.reason) if text]
    return Interval(
        value=float(value),
        low=found.low,
        high=found.high,
        n=n,
        reason="; ".join(reasons) or None,
        method=None if found.method == PERCENTILE else found.method,
    )


def _empty(labels: tuple[str, ...], reason: str) -> PolicyScores:
    names = [(name, "") for name in OVERALL] + [(name, label) for name in PER_LABEL for label in labels]
    return _policy_scores(labels, dict.fromkeys(names, Interval(value=None, reason=reason)))
