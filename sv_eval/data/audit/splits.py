"""Which splits of a corpus are meant to be apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from sv_eval.data.audit.facts import ClipFacts


def families(names: Sequence[str], held: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Groups of splits of which no two share a clip; a group of one is left out.

    A corpus may be split in several ways at once: officially, and in folds. Splits of one way are apart, those of
    two ways overlap. names: the splits in their order; held: for every clip, those that hold it.

    >>> families(["train", "test", "fold1", "fold2"], [("train", "fold1"), ("train", "fold2"), ("test", "fold1")])
    [('train', 'test'), ('fold1', 'fold2')]
    """
    kinds = Counter(held)
    used = [name for name in names if any(name in kind for kind in kinds)]
    together = {(one, other) for kind in kinds for one in kind for other in kind}
    groups: list[list[str]] = []
    for name in used:
        home = next((group for group in groups if all((name, other) not in together for other in group)), None)
        if home is None:
            groups.append([name])
        else:
            home.append(name)
    return [tuple(group) for group in groups if len(group) > 1]


def families_of(clips: Sequence[ClipFacts], first: Iterable[str]) -> list[tuple[str, ...]]:
    """The families of the splits that hold the clips; `first` are names that come before the others."""
    kinds = dict.fromkeys(clip.splits for clip in clips)
    names = dict.fromkeys([*first, *sorted({name for kind in kinds for name in kind})])
    return families(tuple(names), kinds)


def split_in(clip: ClipFacts, family: tuple[str, ...]) -> str | None:
    """The family's split that holds the clip."""
    return next((name for name in clip.splits if name in family), None)
