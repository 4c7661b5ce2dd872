"""Figures by groups of speakers: whether some are understood worse than the others.

A group is held against all other clips. Its standard error leaves out one speaker at a time, so that a voice counts
once however many clips it has; p-values are adjusted over all groups and figures (Holm). Of an attribute with two
groups, which mirror each other, one is tested.

Where the corpus does not say who is a woman or a man, pitch stands in: thirds of the speakers by the median pitch
of their clips; of the clips, where speakers are unknown. That is no sex, and moves with the emotions that a
speaker has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from sv_eval.report.change import written
from sv_eval.report.fairness import Fairness, Group, GroupDifference, GroupsOf
from sv_eval.scoring.error_thresholds import class_thresholds
from sv_eval.scoring.group_counts import group_counts
from sv_eval.scoring.paired.differences import Difference
from sv_eval.scoring.paired.drops import units_of
from sv_eval.scoring.paired.significance import holm
from sv_eval.scoring.policies import scores_of
from sv_eval.scoring.scope import Scope, scope_over

Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]

SEX, LANGUAGE, AGE, ACCENT, PITCH = "sex", "language", "age", "accent", "pitch"
AGE_BANDS = ("under 18", "18 to 29", "30 to 44", "45 to 59", "60 and over")
"""Bands of age; the last one is open."""
_BAND_BEGINS = (18, 30, 45, 60)
THIRDS = ("low", "middle", "high")
FEWEST = 10
"""Groups of fewer scored clips are not looked at."""
_MOST_UNKNOWN = 0.5
"""With more of the scored clips' sex unknown, pitch stands in."""
_RESAMPLES = 500
_MOST_GROUPS = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Attribute:
    """Whose group each clip is: a code into `names`, -1 where it is not known."""

    code: Codes
    names: tuple[str, ...]
    bounds: Mapping[str, tuple[float | None, float | None]]


def fairness_of(scope: Scope) -> Fairness | None:
    """The figures by groups; None where no attribute has two groups with enough clips."""
    judged = _Judged(scope)
    found = {name: each for name, attribute in _attributes(scope) if (each := judged.groups_of(name, attribute))}
    if not found:
        return None
    adjusted, n_tests = _adjusted(found)
    return Fairness(attributes=adjusted, n_tests=n_tests)


def _attributes(scope: Scope) -> Iterator[tuple[str, _Attribute]]:
    answers = scope.answers
    yield SEX, _Attribute(code=answers.sex.astype(np.int64), names=answers.sexes, bounds={})
    yield LANGUAGE, _Attribute(code=answers.language.astype(np.int64), names=answers.languages, bounds={})
    # Of no age is -1, and below every band's beginning.
    bands = np.where(answers.age < 0, -1, np.searchsorted(_BAND_BEGINS, answers.age, side="right"))
    yield AGE, _Attribute(code=bands.astype(np.int64), names=AGE_BANDS, bounds={})
    yield ACCENT, _Attribute(code=answers.accent.astype(np.int64), names=answers.accents, bounds={})
    scored = scope.scored
    unknown = float((answers.sex[scored] < 0).mean()) if scored.any() else 0.0
    pitch = answers.sound.get("pitch_hz") if answers.sound else None
    if pitch is not None and unknown > _MOST_UNKNOWN and np.isfinite(pitch[scored]).sum() >= 3 * FEWEST:
        yield PITCH, _thirds(pitch, units_of(answers.speaker.astype(np.int64)), scored)


def _thirds(pitch: NDArray[np.float64], unit: Codes, scored: Mask) -> _Attribute:
    """Thirds of the speakers by their median pitch."""
    own = np.full(len(pitch), np.nan)
    medians = {}
    for name in np.unique(unit[scored]).tolist():
        clips = scored & (unit == name) & np.isfinite(pitch)
        if clips.any():
            medians[name] = float(np.median(pitch[clips]))
            own[unit == name] = medians[name]
    low, high = np.quantile(list(medians.values()), [1 / 3, 2 / 3]).tolist()
    code = np.where(np.isnan(own), -1, (own >= low).astype(np.int64) + (own >= high))
    bounds = dict(zip(THIRDS, ((None, low), (low, high), (high, None)), strict=True))
    return _Attribute(code=code, names=THIRDS, bounds=bounds)


