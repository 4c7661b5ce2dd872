"""Which clips, classes, speakers and calls count: settled once, and handed to everything that scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.emotions import EMOTIONS
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.table import RecordTable
from sv_eval.scoring.clusters import Clusters, clusters_of, in_scope
from sv_eval.scoring.config import ScoringConfig
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
    whole: Clusters
    """The clips of every class that the corpus holds, by speaker."""
    has_forced: bool
    """Whether any answer has a forced label."""


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
    present = labels_present(records.answers, label_order)
    labels = scored_labels(present, config.labels, label_order=label_order, supported=supported)
    unsupported = () if supported is None else tuple(label for label in present if label not in supported)
    return _scope(records, config, labels, present, unsupported)


def scope_over(answers: RecordTable, labels: tuple[str, ...], config: ScoringConfig) -> Scope:
    """The scope of answers over classes that are chosen already; nothing in it is about time."""
    return _scope(RunRecords(answers=answers, requests=answers), config, labels, labels, ())


def _scope(
    records: RunRecords,
    config: ScoringConfig,
    labels: tuple[str, ...],
    present: tuple[str, ...],
    unsupported: tuple[str, ...],
) -> Scope:
    answers = records.answers
    scored = in_scope(answers, labels)
    clusters = clusters_of(answers, labels, scored)
    return Scope(
        answers=answers,
        config=config,
        labels=labels,
        present=present,
        unsupported=unsupported,
        scored=scored,
        clusters=clusters,
        whole=clusters if present == labels else clusters_of(answers, present, in_scope(answers, present)),
        timing=timing_of(records.requests),
        has_forced=bool((answers.forced >= 0).any()),
    )


def labels_present(table: RecordTable, label_order: Sequence[str]) -> tuple[str, ...]:
    """The emotions that occur as references, in the corpus's order, then any that the order does not name.

    Failed clips count too: an emotion whose clips all failed must not vanish from the set unseen.
    """
    class_codes = table.class_codes
    counts = np.bincount(table.reference, minlength=len(class_codes.references))
    order = dict.fromkeys([*(label for label in label_order if label in class_codes.classes), *class_codes.classes])
    return tuple(label for label in order if counts[class_codes.reference(label)])


def scored_labels(
    present: Sequence[str],
    chosen: str | tuple[str, ...],
    *,
    label_order: Sequence[str],
    supported: Sequence[str] | None,
) -> tuple[str, ...]:
    """The scored set: `chosen`, or for `auto` the emotions of the order that are present and can be said.

    `supported` None means that the backend does not declare what it can say, and leaves out nothing.
    """
    if not isinstance(chosen, str):
        return chosen
    return tuple(label for label in present if label in label_order and (supported is None or label in supported))
