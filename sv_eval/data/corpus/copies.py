"""Files that are there twice: which one of them is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sv_eval.data.corpus.entry import Entry
from sv_eval.data.corpus.layout_rule import Layout
from sv_eval.data.corpus.notes import Note, note_on_copies, note_on_superseded
from sv_eval.data.corpus.tree import glob_regex


def without_copies(entries: Iterable[Entry], layout: Layout, notes: list[Note]) -> Iterator[Entry]:
    """The entries, one for each id where the layout says how to choose; what was left out is noted.

    Entries that share an id and are neither preferred nor alike in size are all kept: that is for the reader
    of the corpus to refuse.
    """
    if not layout.copies and not layout.prefer:
        yield from entries
        return
    by_id: dict[str, list[Entry]] = {}
    for entry in entries:
        # Two spellings of a name in a copy that is there twice are one name.
        by_id.setdefault(entry.id.casefold(), []).append(entry)
    superseded, copies = 0, 0
    for alike in by_id.values():
        best = min(_rank(layout, entry) for entry in alike)
        kept = [entry for entry in alike if _rank(layout, entry) == best]
        superseded += len(alike) - len(kept)
        if layout.copies and len({entry.size_bytes for entry in kept}) == 1:
            copies += len(kept) - 1
            kept = [min(kept, key=lambda entry: (entry.path.count("/"), entry.path))]
        yield from kept
    if superseded:
        notes.append(note_on_superseded(superseded, ", ".join(layout.prefer)))
    if copies:
        notes.append(note_on_copies(copies))


def _rank(layout: Layout, entry: Entry) -> int:
    ranks = (rank for rank, glob in enumerate(layout.prefer) if glob_regex(glob).fullmatch(entry.path))
    return next(ranks, len(layout.prefer))
