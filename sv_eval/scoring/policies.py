"""The accuracy figures of every policy over one label set, with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from msgspec import UNSET

from sv_eval.report.accuracy import Headline, PolicyFigures
from sv_eval.report.interval import Interval
from sv_eval.report.reasons import Coded, Why
from sv_eval.scoring.bootstrap import Bounds, bounds
from sv_eval.scoring.clusters import SUPPORT, Clusters
from sv_eval.scoring.config import POLICIES, ScoringConfig
from sv_eval.scoring.measures import OVERALL, PER_LABEL, Measures
from sv_eval.scoring.scope import Scope

HEADLINE: tuple[str, ...] = OVERALL[:4]
"""The figures of `accuracy` in metrics.json."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyScores(PolicyFigures):
    """The figures under one policy, and those of each label."""

    recall: Mapping[str, Interval]
    """By label."""
    precision: Mapping[str, Interval]
    """By label."""
    f1: Mapping[str, Interval]
    """By label."""

    def headline(self) -> Headline:
        """The four figures that stand at the top of a report."""
        return Headline(**{name: getattr(self, name) for name in HEADLINE})

    def figures(self) -> PolicyFigures:
        """The figures over all labels."""
        return PolicyFigures(**{name: getattr(self, name) for name in OVERALL})


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSetScores:
    """The figures over one label set."""

    labels: tuple[str, ...]
    """The label set, in order."""
    policies: Mapping[str, PolicyScores]
    """By policy."""
    clusters: str
    """What the intervals take as independent: `speaker`, `clip` (none known), `mixed`; `none` without clips."""
    n_clusters: int
    """How many there are."""
    n: int
    """Clips in scope: reference in the set and not failed."""
    without_clips: tuple[str, ...]
    """Labels of the set that no clip in scope has; the means are over the others."""

    def figures(self) -> dict[str, PolicyFigures]:
        """The figures over all labels, by policy."""
        return {name: scores.figures() for name, scores in self.policies.items()}


def scores_of(scope: Scope, *, whole: bool = False) -> LabelSetScores:
    """The figures of all policies over the scored labels; with `whole`, over every class that the corpus holds."""
    clusters, labels = (scope.whole, scope.present) if whole else (scope.clusters, scope.labels)
    possible = tuple(policy for policy in POLICIES if policy != "ban" or scope.has_forced)
    scored = _scored(clusters, labels, possible, scope.config) if clusters.n else {}
    why = dict.fromkeys(POLICIES, Why.of("nothing_in_set"))
    if clusters.n:
        why["ban"] = Why.of("no_forced_label")
    support = clusters.total[SUPPORT]
    return LabelSetScores(
        labels=labels,
        policies={policy: scored.get(policy) or _empty(labels, why[policy]) for policy in POLICIES},
        clusters=clusters.kind if clusters.n else "none",
        n_clusters=clusters.n,
        n=int(support.sum()),
        without_clips=tuple(label for label, has in zip(labels, support > 0, strict=True) if not has),
    )


def _scored(
    clusters: Clusters, labels: tuple[str, ...], policies: tuple[str, ...], config: ScoringConfig
) -> dict[str, PolicyScores]:
    total = clusters.total
    measures = Measures.over(total, policies)
    facts = measures.facts(clusters)
    found = bounds(
        clusters, measures, facts,
        confidence=config.confidence, resamples=config.resamples, seed=config.seed,
    )  # fmt: skip
    names = [(name, "") for name in OVERALL] + [(name, label) for name in PER_LABEL for label in labels]
    scores = {}
    for index, policy in enumerate(policies):
        support = facts.support[policy]
        missing = _Missing(
            labels=tuple(label for label, has in zip(labels, measures.among, strict=True) if has),
            without_clips=tuple(label for label, has in zip(labels, measures.among, strict=True) if not has),
            unanswered=tuple(
                label for label, has, n in zip(labels, measures.among, support, strict=True) if has and n == 0
            ),
        )
        scores[policy] = _policy_scores(
            labels,
            {
                name: _interval(
                    facts.values[at],
                    int(facts.sizes[at]),
                    int(facts.n_clusters[at]),
                    found[at],
                    missing.remarks(*name, found[at]),
                )
                for at, name in enumerate(names, index * len(names))
            },
        )
    return scores


@dataclass(frozen=True, slots=True, kw_only=True)
class _Missing:
    """What a policy's figures lack, and what to say about it."""

    labels: tuple[str, ...]
    """The labels that the means are over."""
    without_clips: tuple[str, ...]
    """Labels of the set that no clip in scope has."""
    unanswered: tuple[str, ...]
    """Labels whose clips the policy leaves out, all of them."""

    def remarks(self, name: str, label: str, found: Bounds) -> tuple[Why, Why | None]:
        """Why the figure has no value, if it has none, and what to say about it if it has one."""
        why, notes = Why.of("nothing_answered"), list[Coded]()
        if name == "precision":
            why = Why.of("never_predicted", label=label)
        elif label in self.unanswered:
            why = Why.of("none_answered", labels=(label,))
        elif label:
            why = Why.of("none_scored", label=label)
        elif name in ("uar", "macro_f1"):
            why = Why.of("none_answered", labels=self.unanswered)
            if self.without_clips:
                notes.append(Coded("mean_without", labels=self.without_clips))
            if free := tuple(self.labels[place] for place in found.free):
                notes.append(Coded("no_spread_of", labels=free))
        if found.reason is not None:
            notes += found.reason.reasons
        return why, Why(notes) if notes else None


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


def _interval(value: float, n: int, n_clusters: int, found: Bounds, remarks: tuple[Why, Why | None]) -> Interval:
    why_not, note = remarks
    if np.isnan(value):
        return Interval(value=None, n=n, n_clusters=n_clusters, reason=why_not)
    return Interval(
        value=float(value),
        low=found.low,
        high=found.high,
        n=n,
        n_clusters=n_clusters,
        reason=note or UNSET,
        method=found.method or UNSET,
    )


def _empty(labels: tuple[str, ...], reason: Why) -> PolicyScores:
    names = [(name, "") for name in OVERALL] + [(name, label) for name in PER_LABEL for label in labels]
    return _policy_scores(labels, dict.fromkeys(names, Interval(value=None, reason=reason)))
