"""Clips of which several emotions may be true, and answers that name several.

What is true of a clip the corpus says itself, or its raters' votes do from a share on. An answer names what its
service tells above its cut-off, or else the emotions whose score is high enough, or else its label alone.

F1 by emotion, over all pairs (micro) and on average (macro), Hamming loss and exact match: Tsoumakas and Katakis
(2007), Multi-Label Classification: An Overview. A score that a service leaves out, since it is below a cut-off, is
not 0: by average precision it ties with all others of its kind, below every score that is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from sv_eval.record_file.score_table import ScoreTable
from sv_eval.report.interval import Interval
from sv_eval.report.reasons import Why
from sv_eval.report.several import EmotionAmongSeveral, SeveralEmotions
from sv_eval.scoring.calibration.bins import units_of
from sv_eval.scoring.f1_bounds import macro_f1
from sv_eval.scoring.multi_label import MultiLabel
from sv_eval.scoring.operating import Ranking
from sv_eval.scoring.scope import Scope
from sv_eval.scoring.soft.raters import raters_of
from sv_eval.scoring.unit_bounds import grouped, jackknife_interval, mean_by_unit

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]

FEWEST = 10
"""Of fewer clips nothing is said."""
_NEARLY = 1e-9
_NOTHING = Why.of("none_named")
_BELOW = -1.0
"""Where a score stands that is below a cut-off: under all that are told, with others of its kind."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Named:
    """What answers name, a clip a row."""

    sets: Mask
    """Which classes; shape [clips, classes]."""
    first: Codes
    """The answer's label by position among the classes; -1 for none of them."""
    ranks: Floats | None
    """The scores, `_BELOW` for those below a cut-off; None without any."""
    by: dict[str, int]
    """How they are named, with the number of clips."""


def several_of(scope: Scope, scores: ScoreTable | None, class_of: Callable[[str], str]) -> SeveralEmotions | None:
    """The figures of a run; None where the corpus has one emotion a clip and no rule makes several of votes.

    scores: as they came, those with a cut-off among them. class_of: the corpus's own word to its class.
    """
    config, labels, answers = scope.config, scope.labels, scope.answers
    rule = config.multi_label or MultiLabel()
    true, known = _true(scope, class_of)
    something = known & true.any(axis=1)
    places = np.flatnonzero(something & ~answers.failed)
    if len(places) < FEWEST:
        return None
    was = true[places]
    score = 1 / len(labels) if rule.score is None else rule.score
    named = _named(scope, scores, places, score)
    unit = units_of(answers.speaker[places])
    level = config.confidence
    hits, whole = (was & named.sets).astype(np.float64), was.astype(np.float64) + named.sets
    first_true = np.where(named.first >= 0, was[np.arange(len(places)), named.first], False)
    precisions = {} if named.ranks is None else _precisions(named.ranks, was, unit)
    sizes = np.bincount(grouped(unit)).astype(np.float64)
    return SeveralEmotions(
        n=len(places),
        n_outside=int((known & ~something).sum()),
        from_votes=UNSET if answers.emotion_sets or rule.votes is None else rule.votes,
        true_a_clip=float(was.sum(axis=1).mean()),
        named_by=named.by,
        score=score,
        named_a_clip=float(named.sets.sum(axis=1).mean()),
        macro_f1=macro_f1(hits, whole, unit, level, _NOTHING),
        micro_f1=macro_f1(hits.sum(axis=1, keepdims=True), whole.sum(axis=1, keepdims=True), unit, level, _NOTHING),
        hit_rate=mean_by_unit(first_true.astype(np.float64), unit, level, least=0.0, most=1.0),
        hamming_loss=mean_by_unit((was != named.sets).mean(axis=1), unit, level, least=0.0, most=1.0),
        exact=mean_by_unit((was == named.sets).all(axis=1).astype(np.float64), unit, level, least=0.0, most=1.0),
        mean_average_precision=UNSET if named.ranks is None else _mean(precisions, sizes, level),
        per_emotion=_per_emotion(labels, was, named, unit, precisions, level),
    )


