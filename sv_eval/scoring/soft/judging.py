"""A run's answers against the distributions of its raters: which clips, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sv_eval.record_file.score_table import ScoreTable
from sv_eval.report.soft import AgreementSlice, SoftLabels
from sv_eval.scoring.calibration.bins import units_of
from sv_eval.scoring.scope import Scope
from sv_eval.scoring.shares import share_by_unit
from sv_eval.scoring.soft.agreement import alpha_of
from sv_eval.scoring.soft.distances import entropy, jensen_shannon, total_variation
from sv_eval.scoring.soft.figures import HeldAgainst, SoftFigures
from sv_eval.scoring.soft.raters import Raters, raters_of

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]

UNANIMOUS, MAJORITY, SPLIT = "unanimous", "majority", "split"
FEWEST = 10
"""Of fewer clips nothing is said."""
_NEARLY = 1e-9


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
    people = SoftFigures(raters, scope.labels, level)
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


def _clips(scope: Scope, scores: ScoreTable | None, raters: Raters, there: Mask) -> tuple[HeldAgainst, Mask]:
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
    clips = HeldAgainst(
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


def _slices(scope: Scope, raters: Raters, clips: HeldAgainst, people: SoftFigures) -> dict[str, AgreementSlice]:
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
