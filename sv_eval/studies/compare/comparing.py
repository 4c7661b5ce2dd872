"""What a comparison finds: figures on the common clips, paired differences, agreement, flips and groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from sv_eval.record_file.table import RecordTable
from sv_eval.report.change import Change, Equivalence, written
from sv_eval.report.comparison import (
    AdjustedChange,
    ComparedRun,
    Comparison,
    Failed,
    GroupChanges,
    GroupOfClips,
    LatencyRatios,
    McNemar,
    OverallChanges,
    PairOfRuns,
    RecallChange,
    TurnedClip,
    TurnedClips,
)
from sv_eval.report.interval import plain
from sv_eval.report.latency import TwoPercentiles
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.latency import both_refused
from sv_eval.scoring.paired.counts import OVERALL
from sv_eval.scoring.paired.differences import Difference, differences_of
from sv_eval.scoring.paired.equivalence import equivalence_of
from sv_eval.scoring.paired.latency_ratio import latency_ratio
from sv_eval.scoring.paired.pairs import Pairs, pairs_of
from sv_eval.scoring.paired.raters import rater_agreement
from sv_eval.scoring.paired.significance import holm, mcnemar
from sv_eval.scoring.policies import scores_of
from sv_eval.scoring.scope import scope_over
from sv_eval.scoring.soft.by_clip import soft_difference, soft_sides
from sv_eval.studies.compare.dimension_changes import dimension_changes
from sv_eval.studies.compare.entrants import Entrants
from sv_eval.studies.compare.score_changes import score_changes
from sv_eval.studies.gate.judging import not_comparable

DEFAULT_MARGIN = 0.02
"""How much may lie between runs that count as equally good, as a share."""
_FLIPS = 200
_FEWEST_IN_GROUP = 10


def compare(
    entrants: Entrants,
    *,
    confidence: float,
    resamples: int,
    seed: int,
    margin: float = DEFAULT_MARGIN,
    command: Sequence[str] = (),
) -> Comparison:
    """What the runs have in common and apart; `command` is what makes it again.

    margin: how much may lie between runs that count as equally good, as a share.
    """
    options: dict[str, Any] = {"confidence": confidence, "resamples": resamples, "seed": seed}
    config = ScoringConfig(policy=entrants.policy, **options)
    pairs = {
        (one, other): pairs_of(
            entrants.subjects[one].table, entrants.subjects[other].table, entrants.labels, entrants.policy
        )
        for one, other in combinations(range(len(entrants.names)), 2)
    }
    differences = [differences_of(each, **options) for each in pairs.values()]
    dimensions = dimension_changes(entrants.subjects, list(pairs), confidence)
    scores = score_changes(entrants.subjects, entrants.labels, list(pairs), confidence)
    return Comparison(
        n_clips=len(entrants.subjects[0].table),
        labels=entrants.labels,
        policy=entrants.policy,
        confidence=confidence,
        narrowed=entrants.narrowed,
        runs=tuple(_run(entrants, place, config) for place in range(len(entrants.names))),
        pairs=tuple(
            replace(
                _pair(entrants, places, pairs[places], overall, _per_emotion(pairs[places], found), confidence),
                equivalence=_equivalence(pairs[places], found, margin),
                raters=rater_agreement(pairs[places]),
                soft=_soft(entrants, places, confidence) or UNSET,
                dimensions=dimensions[places] or UNSET,
                scores=scores.get(places, UNSET),
            )
            for places, found, overall in zip(pairs, differences, _overall(differences), strict=True)
        ),
        agreement=_agreement(entrants, pairs),
        groups=_groups(entrants, pairs, options),
        command=tuple(command),
    )


def _run(entrants: Entrants, place: int, config: ScoringConfig) -> ComparedRun:
    """One run's own figures on the common clips, and how long callers waited for its answers."""
    subject = entrants.subjects[place]
    scores = scores_of(scope_over(subject.table, entrants.labels, config))
    policy = scores.policies[entrants.policy]
    latency = TwoPercentiles(
        p50=subject.waited.percentile(0.5, confidence=config.confidence),
        p95=subject.waited.percentile(0.95, confidence=config.confidence),
    )
    if subject.latency_refused:
        latency = both_refused(latency, subject.latency_refused)
    return ComparedRun(
        name=entrants.names[place],
        source=subject.source,
        identity=subject.identity,
        n_scored=scores.n,
        n_failed=int(subject.table.failed.sum()),
        accuracy=policy.headline(),
        recall=policy.recall,
        latency_ms=latency,
        others_cpu=subject.others_cpu,
    )


def _overall(differences: Sequence[Mapping[str, Difference]]) -> list[OverallChanges]:
    """The figures of every pair of runs, which asks anew whether two of them differ."""
    changes = [{name: found[name].told for name in OVERALL} for found in differences]
    adjusted = {name: _adjusted([change[name].p_value for change in changes]) for name in OVERALL}
    return [
        OverallChanges(
            **{name: written(AdjustedChange, change[name], p_adjusted=adjusted[name][place]) for name in OVERALL}
        )
        for place, change in enumerate(changes)
    ]


def _per_emotion(pairs: Pairs, differences: Mapping[str, Difference]) -> dict[str, RecallChange]:
    """The recalls' differences, with p-values adjusted over the emotions."""
    found = {label: differences[f"recall:{label}"] for label in pairs.labels}
    adjusted = _adjusted([one.p_value for one in found.values()])
    return {
        label: written(RecallChange, one, p_adjusted=p, **pairs.discordant(label)._asdict())
        for (label, one), p in zip(found.items(), adjusted, strict=True)
    }


