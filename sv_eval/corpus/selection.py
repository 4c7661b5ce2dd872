"""Which clips of a corpus are wanted: a split, or a share that keeps the labels' proportions."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable

from sv_eval.corpus.entry import Entry
from sv_eval.corpus.schema import Card, SplitRule
from sv_eval.corpus.tree import glob_regex
from sv_eval.errors import CorpusError, nearest
from sv_eval.records import Clip

ALL = "all"


def split_test(card: Card, split: str) -> Callable[[Entry], bool]:
    """Tells whether an entry belongs to the split; raises CorpusError when the card has no such split.

    A card without splits leaves it to the corpus: an entry then belongs to the split that it names itself.
    """
    if split == ALL or card.layout.kind == "huggingface":
        return lambda _: True
    if split in card.splits:
        rule = card.splits[split]
        return lambda entry: _holds(rule, entry)
    if card.splits:
        raise unknown_split(card, split, card.splits)
    return lambda entry: entry.split == split


def unknown_split(card: Card, split: str, known: Iterable[str]) -> CorpusError:
    """The error for a split that the corpus hasn't got."""
    choices = [ALL, *known]
    return CorpusError(f"dataset.split={split}: {card.name} has no such split; {nearest(split, choices)}")


def _holds(rule: SplitRule, entry: Entry) -> bool:
    if rule.speakers is not None and entry.speaker not in rule.speakers:
        return False
    if rule.values is not None and entry.split not in rule.values:
        return False
    return rule.globs is None or any(glob_regex(glob).fullmatch(entry.path) for glob in rule.globs)


def limited(clips: list[Clip], limit: int, seed: int) -> list[Clip]:
    """`limit` clips in which every label keeps its share, give or take a clip.

    Each label's clips are put in an order that only seed and id decide, and taken evenly from all labels.
    A smaller limit takes a subset of a larger one's clips, and a clip more in the corpus moves few others.
    """
    groups: defaultdict[str | None, list[tuple[bytes, Clip]]] = defaultdict(list)
    for clip in clips:
        key = hashlib.sha256(f"{seed}:{clip.id}".encode(errors="surrogatepass")).digest()
        groups[clip.reference].append((key, clip))
    ranked: list[tuple[float, bytes, Clip]] = []
    for members in groups.values():
        members.sort(key=lambda member: member[0])
        ranked += [((rank + 0.5) / len(members), key, clip) for rank, (key, clip) in enumerate(members)]
    ranked.sort(key=lambda item: item[:2])
    return [clip for _, _, clip in ranked[:limit]]