class _Judged:
    """The answers that the headline policy scores."""

    def __init__(self, scope: Scope) -> None:
        answers, policy = scope.answers, scope.config.policy
        given = answers.banned if policy == "ban" else answers.predicted
        counted = scope.scored & ((given < answers.class_codes.answered) | (policy != "abstain"))
        place = np.full(len(answers.class_codes.references), -1)
        for number, label in enumerate(scope.labels):
            place[answers.class_codes.reference(label)] = number
        self._scope, self._counted = scope, counted
        self._reference = place[answers.reference[counted]]
        self._right = given[counted] == answers.reference[counted]
        self._unit = units_of(answers.speaker.astype(np.int64))
        self._few = replace(scope.config, resamples=min(scope.config.resamples, _RESAMPLES))

    def groups_of(self, name: str, attribute: _Attribute) -> GroupsOf | None:
        """An attribute's groups; None with fewer than two that have enough clips."""
        scored = self._scope.scored
        sizes = {
            group: int((scored & (attribute.code == code)).sum()) for code, group in enumerate(attribute.names)
        }
        enough = [group for group, n in sizes.items() if n >= FEWEST][:_MOST_GROUPS]
        if len(enough) < 2:
            return None
        groups = tuple(
            self._group(attribute.code == attribute.names.index(group), attribute, group, len(enough))
            for group in enough
        )
        known = [group for group in groups if group.uar.value is not None]
        worst = min(known, key=lambda group: group.uar.value or 0.0, default=None)
        return GroupsOf(
            groups=groups,
            n_unknown=int((scored & (attribute.code < 0)).sum()),
            too_few={group: n for group, n in sizes.items() if 0 < n < FEWEST},
            worst=None if worst is None else worst.name,
            stands_in_for=SEX if name == PITCH else UNSET,
        )

    def _group(self, inside: Mask, attribute: _Attribute, name: str, groups: int) -> Group:
        scope = self._scope
        known = attribute.code[self._counted] >= 0
        figures = scores_of(scope_over(scope.answers.part(inside), scope.labels, self._few)).policies[
            scope.config.policy
        ]
        counts = group_counts(
            self._reference[known],
            self._right[known],
            inside[self._counted][known],
            self._unit[self._counted][known],
            len(scope.labels),
        )
        uar, accuracy, *recalls = (_told(one) for one in counts.differences(confidence=scope.config.confidence))
        n = int((scope.scored & inside).sum())
        low, high = attribute.bounds.get(name, (None, None))
        return Group(
            name=name,
            low=low,
            high=high,
            n=n,
            n_speakers=len(np.unique(self._unit[scope.scored & inside])),
            uar=figures.uar,
            accuracy=figures.accuracy,
            recall=figures.recall,
            uar_difference=uar,
            accuracy_difference=accuracy,
            recall_difference=dict(zip(scope.labels, recalls, strict=True)),
            chance=self._by_chance(n, groups),
        )

    def _by_chance(self, n: int, groups: int) -> float | None:
        """Of a recogniser that guesses, with the labels as often as they are here."""
        of = np.bincount(self._reference, minlength=len(self._scope.labels)).astype(np.float64)
        if not of.sum() or len(of) < 2:
            return None
        uniform = np.full(len(of), 1 / len(of))
        return class_thresholds(n, groups, truth=(of / of.sum()).tolist(), answers=uniform.tolist()).recall.p99


def _told(difference: Difference) -> GroupDifference:
    return written(GroupDifference, difference, p_adjusted=None)


def _adjusted(found: Mapping[str, GroupsOf]) -> tuple[dict[str, GroupsOf], int]:
    """The same with adjusted p-values; the second of two groups has those of the first, its mirror image."""
    values: list[float] = []
    for each in found.values():
        tested = each.groups[:1] if len(each.groups) == 2 else each.groups
        values += [p for group in tested for p in _p_values(group)]
    waiting = iter(holm(values))
    told: dict[str, GroupsOf] = {}
    for name, each in found.items():
        groups = list(each.groups)
        if len(groups) == 2:
            own = [next(waiting) for _ in _p_values(groups[0])]
            groups = [_with(group, iter(own).__next__) for group in groups]
        else:
            groups = [_with(group, waiting.__next__) for group in groups]
        told[name] = replace(each, groups=tuple(groups))
    return told, len(values)


def _differences(group: Group) -> list[GroupDifference]:
    return [group.uar_difference, group.accuracy_difference, *group.recall_difference.values()]


def _p_values(group: Group) -> list[float]:
    return [one.p_value for one in _differences(group) if one.p_value is not None]


def _with(group: Group, following: Callable[[], float]) -> Group:
    def own(one: GroupDifference) -> GroupDifference:
        return one if one.p_value is None else replace(one, p_adjusted=following())

    return replace(
        group,
        uar_difference=own(group.uar_difference),
        accuracy_difference=own(group.accuracy_difference),
        recall_difference={label: own(one) for label, one in group.recall_difference.items()},
    )
