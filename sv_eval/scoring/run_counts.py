"""How many clips of a run ended how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from msgspec import UNSET, UnsetType

from sv_eval.emotions import NO_SPEECH, NO_TAG, UNKNOWN, UNREAD
from sv_eval.record_file.class_codes import FAILED
from sv_eval.scoring.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCounts:
    """How many clips ended how; `report.RunFacts` says what each count is."""

    n_clips: int
    n_scored: int
    n_unknown: int
    n_no_tag: int
    n_no_speech: int
    n_failed: int
    n_unread: Mapping[str, int] | UnsetType
    n_out_of_scope: int
    n_repeated: int
    audio_s: float


def counts_of(scope: Scope) -> tuple[RunCounts, dict[str, int]]:
    """The counts of a run; and by reference the clips, failed ones too, whose reference is not scored."""
    answers, class_codes = scope.answers, scope.answers.class_codes
    ended = dict(
        zip(
            class_codes.answers,
            np.bincount(answers.predicted, minlength=len(class_codes.answers)).tolist(),
            strict=True,
        )
    )
    asked = zip(
        class_codes.references,
        np.bincount(answers.reference, minlength=len(class_codes.references)).tolist(),
        strict=True,
    )
    outside = {name: n for name, n in asked if n and name not in scope.labels}
    counts = RunCounts(
        n_clips=len(answers),
        n_scored=int(scope.scored.sum()),
        n_unknown=ended[UNKNOWN],
        n_no_tag=ended[NO_TAG],
        n_no_speech=ended[NO_SPEECH],
        n_failed=ended[FAILED],
        n_unread={name: ended[name] for name in UNREAD if ended[name]} or UNSET,
        n_out_of_scope=sum(outside.values()),
        n_repeated=answers.n_repeated,
        audio_s=float(np.nansum(answers.audio_s)),
    )
    return counts, outside
