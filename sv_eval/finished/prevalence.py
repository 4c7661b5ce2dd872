"""Two finished runs of one recogniser, labelled and not: how much of each emotion the unlabelled one holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from msgspec import UNSET

from sv_eval.errors import UsageError
from sv_eval.finished.reading import FinishedRun, read_run
from sv_eval.record_file.table import RecordTable
from sv_eval.report.prevalence import PrevalenceFile, PrevalenceShare, PrevalenceSide
from sv_eval.report.reasons import Why
from sv_eval.scoring.calibration.bins import units_of
from sv_eval.scoring.prevalence import Codes, Shares, prevalence


def prevalence_of(run: str, reference: str, *, confidence: float = 0.95) -> PrevalenceFile:
    """The shares in `run`, corrected by how the recogniser errs in `reference`.

    Raises UsageError for runs of other models or label maps, and for runs that share clips.
    """
    asked, known = read_run(Path(run)), read_run(Path(reference))
    _refuse_unlike(asked, known)
    labels = known.report.labels
    table, place = known.answers, _places(known.answers, labels)
    codes = np.array([table.class_codes.reference(label) for label in labels])
    kept = np.isin(table.reference, codes) & ~table.failed
    order = {code: number for number, code in enumerate(codes.tolist())}
    truth = np.array([order[code] for code in table.reference[kept].tolist()], dtype=np.int64)
    speaker = units_of(table.speaker[kept])
    other = asked.answers
    heard = ~other.failed
    found, found_speaker = _places(other, labels)[other.predicted[heard]], units_of(other.speaker[heard])
    if not kept.any() or not heard.any():
        raise UsageError(f"{reference if heard.any() else run}: no clip of it counts; nothing can be corrected")
    shares = prevalence(
        truth, place[table.predicted[kept]], speaker, found, found_speaker,
        n_labels=len(labels), confidence=confidence,
    )  # fmt: skip
    return PrevalenceFile(
        labels=labels,
        confidence=confidence,
        model=asked.environment.backend.model,
        labelled=_side(reference, known, speaker),
        unlabelled=_side(run, asked, found_speaker),
        shares={} if isinstance(shares, Why) else _told(shares, labels),
        condition=None if isinstance(shares, Why) else shares.condition,
        reason=shares if isinstance(shares, Why) else UNSET,
    )


def _told(shares: Shares, labels: tuple[str, ...]) -> dict[str, PrevalenceShare]:
    return {
        label: PrevalenceShare(
            counted=float(shares.counted[at]),
            value=float(shares.value[at]),
            low=float(shares.low[at]),
            high=float(shares.high[at]),
        )
        for at, label in enumerate(labels)
    }


def _places(table: RecordTable, labels: tuple[str, ...]) -> Codes:
    """Answer code to the place of the emotion among the labels; what is none of them comes last."""
    names = table.class_codes.answers
    return np.array([labels.index(name) if name in labels else len(labels) for name in names], dtype=np.int64)


def _refuse_unlike(asked: FinishedRun, known: FinishedRun) -> None:
    one, other = asked.environment.backend, known.environment.backend
    if (one.model, one.model_hash) != (other.model, other.model_hash):
        raise UsageError(
            f"the runs are of two models, {one.model} and {other.model}: how one errs says nothing of the other"
        )
    if asked.report.label_map.hash != known.report.label_map.hash:
        raise UsageError("the runs are scored under two label maps: sv-eval score RUN labels=MAP scores again")
    if asked.report.run.dataset_hash == known.report.run.dataset_hash:
        raise UsageError(
            "both runs are of the same clips, whose labels tell the shares: nothing is to be corrected"
        )


def _side(run: str, found: FinishedRun, speaker: Codes) -> PrevalenceSide:
    return PrevalenceSide(
        run=run, dataset=found.environment.dataset.title, n=len(speaker), n_speakers=len(np.unique(speaker))
    )
