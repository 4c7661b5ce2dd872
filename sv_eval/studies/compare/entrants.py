"""The runs that are compared, narrowed to what they have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from msgspec import UNSET

from sv_eval.errors import UsageError
from sv_eval.record_file.table import RecordTable
from sv_eval.report.comparison import Narrowed
from sv_eval.studies.gate.baseline_file import read_subject
from sv_eval.studies.gate.subject import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrants:
    """Runs over the same clips and classes."""

    names: tuple[str, ...]
    """Short names, as the report calls them."""
    subjects: tuple[Subject, ...]
    """Their tables hold the common clips alone."""
    labels: tuple[str, ...]
    """The classes that all of them are scored on."""
    policy: str
    """The unknown policy that all of them are scored under."""
    narrowed: Narrowed
    """What was left out to make them comparable."""
    groups: Mapping[str, Mapping[str, str]]
    """`sex` and `language`, each from clip id to its value, where it is known."""
    paths: Mapping[str, str]
    """Clip id to where its audio is, where that is known."""


def entrants_of(sources: Sequence[str], policy: str | None = None) -> Entrants:
    """The runs in these directories or baseline files; raises UsageError when they have nothing in common."""
    subjects = [read_subject(source) for source in sources]
    common = set(subjects[0].table.clip_ids).intersection(*(set(one.table.clip_ids) for one in subjects[1:]))
    if not common:
        named = ", ".join(
            f"'{subject.table.clip_ids[0]}' in {source}"
            for source, subject in zip(sources, subjects, strict=True)
            if subject.table.clip_ids
        )
        raise UsageError(
            f"{sources[0]} and the others have no clip in common, by their ids ({named}): compare runs over one "
            "corpus, read in one way"
        )
    if len({frozenset(subject.table.class_codes.classes) for subject in subjects}) > 1:
        raise UsageError(
            "the runs are scored under different label maps; score them under one: "
            "python -m sv_eval.score RUN labels=MAP"
        )
    labels = tuple(name for name in subjects[0].labels if all(name in one.labels for one in subjects))
    told = [set(one.ranges) for one in subjects]
    if not labels and not told[0].intersection(*told[1:]):
        raise UsageError("the runs have no scored class in common; score them again with the same scoring.labels")
    chosen = policy or subjects[0].policy
    names = short_names(sources)
    narrowed = tuple(_narrowed(one, common) for one in subjects)
    # A baseline file tells of no groups.
    whole = [one for source, one in zip(sources, narrowed, strict=True) if Path(source).is_dir()]
    return Entrants(
        names=names,
        subjects=narrowed,
        labels=labels,
        policy=chosen,
        narrowed=_left_out(names, subjects, common, labels, chosen),
        groups=_groups(whole[0].table) if whole else {},
        paths=_paths(subjects, common),
    )


def short_names(sources: Sequence[str]) -> tuple[str, ...]:
    """The shortest ends of the paths that tell them apart.

    >>> short_names(["runs/a/1", "runs/b/1"])
    ('a/1', 'b/1')
    """
    parts = [[part for part in Path(source).parts if part not in ("/", ".")] or [source] for source in sources]
    for length in range(1, max(map(len, parts)) + 1):
        names = tuple("/".join(part[-length:]) for part in parts)
        if len(set(names)) == len(names):
            return names
    return tuple(f"{source} ({place})" for place, source in enumerate(sources, 1))


def _narrowed(subject: Subject, common: set[str]) -> Subject:
    """A run with its answers to the common clips; one that holds no others is left as it is."""
    if len(common) == len(subject.table):
        return subject
    kept = np.array([clip_id in common for clip_id in subject.table.clip_ids])
    soft = {name: column[kept] for name, column in subject.soft.items()}
    return replace(subject, table=subject.table.part(kept), soft=soft)


def _left_out(
    names: Sequence[str], subjects: Sequence[Subject], common: set[str], labels: Sequence[str], policy: str
) -> Narrowed:
    more = {name: len(one.table) - len(common) for name, one in zip(names, subjects, strict=True)}
    hashes = {one.identity["dataset_hash"] for one in subjects}
    classes = {name for one in subjects for name in one.labels} - set(labels)
    settings = {name: one.identity.get("settings") or {} for name, one in zip(names, subjects, strict=True)}
    protocols = {name: str(one["protocol"]) for name, one in settings.items() if "protocol" in one}
    return Narrowed(
        clips={name: count for name, count in more.items() if count} or UNSET,
        dataset_hashes=tuple(sorted(hashes)) if len(hashes) > 1 else UNSET,
        labels=tuple(sorted(classes)) or UNSET,
        policy=policy if any(one.policy != policy for one in subjects) else UNSET,
        protocols=protocols if len({*protocols.values()}) > 1 else UNSET,
    )


def _groups(table: RecordTable) -> dict[str, dict[str, str]]:
    """Sex and language of the common clips, from the first run's records; none for a baseline file."""
    told = {"sex": (table.sex, table.sexes), "language": (table.language, table.languages)}
    return {
        group: {
            clip_id: names[code] for clip_id, code in zip(table.clip_ids, codes.tolist(), strict=True) if code >= 0
        }
        for group, (codes, names) in told.items()
    }


def _paths(subjects: Sequence[Subject], common: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in subjects:
        found |= {
            clip_id: path
            for clip_id, path in zip(one.table.clip_ids, one.table.paths, strict=True)
            if path and clip_id in common
        }
    return found
