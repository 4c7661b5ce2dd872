"""Counts of all settings by the same independent units, so that differences between settings are paired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.record_file.table import RecordTable
from sv_eval.scoring.clusters import Clusters, in_scope

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairedUnits:
    """Scored clips and right answers of every setting, by label and unit (speaker, or clip where none is known)."""

    counts: Clusters
    """[settings scored, settings right, labels, groups]: the first axis holds all scored, then all right."""
    n_clips: int
    """Clips that every setting answered and that have a scored reference."""
    n_left_out: int
    """Clips with a scored reference that some setting failed on."""

    @property
    def settings(self) -> int:
        """How many settings there are."""
        return len(self.counts.counts) // 2

    @property
    def n_units(self) -> int:
        """The units that the scarcest label has; what a mean over labels rests on."""
        has = self.counts.counts[: self.settings].max(axis=0) > 0
        per_label = has @ self.counts.multiplicity
        present = per_label[per_label > 0]
        return int(present.min()) if len(present) else 0

    def uar(self) -> Floats:
        """The UAR of each setting over the clips that all of them answered."""
        return self._uar(self.counts.total)

    def resamples(self, *, resamples: int, seed: int) -> Floats:
        """The UARs of all settings in each resample of whole units; shape [settings, resamples]."""
        parts = [self._uar(counts) for counts in self.counts.resampled(resamples=resamples, seed=seed)]
        return np.concatenate(parts, axis=1)

    def without_each(self) -> Floats:
        """The UARs of all settings without one unit of each group; shape [settings, groups]."""
        return self._uar(self.counts.total[:, :, None] - self.counts.counts)

    def uar_of_picks(self, parts: NDArray[np.int64]) -> float:
        """The UAR of all parts together, each under the setting that is the best one without it; NaN for none.

        parts: how many units of each group are in each part, [groups, parts]; a unit is in one part.
        """
        counts = self.counts.counts @ parts.astype(np.float64)
        without = self._uar(self.counts.total[:, :, None] - counts)
        known = np.isfinite(without)
        if not known.any(axis=0).all():
            return float("nan")
        picked, part = np.where(known, without, -np.inf).argmax(axis=0), np.arange(parts.shape[1])
        scored = counts[picked, :, part].sum(axis=0)
        right = counts[picked + self.settings, :, part].sum(axis=0)
        present = self.counts.total[: self.settings].max(axis=0) > 0
        with np.errstate(invalid="ignore", divide="ignore"):
            return float((right[present] / scored[present]).mean())

    def _uar(self, counts: Floats) -> Floats:
        """Mean recall over the labels that have clips at all; NaN where one of them lost its own."""
        scored, right = counts[: self.settings], counts[self.settings :]
        present = self.counts.total[: self.settings].max(axis=0) > 0
        with np.errstate(invalid="ignore", divide="ignore"):
            recalls = right[:, present] / scored[:, present]
        return np.asarray(
            recalls.mean(axis=1) if present.any() else np.full(recalls.shape[:1] + recalls.shape[2:], np.nan)
        )


def paired_units(
    tables: Sequence[RecordTable], labels: Sequence[str], policy: str, *, chosen: Sequence[str] | None = None
) -> PairedUnits:
    """The counts of tables over the same clips. `chosen` are the speakers whose clips count; None for all."""
    common = _common_ids(tables)
    places = [_places(table, common) for table in tables]
    scope = np.stack([in_scope(table, labels)[place] for table, place in zip(tables, places, strict=True)])
    first = tables[0]
    class_codes = first.class_codes
    wanted = np.isin(first.reference[places[0]], [class_codes.reference(label) for label in labels])
    speaker = first.speaker[places[0]].astype(np.int64)
    if chosen is not None:
        wanted &= np.isin(speaker, [first.speakers.index(name) for name in chosen if name in first.speakers])
    answered = scope.all(axis=0) & wanted
    place_of = np.full(len(class_codes.answers), len(labels))
    place_of[[class_codes.answer(label) for label in labels]] = np.arange(len(labels))
    reference = place_of[first.reference[places[0]][answered]]
    right, scored = [], []
    for table, place in zip(tables, places, strict=True):
        answer = (table.banned if policy == "ban" else table.predicted)[place][answered]
        right.append(place_of[answer] == reference)
        scored.append(answer < class_codes.answered if policy == "abstain" else np.ones(len(answer), np.bool_))
    counts = _counted(np.stack(scored), np.stack(right), reference, speaker[answered], len(labels))
    return PairedUnits(counts=counts, n_clips=int(answered.sum()), n_left_out=int((wanted & ~answered).sum()))


def _common_ids(tables: Sequence[RecordTable]) -> list[str]:
    common = set(tables[0].clip_ids)
    for table in tables[1:]:
        common &= set(table.clip_ids)
    return sorted(common)


def _places(table: RecordTable, ids: Sequence[str]) -> NDArray[np.int64]:
    """Where these clips stand in the table, which is sorted by id."""
    if len(ids) == len(table.clip_ids):
        return np.arange(len(ids))
    wanted = set(ids)
    return np.flatnonzero([clip_id in wanted for clip_id in table.clip_ids])


def _counted(
    scored: Mask, right: Mask, reference: NDArray[np.int64], speaker: NDArray[np.int64], n_labels: int
) -> Clusters:
    """Counts by unit. Clips without a speaker are units of their own; equal ones are kept once, and counted."""
    known = speaker >= 0
    names, of_known = np.unique(speaker[known], return_inverse=True)
    states = np.concatenate([reference[None, ~known].astype(np.uint8), scored[:, ~known], right[:, ~known]])
    patterns, of_lone, lone = np.unique(states, axis=1, return_inverse=True, return_counts=True)
    group = np.empty(len(speaker), np.int64)
    group[known] = of_known
    group[~known] = of_lone.reshape(-1) + len(names)
    size = (n_labels, len(names) + (patterns.shape[1] if (~known).any() else 0))
    cells = reference * size[1] + group
    rows = [np.bincount(cells[row], minlength=size[0] * size[1]).reshape(size) for row in [*scored, *right]]
    multiplicity = np.concatenate([np.ones(len(names), np.int64), lone[: size[1] - len(names)].astype(np.int64)])
    kind = "speaker" if known.all() else "mixed" if known.any() else "clip"
    counts = np.stack(rows).astype(np.float64) / np.maximum(multiplicity, 1)
    return Clusters(counts=counts, multiplicity=multiplicity, kind=kind)
