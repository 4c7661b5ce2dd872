"""Which emotions a run is scored on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sv_eval.record_file.table import RecordTable


def labels_present(table: RecordTable, label_order: Sequence[str]) -> tuple[str, ...]:
    """The emotions that occur as references, in the corpus's order, then any that the order does not name.

    Failed clips count too: an emotion whose clips all failed must not vanish from the set unseen.
    """
    words = table.words
    counts = np.bincount(table.reference, minlength=len(words.references))
    order = dict.fromkeys([*(label for label in label_order if label in words.classes), *words.classes])
    return tuple(label for label in order if counts[words.reference(label)])


def scored_labels(
    present: Sequence[str],
    chosen: str | tuple[str, ...],
    *,
    label_order: Sequence[str],
    supported: Sequence[str] | None,
) -> tuple[str, ...]:
    """The scored set: `chosen`, or for `auto` the emotions of the order that are present and can be said.

    `supported` None means that the backend does not declare what it can say, and leaves out nothing.
    """
    if not isinstance(chosen, str):
        return chosen
    return tuple(label for label in present if label in label_order and (supported is None or label in supported))


def unsupported_labels(present: Sequence[str], supported: Sequence[str] | None) -> tuple[str, ...]:
    """The emotions that occur but that the backend cannot say."""
    return () if supported is None else tuple(label for label in present if label not in supported)