def _true(scope: Scope, class_of: Callable[[str], str]) -> tuple[Mask, Mask]:
    """What is true of each clip, and of which clips anybody says so; shapes [clips, classes] and [clips]."""
    answers, labels, share = scope.answers, scope.labels, (scope.config.multi_label or MultiLabel()).votes
    found = np.zeros((len(answers), len(labels)), dtype=np.bool_)
    if answers.emotion_sets:
        place = {label: column for column, label in enumerate(labels)}
        of_set = np.zeros((len(answers.emotion_sets) + 1, len(labels)), dtype=np.bool_)
        for row, words in enumerate(answers.emotion_sets):
            for column in {place.get(class_of(word), -1) for word in words} - {-1}:
                of_set[row, column] = True
        # The code of no set, -1, is the last row.
        return of_set[answers.emotions], np.asarray(answers.emotions >= 0)
    if share is not None and answers.ballot_sets and labels:
        raters = raters_of(answers.ballot_sets, labels, class_of)
        given = raters.n + raters.outside
        shares = raters.votes / np.where(given > 0, given, 1.0)[:, None]
        voted = answers.ballots >= 0
        found[voted] = (shares >= share - _NEARLY)[answers.ballots[voted]]
        return found, np.asarray(voted)
    return found, np.zeros(len(answers), dtype=np.bool_)


def _named(scope: Scope, scores: ScoreTable | None, places: Codes, score: float) -> Named:
    answers, labels = scope.answers, scope.labels
    code = (answers.banned if scope.config.policy == "ban" else answers.predicted)[places]
    place = np.full(len(answers.class_codes.answers), -1, dtype=np.int64)
    place[[answers.class_codes.reference(label) for label in labels]] = np.arange(len(labels))
    first = place[code]
    sets = np.zeros((len(places), len(labels)), dtype=np.bool_)
    known = first >= 0
    sets[np.flatnonzero(known), first[known]] = True
    if scores is None or not {*labels} & {*scores.names}:
        return Named(sets=sets, first=first, ranks=None, by={"label": len(places)})
    found = scores.of_clips(answers.clip_ids)[places]
    cut = np.isfinite(scores.cut_offs_of(answers.clip_ids)[places])
    there = cut | np.isfinite(found).all(axis=1)
    columns = np.array([scores.names.index(label) if label in scores.names else -1 for label in labels])
    values = np.where(columns >= 0, found[:, columns], np.nan)
    told = np.isfinite(values)
    sets[cut] = told[cut]
    whole = there & ~cut
    sets[whole] = np.nan_to_num(values, nan=_BELOW)[whole] >= score - _NEARLY
    by = {"cut_off": int(cut.sum()), "scores": int(whole.sum()), "label": int((~there).sum())}
    ranks = np.where(told, values, _BELOW) if there.all() else None
    return Named(sets=sets, first=first, ranks=ranks, by={name: n for name, n in by.items() if n})


def _per_emotion(
    labels: tuple[str, ...], was: Mask, named: Named, unit: Codes, precisions: dict[int, Floats], level: float
) -> dict[str, EmotionAmongSeveral]:
    found, sizes = {}, np.bincount(grouped(unit)).astype(np.float64)
    for column, label in enumerate(labels):
        true, said = was[:, column : column + 1], named.sets[:, column : column + 1]
        found[label] = EmotionAmongSeveral(
            n=int(true.sum()),
            named=int(said.sum()),
            f1=macro_f1((true & said).astype(np.float64), true.astype(np.float64) + said, unit, level, _NOTHING),
            average_precision=_precision(precisions[column], sizes, level) if column in precisions else UNSET,
        )
    return found


def mean_precision(ranks: Floats, was: Mask, unit: Codes, level: float) -> Interval:
    """The mean of the emotions' average precision, with bounds."""
    return _mean(_precisions(ranks, was, unit), np.bincount(grouped(unit)).astype(np.float64), level)


def _precisions(ranks: Floats, was: Mask, unit: Codes) -> dict[int, Floats]:
    """Average precision, and what it is without each unit, by column that is true of some clips, not of all."""
    group = grouped(unit)
    found = {}
    for column in range(was.shape[1]):
        if 0 < int(was[:, column].sum()) < len(was):
            one = Ranking.of(ranks[:, column], was[:, column], group)
            found[column] = np.array([one.areas(place)[0] for place in (None, *range(int(group.max()) + 1))])
    return found


def _mean(precisions: dict[int, Floats], sizes: Floats, level: float) -> Interval:
    if not precisions:
        return Interval(value=None, n=int(sizes.sum()), reason=_NOTHING)
    return _precision(np.mean([*precisions.values()], axis=0), sizes, level)


def _precision(found: Floats, sizes: Floats, level: float) -> Interval:
    value, without = float(found[0]), found[1:]
    there = np.isfinite(without)
    return jackknife_interval(value, without[there], sizes[there], level, least=0.0, most=1.0, on_logit=True)
