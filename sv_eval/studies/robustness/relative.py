"""Corruption errors of an atlas relative to a baseline's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sv_eval.errors import UsageError
from sv_eval.report.robustness import CorruptionError, CorruptionErrors
from sv_eval.scoring.corruption_errors import ErrorCounts, Floats, error_counts, relative_errors
from sv_eval.scoring.paired.pairs import Codes, Pairs
from sv_eval.studies.robustness.corruption import corruption_of
from sv_eval.studies.robustness.heard import Atlas, HeardRun, Published


def corruption_errors(atlas: Atlas, baseline: Atlas | Published, *, confidence: float) -> CorruptionErrors:
    """CE, rCE and their means over the conditions that both sides have. Raises UsageError where there are none."""
    there = baseline.errors if isinstance(baseline, Published) else [one.name for one in baseline.heard]
    heard = [one for one in atlas.heard if one.name in there]
    names = [one.name for one in heard]
    if not names:
        raise UsageError(f"robust.baseline: {baseline.source} has none of the conditions of this sweep")
    base: ErrorCounts | Floats
    if isinstance(baseline, Atlas):
        model, base, n_clips = _both(atlas, baseline, heard)
    else:
        model, n_clips = _counts([atlas.pairs(one) for one in heard])
        base = np.array([baseline.clean, *(baseline.errors[name] for name in names)])
    corruptions = _corruptions(heard)
    found = relative_errors(model, base, corruptions, confidence=confidence)
    base_errors = base.percent if isinstance(base, ErrorCounts) else base
    return CorruptionErrors(
        baseline=baseline.source,
        paired=isinstance(baseline, Atlas),
        n_clips=n_clips,
        clean_error=float(model.percent[0]),
        baseline_clean_error=float(base_errors[0]),
        corruptions=tuple(
            CorruptionError(
                corruption=name,
                conditions=tuple(names[place - 1] for place in places),
                ce=found.ce[name],
                rce=found.rce[name],
            )
            for name, places in corruptions.items()
        ),
        mce=found.mce,
        rmce=found.rmce,
        only_here=tuple(one.name for one in atlas.heard if one.name not in there),
        only_there=tuple(name for name in there if name not in {one.name for one in atlas.heard}),
    )


def _corruptions(heard: Sequence[HeardRun]) -> Mapping[str, Sequence[int]]:
    """The places of each corruption's levels, the clean run's being 0."""
    found: dict[str, list[int]] = {}
    for place, one in enumerate(heard, 1):
        found.setdefault(corruption_of(one.condition).name, []).append(place)
    return found


def _both(atlas: Atlas, baseline: Atlas, heard: Sequence[HeardRun]) -> tuple[ErrorCounts, ErrorCounts, int]:
    """The counts of both sides over the clips that both clean runs answered, by the speakers of the first."""
    counterparts = {one.name: one for one in baseline.heard}
    ours = [atlas.pairs(one) for one in heard]
    # A baseline that names other emotions as well is asked about the same ones.
    theirs = [baseline.pairs(counterparts[one.name], atlas.clean.run.report) for one in heard]
    common = set(ours[0].clip_ids) & set(theirs[0].clip_ids)
    if not common:
        raise UsageError(f"robust.baseline: {baseline.source} is of other clips than this sweep")
    ours, theirs = ([_part(pairs, common) for pairs in side] for side in (ours, theirs))
    if (ours[0].reference != theirs[0].reference).any():
        raise UsageError(
            f"robust.baseline: {baseline.source} has other references; the runs are of different labels"
        )
    model, n_clips = _counts(ours)
    base, _ = _counts(theirs, ours[0].speaker)
    return model, base, n_clips


def _part(pairs: Pairs, ids: set[str]) -> Pairs:
    return pairs.part(np.array([clip_id in ids for clip_id in pairs.clip_ids], dtype=np.bool_))


def _counts(pairs: Sequence[Pairs], unit: Codes | None = None) -> tuple[ErrorCounts, int]:
    """The counts of the clean run and of each condition; all pairs have the same clips."""
    first = pairs[0]
    right = np.stack([first.right_before, *(one.right_after for one in pairs)])
    counted = np.stack([first.before >= 0, *(one.after >= 0 for one in pairs)])
    return error_counts(right, counted, first.speaker if unit is None else unit), first.n
