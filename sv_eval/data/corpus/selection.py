"""Which clips of a corpus are wanted: a split, or a share that keeps the labels' proportions."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from sv_eval.data.corpus.config import DatasetConfig
from sv_eval.data.corpus.entry import Entry
from sv_eval.data.corpus.schema import Card, SplitRule
from sv_eval.data.corpus.tree import glob_regex
from sv_eval.errors import CorpusError, nearest
from sv_eval.records import Clip

ALL = "all"
_MOST_NAMED = 8


def split_test(card: Card, split: str) -> Callable[[Entry], bool]:
    """Tells whether an entry belongs to the split; raises CorpusError when the card has no such split.

    A card without splits leaves it to the corpus: an entry then belongs to the split that it names itself.
    """
    if split == ALL or card.layout.kind in ("huggingface", "emobox"):
        return lambda _: True
    rule = split_rule(card, split)
    if rule is not None:
        return lambda entry: _holds(rule, entry, card)
    if card.splits:
        raise unknown_split(card, split, card.splits)
    return lambda entry: entry.split == split


class ChosenSplit:
    """Tells whether entries belong to a split, and whether what the split leaves out is there at all.

    `emobox_fold1_train` is what `emobox_fold1` leaves. In a copy whose speakers are named otherwise, that is the
    whole corpus, test clips included.
    """

    def __init__(self, card: Card, split: str) -> None:
        self._belongs = split_test(card, split)
        rule = None if split == ALL or card.layout.kind in ("huggingface", "emobox") else split_rule(card, split)
        names = () if rule is None else rule.not_in or ()
        self._card, self._split, self._names = card, split, names
        self._others = [card.splits[name] for name in names]
        self._met = not names
        self._speakers: set[str] = set()

    def __call__(self, entry: Entry) -> bool:
        """Whether the entry belongs to the split."""
        if not self._met:
            self._met = any(_holds(other, entry, self._card) for other in self._others)
            if entry.speaker is not None and len(self._speakers) < _MOST_NAMED:
                self._speakers.add(entry.speaker)
        return self._belongs(entry)

    def refuse_empty_other_side(self) -> None:
        """Raises CorpusError where no entry at all was in what the split leaves out."""
        if self._met:
            return
        known = sorted({name for other in self._others for name in other.speakers or ()})
        whom = f": its speakers are {', '.join(known)}" if known else ""
        there = f", and there are {', '.join(sorted(self._speakers))}" if known and self._speakers else ""
        raise CorpusError(
            f"dataset.split={self._split} is what {' and '.join(self._names)} leave{'s' * (len(self._names) < 2)}, "
            f"of which there is no clip here{whom}{there}; this would be the whole copy, so give the speakers "
            "their names back or choose another split"
        )


def split_rule(card: Card, split: str) -> SplitRule | None:
    """The card's rule for a split, capitals ignored where no split is spelled just so; None when there is none."""
    folded = {name.casefold(): rule for name, rule in card.splits.items()}
    return card.splits.get(split) or folded.get(split.casefold())


def unknown_split(card: Card, split: str, known: Iterable[str]) -> CorpusError:
    """The error for a split that the corpus hasn't got."""
    choices = [ALL, *known]
    return CorpusError(f"dataset.split={split}: {card.name} has no such split; {nearest(split, choices)}")


def no_clip(config: DatasetConfig, card: Card, named: Iterable[str], *, restricted: bool = False) -> CorpusError:
    """The error for a split without clips.

    named: the splits that the corpus's entries name. restricted: whether only clips that `dataset.only` wants were
    looked for.
    """
    known = config.split == ALL or split_rule(card, config.split) is not None
    if known or card.layout.kind == "huggingface":
        wanted = " that dataset.only wants" if restricted else ""
        return CorpusError(f"{config.name}: the split '{config.split}' holds no clip{wanted}; check dataset.root")
    return unknown_split(card, config.split, card.splits or named)


def _holds(rule: SplitRule, entry: Entry, card: Card) -> bool:
    if rule.speakers is not None and entry.speaker not in rule.speakers:
        return False
    if rule.values is not None and entry.split not in rule.values:
        return False
    if rule.regex is not None and rule.regex.search(entry.path) is None:
        return False
    if rule.globs is not None and not any(glob_regex(glob).fullmatch(entry.path) for glob in rule.globs):
        return False
    return not any(_holds(card.splits[name], entry, card) for name in rule.not_in or ())


def restriction(only: Mapping[str, tuple[str, ...]]) -> Callable[[Clip], bool]:
    """Tells whether a clip is one of those that `dataset.only` wants."""

    def wanted(clip: Clip) -> bool:
        told = {"speaker": clip.speaker, "sex": clip.sex, "language": clip.language, "label": clip.raw_label}
        return all(told[field] in values for field, values in only.items())

    return wanted


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