def _adjusted(p_values: Sequence[float | None]) -> list[float | None]:
    """P-values, adjusted over those that there are."""
    adjusted = iter(holm([p for p in p_values if p is not None]))
    return [None if p is None else next(adjusted) for p in p_values]


def _pair(
    entrants: Entrants,
    places: tuple[int, int],
    pairs: Pairs,
    overall: OverallChanges,
    per_emotion: Mapping[str, RecallChange],
    confidence: float,
) -> PairOfRuns:
    one, other = places
    discordant = pairs.discordant()
    return PairOfRuns(
        before=entrants.names[one],
        after=entrants.names[other],
        n=pairs.n,
        failed=Failed(before=pairs.failed_before, after=pairs.failed_after),
        differences=overall,
        per_emotion=per_emotion,
        mcnemar=McNemar(gained=discordant.gained, lost=discordant.lost, p_value=mcnemar(discordant)),
        latency_ratio=_ratios(entrants, one, other, confidence),
        flips=_flips(entrants, one, other, pairs),
    )


def _soft(entrants: Entrants, places: tuple[int, int], confidence: float) -> dict[str, Change]:
    before, after = (entrants.subjects[place] for place in places)
    return {
        name: soft_difference(
            soft_sides((before.table, before.soft), (after.table, after.soft), name), confidence
        ).told
        for name in before.soft
        if name in after.soft
    }


def _equivalence(pairs: Pairs, found: Mapping[str, Difference], margin: float) -> dict[str, Equivalence]:
    unchanged = pairs.n > 0 and not (pairs.right_before != pairs.right_after).any()
    return {name: equivalence_of(found[name], margin, unchanged=unchanged) for name in ("uar", "accuracy")}


def _ratios(entrants: Entrants, one: int, other: int, confidence: float) -> LatencyRatios:
    before, after = entrants.subjects[one], entrants.subjects[other]
    if refused := not_comparable(after, before):
        return LatencyRatios(refused=refused[0], **refused[1])
    # Latencies are of all clips of a run; those of other clips are other figures.
    left_out = entrants.narrowed.clips or {}
    if found := {name: left_out[name] for name in (entrants.names[one], entrants.names[other]) if name in left_out}:
        return LatencyRatios(refused="other_clips", more=found)
    return LatencyRatios(
        p50=latency_ratio(before.waited, after.waited, 0.5, confidence=confidence).told,
        p95=latency_ratio(before.waited, after.waited, 0.95, confidence=confidence).told,
    )


def _flips(entrants: Entrants, one: int, other: int, pairs: Pairs) -> TurnedClips:
    """Clips that one of the runs alone got right, with their audio; so many at most of each."""
    tables = entrants.subjects[one].table, entrants.subjects[other].table
    lost = pairs.right_before & ~pairs.right_after
    gained = ~pairs.right_before & pairs.right_after
    return TurnedClips(
        changed=int(pairs.changed.sum()),
        lost=_clips(entrants, tables, pairs, lost),
        gained=_clips(entrants, tables, pairs, gained),
    )


def _clips(
    entrants: Entrants, tables: tuple[RecordTable, RecordTable], pairs: Pairs, which: NDArray[np.bool_]
) -> tuple[TurnedClip, ...]:
    chosen = [pairs.clip_ids[place] for place in np.flatnonzero(which)[:_FLIPS].tolist()]
    before, after = (_answers_to(table, chosen, pairs.policy) for table in tables)
    reference = dict(zip(pairs.clip_ids, pairs.reference.tolist(), strict=True))
    return tuple(
        TurnedClip(
            clip=clip_id,
            path=entrants.paths.get(clip_id, ""),
            reference=pairs.labels[reference[clip_id]],
            before=before[clip_id],
            after=after[clip_id],
        )
        for clip_id in chosen
    )


def _answers_to(table: RecordTable, clip_ids: Sequence[str], policy: str) -> dict[str, str]:
    """What the run said to some clips."""
    answers = table.banned if policy == "ban" else table.predicted
    asked = set(clip_ids)
    return {
        clip_id: table.class_codes.answers[code]
        for clip_id, code in zip(table.clip_ids, answers.tolist(), strict=True)
        if clip_id in asked
    }


def _agreement(entrants: Entrants, pairs: Mapping[tuple[int, int], Pairs]) -> tuple[tuple[float | None, ...], ...]:
    """The share of clips to which two runs gave the same answer, right or wrong; 1 on the diagonal."""
    n = len(entrants.names)
    found: list[list[float | None]] = [[1.0 if i == j else None for j in range(n)] for i in range(n)]
    for (one, other), each in pairs.items():
        share = plain(1.0 - float(each.changed.mean())) if each.n else None
        found[one][other] = found[other][one] = share
    return tuple(map(tuple, found))


def _groups(
    entrants: Entrants, pairs: Mapping[tuple[int, int], Pairs], options: Mapping[str, Any]
) -> dict[str, tuple[GroupOfClips, ...]]:
    """Accuracy of both runs of every pair within each sex and language that has enough clips."""
    found: dict[str, tuple[GroupOfClips, ...]] = {}
    for group, values in entrants.groups.items():
        rows = []
        for (one, other), each in pairs.items():
            value = np.array([values.get(clip_id, "") for clip_id in each.clip_ids])
            for name in sorted(set(value.tolist()) - {""}):
                inside = value == name
                if int(inside.sum()) < _FEWEST_IN_GROUP:
                    continue
                differences = differences_of(each.part(inside), **options)
                rows.append(
                    GroupOfClips(
                        value=name,
                        before=entrants.names[one],
                        after=entrants.names[other],
                        n=int(inside.sum()),
                        differences=GroupChanges(
                            uar=differences["uar"].told, accuracy=differences["accuracy"].told
                        ),
                    )
                )
        if rows:
            found[group] = tuple(rows)
    return found
