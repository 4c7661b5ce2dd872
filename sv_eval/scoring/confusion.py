"""Which emotion was taken for which: the confusion matrix that is shown, and its worst cells with clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.emotions import NO_SPEECH, NO_TAG, UNKNOWN
from sv_eval.scoring.clusters import in_scope
from sv_eval.scoring.interval import plain
from sv_eval.scoring.table import RecordTable
from sv_eval.scoring.vocabulary import FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """How often each reference label got each answer, failures apart."""

    rows: tuple[str, ...]
    """The scored labels in order, then references out of scope that occur (`unlabelled`: no reference)."""
    columns: tuple[str, ...]
    """The scored labels in order, then other emotions answered, then unknown, no_tag, no_speech."""
    counts: tuple[tuple[int, ...], ...]
    """Clips, by row and column."""
    failed: tuple[int, ...]
    """Clips without an answer, by row; they are in no column."""
    n_scored_rows: int
    """How many of the rows, from the top, are scored."""
    answers: str
    """`unforced`, or `forced`: with `unknown` banned."""

    def to_json(self) -> dict[str, Any]:
        """The matrix as plain data."""
        return {
            "rows": list(self.rows),
            "columns": list(self.columns),
            "counts": [list(row) for row in self.counts],
            "failed": list(self.failed),
            "n_scored_rows": self.n_scored_rows,
            "answers": self.answers,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongClip:
    """A clip that was taken for another emotion."""

    id: str
    """Clip id."""
    path: str
    """Where its audio is."""
    confidence: float | None
    """The posterior of the wrong answer; None where there is none, as for one given with `unknown` banned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongPair:
    """One cell off the diagonal."""

    reference: str
    """The right label."""
    predicted: str
    """The answer given."""
    count: int
    """How many clips."""
    share: float
    """Of the reference label's clips that the policy scores."""
    clips: tuple[WrongClip, ...]
    """The first few, most confident first."""

    def to_json(self) -> dict[str, Any]:
        """The pair as plain data."""
        clips = [{"clip": clip.id, "path": clip.path, "confidence": plain(clip.confidence)} for clip in self.clips]
        data: dict[str, Any] = {"reference": self.reference, "predicted": self.predicted}
        return data | {"count": self.count, "share": plain(self.share), "clips": clips}


def confusion_of(table: RecordTable, labels: Sequence[str], *, banned: bool = False) -> Confusion:
    """The matrix of all records, scored or not; `banned` takes the answers with `unknown` banned."""
    answers = table.banned if banned else table.predicted
    references, named = table.words.references, table.words.answers
    size = len(named)
    cells = table.reference.astype(np.int64) * size + answers
    full = np.bincount(cells, minlength=len(references) * size).reshape(len(references), size)
    rows = [*labels, *(n for i, n in enumerate(references) if n not in labels and full[i].any())]
    always = (UNKNOWN, NO_TAG, NO_SPEECH)
    shown = [n for i, n in enumerate(named) if n != FAILED and (n in always or full[:, i].any())]
    columns = [*labels, *(name for name in shown if name not in labels)]
    picked = full[np.ix_([references.index(n) for n in rows], [named.index(n) for n in columns])]
    failed = full[[references.index(n) for n in rows], table.words.failed]
    return Confusion(
        rows=tuple(rows),
        columns=tuple(columns),
        counts=tuple(tuple(row) for row in picked.tolist()),
        failed=tuple(failed.tolist()),
        n_scored_rows=len(labels),
        answers="forced" if banned else "unforced",
    )


def worst_confusions(
    table: RecordTable, labels: Sequence[str], policy: str = "wrong", *, pairs: int = 10, clips: int = 5
) -> tuple[WrongPair, ...]:
    """The most frequent wrong answers to the clips that the policy scores.

    Under `wrong`, `unknown` and the like are wrong answers; under `abstain` such clips are left out, and under
    `ban` the answers are those with `unknown` banned.
    """
    answers = table.banned if policy == "ban" else table.predicted
    references, named = table.words.references, table.words.answers
    scope = in_scope(table, labels)
    if policy == "abstain":
        scope &= answers < table.words.answered
    confidence = np.where(answers == table.predicted, table.confidence, np.nan)
    cells = table.reference.astype(np.int64) * len(named) + answers
    wrong = scope & (table.reference != answers)
    names, counts = np.unique(cells[wrong], return_counts=True)
    order = np.lexsort((names, -counts))[:pairs]
    support = np.bincount(table.reference[scope], minlength=len(references))
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
        WrongClip(id=table.clip_ids[i], path=table.paths[i], confidence=plain(float(confidence[i])))
        for i in chosen.tolist()
    )
