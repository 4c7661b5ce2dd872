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
from sv_eval.scoring.soft.figures import SoftFigures
from sv_eval.scoring.soft.held import HeldAgainst, certain, held_against
from sv_eval.scoring.soft.raters import Raters, raters_of

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]

UNANIMOUS, MAJORITY, SPLIT = "unanimous", "majority", "split"
FEWEST = 10
"""Of fewer clips nothing is said."""
_NEARLY = 1e-9


def soft_labels_of(
    scope: Scope,
    scores: ScoreTable | None,
    class_of: Callable[[str], str],
    cut_off: Floats | None = None,
    *,
    one_hot: bool = False,
) -> SoftLabels | None:
    """The figures of a run; None where too few clips have votes.

    scores: under the label map that the scope is under. class_of: the corpus's own word to its class.
    cut_off: below what each answer tells nothing, NaN for nowhere: such are no distributions. one_hot: whether an
    answer without scores counts as one that holds itself certain.
    """
    answers, level = scope.answers, scope.config.confidence
    if not answers.ballot_sets or not scope.labels:
        return None
    raters = raters_of(answers.ballot_sets, scope.labels, class_of)
    has_votes = answers.ballots >= 0
    voted = has_votes & (raters.n[answers.ballots] > 0)
    if int(voted.sum()) < FEWEST:
        return None
    clips = held_against(answers, scope.labels, scope.config.policy, scores, raters)
    cut = np.zeros(len(clips.places), dtype=np.bool_) if cut_off is None else np.isfinite(cut_off[clips.places])
    scored = clips.scored
    bare = ~scored & ~cut
    if one_hot:
        clips.p[bare] = certain(clips.said[bare], len(scope.labels))
    people = SoftFigures(raters, scope.labels, level)
    whole = clips.part(clips.scored)
    every = answers.ballots[has_votes]
    given = raters.n + raters.outside
    return SoftLabels(
        n_voted=int(voted.sum()),
        n=len(whole.places),
        n_without_scores=int(bare.sum()),
        n_cut_off=int(cut.sum()),
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
