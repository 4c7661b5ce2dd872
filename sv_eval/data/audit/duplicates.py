"""The same audio, or the same name, more than once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sv_eval.data.audit.facts import ClipFacts
from sv_eval.data.audit.finding import Finding, found
from sv_eval.data.audit.splits import split_in


def duplicates(
    clips: Sequence[ClipFacts], families: Sequence[tuple[str, ...]], silent: frozenset[int]
) -> list[Finding]:
    """Clips that hold the same samples, by what else differs. `silent` are the `id()`s of clips without sound."""
    groups: defaultdict[bytes, list[ClipFacts]] = defaultdict(list)
    for clip in clips:
        if clip.audio_facts is not None and clip.audio_facts.digest is not None and id(clip) not in silent:
            groups[clip.audio_facts.digest].append(clip)
    cases: dict[str, list[dict[str, Any]]] = {"duplicate_conflict": [], "duplicate_leak": [], "duplicate": []}
    for alike in groups.values():
        if len(alike) > 1:
            code, differs = _weight(alike, families)
            cases[code].append({"clips": [_member(clip) for clip in alike], "differs": differs})
    return [finding for code, held in cases.items() for finding in found(code, held)]


def same_ids(clips: Iterable[ClipFacts]) -> list[Finding]:
    """Ids that several clips share; a corpus can't be read with them."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for clip in clips:
        places[clip.id].append(clip.where)
    return found("same_id", ({"id": name, "places": where} for name, where in places.items() if len(where) > 1))


def _weight(alike: list[ClipFacts], families: Sequence[tuple[str, ...]]) -> tuple[str, list[str]]:
    """The code for a group of equal clips, and what they differ in."""
    differs = [name for name in ("label", "speaker") if len({getattr(clip, name) for clip in alike} - {None}) > 1]
    across = any(len({split_in(clip, family) for clip in alike} - {None}) > 1 for family in families)
    if differs:
        return "duplicate_conflict", differs + (["split"] if across else [])
    return ("duplicate_leak", ["split"]) if across else ("duplicate", [])


def _member(clip: ClipFacts) -> dict[str, Any]:
    return clip.case(label=clip.label, speaker=clip.speaker, splits=list(clip.splits))
