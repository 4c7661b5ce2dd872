"""Clips with what their raters said and what was answered, over the scored classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sv_eval.record_file.score_table import ScoreTable
from sv_eval.record_file.table import RecordTable
from sv_eval.scoring.calibration.bins import units_of
from sv_eval.scoring.soft.raters import Raters

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldAgainst:
    """Clips with votes for a scored class and an answer, a row each."""

    places: Codes
    """Where they are in the table."""
    of_set: Codes
    """Their set of ballots."""
    unit: Codes
    """Their speaker, numbered from 0."""
    said: Codes
    """The class that the answer names, by position among the labels; -1 for none of them."""
    q: Floats
    """The raters' distribution and, last, a 0: nobody voted for none of the classes."""
    p: Floats
    """The answer's scores and, last, what is on none of the classes; NaN without scores."""

    def part(self, kept: Mask) -> Self:
        """Those that are kept."""
        return type(self)(
            places=self.places[kept],
            of_set=self.of_set[kept],
            unit=np.unique(self.unit[kept], return_inverse=True)[1],
            said=self.said[kept],
            q=self.q[kept],
            p=self.p[kept],
        )

    @property
    def scored(self) -> Mask:
        """Which answers are distributions."""
        return _known(self.p)


def held_against(
    answers: RecordTable, labels: tuple[str, ...], policy: str, scores: ScoreTable | None, raters: Raters
) -> HeldAgainst:
    """The clips that have votes for one of the labels and an answer, each with both.

    Under the policy `ban` nothing of an answer is on none of the labels.
    """
    there = (answers.ballots >= 0) & ~answers.failed
    there &= raters.n[answers.ballots] > 0
    places = np.flatnonzero(there)
    code = answers.banned if policy == "ban" else answers.predicted
    place = np.full(len(answers.class_codes.answers), -1, dtype=np.int64)
    place[[answers.class_codes.reference(label) for label in labels]] = np.arange(len(labels))
    of_set = answers.ballots[places].astype(np.int64)
    p = np.full((len(places), len(labels) + 1), np.nan)
    if scores is not None and len(scores) and {*labels} & {*scores.names}:
        found = scores.of_clips(answers.clip_ids)[places]
        # A class that the answers never score has none of theirs.
        columns = [scores.names.index(label) if label in scores.names else -1 for label in labels]
        inside = np.where(np.array(columns) >= 0, found[:, columns], 0.0)
        p = _with_rest(inside, _known(found), renormalised=policy == "ban")
    return HeldAgainst(
        places=places,
        of_set=of_set,
        unit=units_of(answers.speaker[there]),
        said=place[code[places]],
        q=np.hstack([raters.distribution[of_set], np.zeros((len(places), 1))]),
        p=p,
    )


def _known(values: Floats) -> Mask:
    """Which rows have every number."""
    return np.asarray(np.isfinite(values).all(axis=1), dtype=np.bool_)


def _with_rest(inside: Floats, there: Mask, *, renormalised: bool) -> Floats:
    """Scores of the classes with what is on none of them; NaN for rows that are not there, or hold a negative."""
    there = there & (np.nan_to_num(inside) >= 0).all(axis=1)
    inside = np.where(there[:, None], inside, 0.0)
    total = inside.sum(axis=1)
    if renormalised:
        inside = inside / np.where(total > 0, total, 1.0)[:, None]
    else:
        # Rounded scores may add up to a little more than 1.
        inside = inside / np.maximum(total, 1.0)[:, None]
    p = np.hstack([inside, np.maximum(1 - inside.sum(axis=1, keepdims=True), 0.0)])
    p[~there] = np.nan
    return p


def certain(said: Codes, classes: int) -> Floats:
    """Answers that have all of it on the class that is said, or on none."""
    found = np.zeros((len(said), classes + 1))
    found[np.arange(len(said)), said] = 1.0
    return found
