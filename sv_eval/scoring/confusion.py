"""Which emotion was taken for which: the confusion matrix that is shown, and its worst cells with clips."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sv_eval.emotions import NO_SPEECH, NO_TAG, UNKNOWN
from sv_eval.record_file.class_codes import FAILED
from sv_eval.record_file.table import RecordTable
from sv_eval.report.accuracy import Confusion, WrongClip, WrongPair
from sv_eval.scoring.scope import Scope


def confusion_of(scope: Scope, *, banned: bool = False) -> Confusion:
    """The matrix of all clips, scored or not; `banned` takes the answers with `unknown` banned."""
    table, labels = scope.answers, scope.labels
    answers = table.banned if banned else table.predicted
    references, named = table.class_codes.references, table.class_codes.answers
    size = len(named)
    cells = table.reference.astype(np.int64) * size + answers
    full = np.bincount(cells, minlength=len(references) * size).reshape(len(references), size)
    rows = [*labels, *(n for i, n in enumerate(references) if n not in labels and full[i].any())]
    always = (UNKNOWN, NO_TAG, NO_SPEECH)
    shown = [n for i, n in enumerate(named) if n != FAILED and (n in always or full[:, i].any())]
    columns = [*labels, *(name for name in shown if name not in labels)]
    picked = full[np.ix_([references.index(n) for n in rows], [named.index(n) for n in columns])]
    failed = full[[references.index(n) for n in rows], table.class_codes.failed]
    return Confusion(
        rows=tuple(rows),
        columns=tuple(columns),
        counts=tuple(tuple(row) for row in picked.tolist()),
        failed=tuple(failed.tolist()),
        n_scored_rows=len(labels),
        answers="forced" if banned else "unforced",
    )


def worst_confusions(scope: Scope, *, pairs: int = 10, clips: int = 5) -> tuple[WrongPair, ...]:
    """The most frequent wrong answers to the clips that the headline policy scores.

    Under `wrong`, `unknown` and the like are wrong answers; under `abstain` such clips are left out, and under
    `ban` the answers are those with `unknown` banned.
    """
    table, policy = scope.answers, scope.config.policy
    answers = table.banned if policy == "ban" else table.predicted
    references, named = table.class_codes.references, table.class_codes.answers
    scored = scope.scored
    if policy == "abstain":
        scored = scored & (answers < table.class_codes.answered)
    confidence = np.where(answers == table.predicted, table.confidence, np.nan)
    cells = table.reference.astype(np.int64) * len(named) + answers
    wrong = scored & (table.reference != answers)
    names, counts = np.unique(cells[wrong], return_counts=True)
    order = np.lexsort((names, -counts))[:pairs]
    support = np.bincount(table.reference[scored], minlength=len(references))
    found = []
    for cell, count in zip(names[order].tolist(), counts[order].tolist(), strict=True):
        reference, predicted = divmod(cell, len(named))
        found.append(
            WrongPair(
                reference=references[reference],
                predicted=named[predicted],
                count=count,
                share=count / int(support[reference]),
                clips=_most_confident(table, confidence, np.flatnonzero(wrong & (cells == cell)), clips),
            )
        )
    return tuple(found)


def _most_confident(
    table: RecordTable, confidence: NDArray[np.float64], places: NDArray[np.intp], most: int
) -> tuple[WrongClip, ...]:
    """Most confident first, then without a confidence, then by clip id."""
    order = np.argsort(-np.nan_to_num(confidence[places], nan=-1.0), kind="stable")
    chosen = places[order][:most]
    return tuple(
        WrongClip(clip=table.clip_ids[i], path=table.paths[i], confidence=float(confidence[i]))
        for i in chosen.tolist()
    )
