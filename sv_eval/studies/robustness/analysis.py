"""From the runs of a sweep over conditions to what `robustness.json` holds. Pure: nothing is read or written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from msgspec import UNSET

from sv_eval.report.change import written
from sv_eval.report.robustness import (
    Beyond,
    BreakingPoint,
    CleanFigures,
    ConditionFigures,
    HeardChange,
    RobustnessFile,
)
from sv_eval.report.sweep import MissingSetting, UnitCounts
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.paired.counts import paired_clusters
from sv_eval.scoring.paired.differences import Difference, differences_of
from sv_eval.scoring.paired.pairs import Pairs
from sv_eval.scoring.paired.significance import holm
from sv_eval.scoring.shares import share_by_unit
from sv_eval.studies.robustness.config import RobustConfig
from sv_eval.studies.robustness.corruption import CHAIN, corruption_of, severity
from sv_eval.studies.robustness.heard import Atlas, HeardRun, Published
from sv_eval.studies.robustness.relative import corruption_errors
from sv_eval.studies.robustness.said import said_of

_CAVEATS = (
    "demonstration_model", "random_weights", "simulation", "training_overlap", "sound_taught", "overlap_unknown",
    "speakers_unknown", "few_speakers",
)  # fmt: skip
"""Of the clean run, what holds for the whole sweep."""
_UAR, _RECALL = "uar", "recall:"
_FAMILIES = {0: ("line_", "packet_"), 1: ("noise_",), 2: ("room_",), 4: (CHAIN,)}
_OTHERS = 3


def analyse(
    atlas: Atlas,
    missing: Sequence[MissingSetting],
    options: RobustConfig,
    scoring: ScoringConfig,
    *,
    baseline: Atlas | Published | None,
    command: str,
) -> RobustnessFile:
    """What is lost under each condition. missing: the settings without a result. command: what was called."""
    report, environment = atlas.clean.run.report, atlas.clean.run.environment
    in_order = sorted(atlas.heard, key=_place)
    pairs = [atlas.pairs(one) for one in in_order]
    differences = [
        differences_of(each, confidence=scoring.confidence, resamples=scoring.resamples, seed=scoring.seed)
        for each in pairs
    ]
    adjusted, n_tests = _adjusted(differences)
    conditions = tuple(
        _row(atlas.clean, one, each, found, p, options.margin, scoring.confidence)
        for one, each, found, p in zip(in_order, pairs, differences, adjusted, strict=True)
    )
    units, first = paired_clusters(pairs[0]), pairs[0]
    return RobustnessFile(
        labels=report.labels,
        policy=report.policy,
        confidence=scoring.confidence,
        margin=options.margin,
        clean=CleanFigures(
            name=atlas.clean.name,
            directory=atlas.clean.directory,
            uar=report.accuracy.uar,
            accuracy=report.accuracy.accuracy,
        ),
        conditions=conditions,
        missing=tuple(missing),
        n_clips=first.n,
        n_left_out=first.n_asked - first.n,
        units=UnitCounts(kind=units.kind, n=units.n, scarcest=int(units.contributors()[0])),
        n_tests=n_tests,
        breaking=breaking_points(conditions),
        errors=UNSET
        if baseline is None
        else corruption_errors(replace(atlas, heard=in_order), baseline, confidence=scoring.confidence),
        backend=environment.backend,
        dataset=environment.dataset,
        machine=environment.machine,
        caveats=tuple(one for one in report.caveats if one.code in _CAVEATS),
        command=command,
    )


def beyond(change: Difference | HeardChange, margin: float) -> Beyond:
    """Whether a figure drops by more than the margin: by the whole of its interval, by a part of it, or not."""
    if change.low is None or change.high is None:
        # Nothing changed, or no spread can be seen.
        return "no" if change.value is not None and abs(change.value) < 1e-12 else "unknown"
    if change.high < -margin:
        return "surely"
    return "perhaps" if change.low < -margin else "no"


def breaking_points(conditions: Sequence[ConditionFigures]) -> tuple[BreakingPoint, ...]:
    """Of each corruption with two levels or more, the mildest that breaks."""
    by_corruption: dict[tuple[str, str], list[ConditionFigures]] = {}
    for one in conditions:
        if one.axis is not None and one.level is not None:
            by_corruption.setdefault((one.corruption, one.axis), []).append(one)
    found = []
    for (corruption, axis), levels in by_corruption.items():
        mildest_first = sorted(levels, key=lambda one: severity(one.axis or "", one.level or 0.0))
        perhaps = next((one.level for one in mildest_first if one.beyond in ("perhaps", "surely")), None)
        surely = next((one.level for one in mildest_first if one.beyond == "surely"), None)
        told = tuple(one.level for one in mildest_first if one.level is not None)
        if len(told) > 1:
            found.append(
                BreakingPoint(corruption=corruption, axis=axis, levels=told, perhaps=perhaps, surely=surely)
            )
    return tuple(found)


def _place(one: HeardRun) -> tuple[int, str, float, str]:
    """Lines, noises, rooms, whatever else, chains; a corruption's levels by how much they hurt."""
    of = corruption_of(one.condition)
    family = next((place for place, names in _FAMILIES.items() if of.name.startswith(names)), _OTHERS)
    hurts = 0.0 if of.axis is None or of.level is None else severity(of.axis, of.level)
    return family, of.name, hurts, one.name


def _adjusted(differences: Sequence[Mapping[str, Difference]]) -> tuple[list[dict[str, float]], int]:
    """Holm's p-values over UAR and the recalls of all conditions, and how many there are."""
    places = [
        (number, name, difference.p_value)
        for number, found in enumerate(differences)
        for name, difference in found.items()
        if (name == _UAR or name.startswith(_RECALL)) and difference.p_value is not None
    ]
    adjusted: list[dict[str, float]] = [{} for _ in differences]
    values = holm([p for _, _, p in places])
    for (number, name, _), p in zip(places, values, strict=True):
        adjusted[number][name] = p
    return adjusted, len(places)


def _row(
    clean: HeardRun,
    one: HeardRun,
    pairs: Pairs,
    found: Mapping[str, Difference],
    p: Mapping[str, float],
    margin: float,
    confidence: float,
) -> ConditionFigures:
    of, accuracy = corruption_of(one.condition), found["accuracy"]
    was, now = said_of(clean.run.answers, pairs), said_of(one.run.answers, pairs)

    def change(name: str) -> HeardChange:
        return written(HeardChange, found[name], p_adjusted=p.get(name))

    return ConditionFigures(
        name=one.name,
        directory=one.directory,
        settings=one.condition,
        corruption=of.name,
        axis=of.axis,
        level=of.level,
        n_clips=pairs.n,
        error=None if accuracy.after is None else 100 * (1 - accuracy.after),
        uar=change(_UAR),
        accuracy=change("accuracy"),
        recall={label: change(f"{_RECALL}{label}") for label in pairs.labels},
        beyond=beyond(found[_UAR], margin),
        flipped=share_by_unit(was.answer != now.answer, pairs.speaker, confidence),
        unknown=share_by_unit(was.emotion & ~now.emotion & ~now.failed, pairs.speaker, confidence),
        failed=share_by_unit(now.failed, pairs.speaker, confidence),
    )
