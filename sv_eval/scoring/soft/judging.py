"""Answers against the distributions of raters, with bounds that allow for speakers and with what people reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.record_file.score_table import ScoreTable
from sv_eval.report.interval import Interval
from sv_eval.report.reasons import Why
from sv_eval.report.soft import AgreementSlice, SoftFigure, SoftLabels
from sv_eval.scoring.calibration.bins import units_of
from sv_eval.scoring.scope import Scope
from sv_eval.scoring.shares import share_by_unit
from sv_eval.scoring.soft.agreement import alpha_of
from sv_eval.scoring.soft.ceiling import Ceiling, ceiling_of
from sv_eval.scoring.soft.distances import cross_entropy, entropy, jensen_shannon, soft_f1, total_variation
from sv_eval.scoring.soft.raters import Raters, raters_of
from sv_eval.scoring.unit_bounds import jackknife_interval, mean_by_unit

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]

UNANIMOUS, MAJORITY, SPLIT = "unanimous", "majority", "split"
FEWEST = 10
"""Of fewer clips nothing is said."""
_NEARLY = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Clips:
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

    def part(self, kept: Mask) -> _Clips:
        """Those that are kept."""
        return _Clips(
            places=self.places[kept],
            of_set=self.of_set[kept],
            unit=np.unique(self.unit[kept], return_inverse=True)[1],
            said=self.said[kept],
            q=self.q[kept],
            p=self.p[kept],
        )


def soft_labels_of(
    scope: Scope, scores: ScoreTable | None, class_of: Callable[[str], str], *, one_hot: bool = False
) -> SoftLabels | None:
    """The figures of a run; None where too few clips have votes.

    scores: under the label map that the scope is under. class_of: the corpus's own word to its class. one_hot:
    whether an answer without scores counts as one that holds itself certain.
    """
    answers, level = scope.answers, scope.config.confidence
    if not answers.ballot_sets or not scope.labels:
        return None
    raters = raters_of(answers.ballot_sets, scope.labels, class_of)
    has_votes = answers.ballots >= 0
    voted = has_votes & (raters.n[answers.ballots] > 0)
    if int(voted.sum()) < FEWEST:
        return None
    clips, cut_off = _clips(scope, scores, raters, voted & ~answers.failed)
    scored = _known(clips.p)
    lacking = int((~scored & ~cut_off).sum())
    if one_hot:
        clips.p[~scored & ~cut_off] = _one_hot(clips.said[~scored & ~cut_off], len(scope.labels))
    people = _People(scope, raters, clips)
    whole = clips.part(_known(clips.p))
    every = answers.ballots[has_votes]
    given = raters.n + raters.outside
    return SoftLabels(
        n_voted=int(voted.sum()),
        n=len(whole.places),
        n_without_scores=lacking,
        n_cut_off=int(cut_off.sum()),
        n_failed=int((voted & answers.failed).sum()),
        one_hot=one_hot,
        votes_a_clip=None if raters.shares else float(raters.n[answers.ballots[voted]].mean()),
        outside=float(raters.outside[every].sum() / given[every].sum()),
        n_outside=int((has_votes & ~voted).sum()),
        rest=float(clips.p[scored, -1].mean()) if scored.any() else None,
        entropy=float(entropy(clips.q).mean()) if len(clips.q) else 0.0,
        cross_entropy=people.logarithmic(clips.part(scored), "cross_entropy"),
        kl=people.logarithmic(clips.part(scored), "kl"),
        js=people.distance(whole, "js", jensen_shannon),
        tvd=people.distance(whole, "tvd", total_variation),
        soft_macro_f1=people.macro_f1(whole),
        soft_accuracy=people.accuracy(clips),
        per_emotion=people.by_class(whole),
        alpha=alpha_of(raters, answers.ballots[voted].astype(np.int64), units_of(answers.speaker[voted]), level),
        agreement=_slices(scope, raters, clips, people),
    )


def _clips(scope: Scope, scores: ScoreTable | None, raters: Raters, there: Mask) -> tuple[_Clips, Mask]:
    """The clips, and which of them have scores that lack what is below a cut-off."""
    answers, labels = scope.answers, scope.labels
    places = np.flatnonzero(there)
    code = answers.banned if scope.config.policy == "ban" else answers.predicted
    place = np.full(len(answers.class_codes.answers), -1, dtype=np.int64)
    place[[answers.class_codes.reference(label) for label in labels]] = np.arange(len(labels))
    of_set = answers.ballots[places].astype(np.int64)
    p = np.full((len(places), len(labels) + 1), np.nan)
    if scores is not None and len(scores) and {*labels} & {*scores.names}:
        found = scores.of_clips(answers.clip_ids)[places]
        # A class that the answers never score has none of theirs.
        columns = [scores.names.index(label) if label in scores.names else -1 for label in labels]
        inside = np.where(np.array(columns) >= 0, found[:, columns], 0.0)
        p = _with_rest(inside, _known(found), renormalised=scope.config.policy == "ban")
    cut_off = np.zeros(len(places), dtype=np.bool_)
    clips = _Clips(
        places=places,
        of_set=of_set,
        unit=units_of(answers.speaker[there]),
        said=place[code[places]],
        q=np.hstack([raters.distribution[of_set], np.zeros((len(places), 1))]),
        p=p,
    )
    return clips, cut_off


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


def _one_hot(said: Codes, classes: int) -> Floats:
    """All of it on the class that is said, or on none."""
    found = np.zeros((len(said), classes + 1))
    found[np.arange(len(said)), said] = 1.0
    return found


class _People:
    """Figures of clips' answers, each beside what the clips' raters reach."""

    def __init__(self, scope: Scope, raters: Raters, clips: _Clips) -> None:
        self._labels, self._level = scope.labels, scope.config.confidence
        self._raters = raters
        self._reach: Ceiling | None = ceiling_of(raters) if raters.several[clips.of_set].any() else None

    def logarithmic(self, clips: _Clips, name: str) -> SoftFigure:
        """Cross-entropy or divergence: of answers with scores alone, since a bare answer has no logarithm."""
        values = cross_entropy(clips.q, clips.p)
        if name == "kl":
            values = values - entropy(clips.q)
        return self._mean(clips, name, values, least=0.0 if name == "cross_entropy" else -np.inf, most=np.inf)

    def distance(self, clips: _Clips, name: str, formula: Callable[[Floats, Floats], Floats]) -> SoftFigure:
        """A distance from 0 to 1."""
        return self._mean(clips, name, formula(clips.q, clips.p), least=0.0, most=1.0)

    def accuracy(self, clips: _Clips) -> SoftFigure:
        """The share of raters that said what the answer says; an answer that names no class has none."""
        # The last column is that of no class.
        agreed = clips.q[np.arange(len(clips.q)), clips.said]
        return self._mean(clips, "soft_accuracy", agreed, least=0.0, most=1.0)

    def macro_f1(self, clips: _Clips) -> SoftFigure:
        """The mean of soft F1 over the classes that anybody named."""
        return self._f1(clips, slice(None))

    def by_class(self, clips: _Clips) -> dict[str, SoftFigure]:
        """The soft F1 of each class."""
        return {label: self._f1(clips, slice(place, place + 1)) for place, label in enumerate(self._labels)}

    def _mean(self, clips: _Clips, name: str, values: Floats, *, least: float, most: float) -> SoftFigure:
        if not len(values):
            return SoftFigure(of_answers=Interval(value=None, reason=Why.of("no_distribution")))
        of_answers = mean_by_unit(values, clips.unit, self._level, least=least, most=most)
        several = self._raters.several[clips.of_set]
        if self._reach is None or not several.any():
            return SoftFigure(of_answers=of_answers)
        reached = getattr(self._reach, name)[clips.of_set[several]]
        _, unit = np.unique(clips.unit[several], return_inverse=True)
        return SoftFigure(
            of_answers=of_answers, of_raters=mean_by_unit(reached, unit, self._level, least=least, most=most)
        )

    def _f1(self, clips: _Clips, columns: slice) -> SoftFigure:
        if not len(clips.q):
            return SoftFigure(of_answers=Interval(value=None, reason=Why.of("no_distribution")))
        p, q = clips.p[:, :-1][:, columns], clips.q[:, :-1][:, columns]
        of_answers = self._f1_interval(np.minimum(p, q), p + q, clips.unit)
        several = self._raters.several[clips.of_set]
        if self._reach is None or not several.any():
            return SoftFigure(of_answers=of_answers)
        sets = clips.of_set[several]
        _, unit = np.unique(clips.unit[several], return_inverse=True)
        hit, whole = self._reach.hit[sets][:, columns], self._reach.whole[sets][:, columns]
        return SoftFigure(of_answers=of_answers, of_raters=self._f1_interval(hit, whole, unit))

    def _f1_interval(self, hit: Floats, whole: Floats, unit: Codes) -> Interval:
        size = int(unit.max()) + 1
        sums = [
            np.stack([np.bincount(unit, column, minlength=size) for column in part.T], axis=1)
            for part in (hit, whole)
        ]
        total = [part.sum(axis=0) for part in sums]
        value = _macro(soft_f1(*total))
        if np.isnan(value):
            return Interval(value=None, n=len(hit), reason=Why.of("no_distribution"))
        without = _macro(soft_f1(total[0] - sums[0], np.maximum(total[1] - sums[1], 0.0)))
        sizes, there = np.bincount(unit).astype(np.float64), np.isfinite(without)
        return jackknife_interval(float(value), without[there], sizes[there], self._level, least=0.0, most=1.0)


def _macro(f1: Floats) -> Floats:
    """The mean over the classes that anybody named; NaN for none. Shape [...] of [..., classes]."""
    named = np.isfinite(f1)
    n = named.sum(axis=-1)
    return np.asarray(np.where(n > 0, np.where(named, f1, 0.0).sum(axis=-1) / np.maximum(n, 1), np.nan))


def _slices(scope: Scope, raters: Raters, clips: _Clips, people: _People) -> dict[str, AgreementSlice]:
    """Clips by how far their raters agree; one rater agrees with nobody."""
    answers, policy = scope.answers, scope.config.policy
    top = raters.top[clips.of_set]
    alone = ((raters.n + raters.outside) < 1.5)[clips.of_set] & (not raters.shares)
    right = (answers.banned if policy == "ban" else answers.predicted)[clips.places]
    counts = scope.scored[clips.places]
    if policy == "abstain":
        counts = counts & (right < answers.class_codes.answered)
    right = right == answers.reference[clips.places]
    speaker = answers.speaker[clips.places].astype(np.int64)
    found = {}
    for name, there in (
        (UNANIMOUS, top > 1 - _NEARLY),
        (MAJORITY, (top > 0.5 + _NEARLY) & (top <= 1 - _NEARLY)),
        (SPLIT, top <= 0.5 + _NEARLY),
    ):
        inside = there & ~alone
        if not inside.any():
            continue
        judged = inside & counts
        found[name] = AgreementSlice(
            n=int(inside.sum()),
            accuracy=share_by_unit(right[judged], speaker[judged], scope.config.confidence),
            soft_accuracy=people.accuracy(clips.part(inside)),
        )
    return found
