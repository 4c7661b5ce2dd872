"""The same records scored under two label maps, side by side: what the choice of classes does to the figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sv_eval.record_file.class_codes import SEVEN
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.table import RecordTable
from sv_eval.report.environment import Environment
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.labels.config import LabelsConfig
from sv_eval.scoring.labels.relabelling import Relabelling, check_scored, relabelled, relabelling_for
from sv_eval.scoring.scorecard import Scorecard, score


@dataclass(frozen=True, slots=True, kw_only=True)
class MapScores:
    """One run under one label map."""

    plan: Relabelling
    """The map, settled for the corpus."""
    card: Scorecard
    """What scoring found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Clips of one raw label that the two maps put into different classes."""

    raw: str
    """The corpus's own word."""
    n: int
    """How many clips."""
    before: str
    """Their class under the first map, in brackets when it is not scored."""
    after: str
    """Their class under the second."""


def scores_under(
    records: RunRecords, environment: Environment, labels: LabelsConfig, config: ScoringConfig
) -> MapScores:
    """The run's scorecard under a label map; raises ConfigError."""
    plan = relabelling_for(labels, environment)
    check_scored(config.labels, plan)
    card = score(
        relabelled(records, plan),
        config,
        label_order=plan.scored,
        supported=plan.can_be_said(environment.backend.capabilities.labels, records.answers.said_words),
    )
    return MapScores(plan=plan, card=card)


def moved(table: RecordTable, one: MapScores, other: MapScores) -> tuple[Moved, ...]:
    """The raw labels whose clips change class, the most clips first."""
    counts = Counter(
        (SEVEN.references[reference], table.raw_labels[raw] if raw >= 0 else None)
        for raw, reference in zip(table.raw_label.tolist(), table.reference.tolist(), strict=True)
    )
    found = []
    for (reference, raw), n in counts.items():
        classes = [each.plan.class_of(reference, raw) for each in (one, other)]
        shown = [
            name if name in each.card.scores.labels else f"({name})"
            for name, each in zip(classes, (one, other), strict=True)
        ]
        if shown[0] != shown[1]:
            found.append(
                Moved(raw=raw if raw is not None else f"({reference})", n=n, before=shown[0], after=shown[1])
            )
    return tuple(sorted(found, key=lambda move: (-move.n, move.raw)))
