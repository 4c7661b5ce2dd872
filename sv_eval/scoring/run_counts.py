"""How many clips of a run ended how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sv_eval.emotions import NO_SPEECH, NO_TAG, UNKNOWN
from sv_eval.scoring.clusters import in_scope
from sv_eval.scoring.interval import plain
from sv_eval.scoring.table import RecordTable
from sv_eval.scoring.vocabulary import FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCounts:
    """How many clips ended how; the counts of the block `run`."""

    n_clips: int
    """All records, one per clip."""
    n_scored: int
    """Reference in the label set, and not failed: what the policy `wrong` scores."""
    n_unknown: int
    """Answers that declined to name an emotion."""
    n_no_tag: int
    """Answers without an emotion tag."""
    n_no_speech: int
    """Answers that no speech was found."""
    n_failed: int
    """Clips without an answer."""
    n_out_of_scope: int
    """Clips whose reference is not in the label set."""
    n_repeated: int
    """Records that gave way to a later one of the same clip."""
    audio_s: float
    """Audio of all clips that could be decoded, seconds."""

    def to_json(self) -> dict[str, Any]:
        """The counts as plain data."""
        return {name: getattr(self, name) for name in self.__slots__} | {"audio_s": plain(self.audio_s)}


def counts_of(table: RecordTable, labels: Sequence[str]) -> RunCounts:
    """The counts of a run that is scored against `labels`."""
    named = table.words.answers
    answers = dict(zip(named, np.bincount(table.predicted, minlength=len(named)).tolist(), strict=True))
    return RunCounts(
        n_clips=len(table),
        n_scored=int(in_scope(table, labels).sum()),
        n_unknown=answers[UNKNOWN],
        n_no_tag=answers[NO_TAG],
        n_no_speech=answers[NO_SPEECH],
        n_failed=answers[FAILED],
        n_out_of_scope=sum(out_of_scope(table, labels).values()),
        n_repeated=table.n_repeated,
        audio_s=float(np.nansum(table.audio_s)),
    )


def out_of_scope(table: RecordTable, labels: Sequence[str]) -> dict[str, int]:
    """Clips whose reference is not in `labels`, by reference; failed ones too."""
    references = table.words.references
    counts = np.bincount(table.reference, minlength=len(references)).tolist()
    return {name: n for name, n in zip(references, counts, strict=True) if n and name not in labels}
