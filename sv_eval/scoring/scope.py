"""Which clips, classes, speakers and calls count: settled once, and handed to everything that scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sv_eval.emotions import EMOTIONS
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.table import RecordTable
from sv_eval.scoring.clusters import Clusters, clusters_of, in_scope
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.label_set import labels_present, scored_labels, unsupported_labels
from sv_eval.scoring.timing import Timing, timing_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scope:
    """What a run's figures are over."""

    answers: RecordTable
    """The records of the first round: what accuracy is of."""
    timing: Timing
    """The clean records of all rounds: what latency is of."""
    config: ScoringConfig
    """How it is scored."""
    labels: tuple[str, ...]
    """The scored classes, in order."""
    present: tuple[str, ...]
    """Every class that the corpus holds, in order."""
    unsupported: tuple[str, ...]
    """Those of them that the backend can't say."""
    scored: NDArray[np.bool_]
    """Which answers are scored: reference in `labels`, and not failed."""
    clusters: Clusters
    """The scored clips by speaker."""
    has_forced: bool
    """Whether any answer has a forced label."""

    def over(self, labels: tuple[str, ...]) -> Self:
        """The same run over other classes."""
        if labels == self.labels:
            return self
        scored = in_scope(self.answers, labels)
        return replace(self, labels=labels, scored=scored, clusters=clusters_of(self.answers, labels, scored))


def scope_of(
    records: RunRecords,
    config: ScoringConfig,
    *,
    label_order: Sequence[str] = EMOTIONS,
    supported: Sequence[str] | None = None,
) -> Scope:
    """The scope of a run.

    `label_order` is the corpus's, from its card; `supported` are the emotions that the backend can say, None
    when it does not declare them.
    """
    answers = records.answers
    present = labels_present(answers, label_order)
    labels = scored_labels(present, config.labels, label_order=label_order, supported=supported)
    scored = in_scope(answers, labels)
    return Scope(
        answers=answers,
        timing=timing_of(records.requests),
        config=config,
        labels=labels,
        present=present,
        unsupported=unsupported_labels(present, supported),
        scored=scored,
        clusters=clusters_of(answers, labels, scored),
        has_forced=bool((answers.forced >= 0).any()),
    )


def scope_over(answers: RecordTable, labels: tuple[str, ...], config: ScoringConfig) -> Scope:
    """The scope of answers over classes that are chosen already; nothing in it is about time."""
    scored = in_scope(answers, labels)
    return Scope(
        answers=answers,
        timing=timing_of(answers),
        config=config,
        labels=labels,
        present=labels,
        unsupported=(),
        scored=scored,
        clusters=clusters_of(answers, labels, scored),
        has_forced=bool((answers.forced >= 0).any()),
    )
