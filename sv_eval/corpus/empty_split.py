"""What to say when a corpus was opened and holds nothing that was wanted."""

from __future__ import annotations

from collections.abc import Iterable

from sv_eval.corpus.config import DatasetConfig
from sv_eval.corpus.schema import Card
from sv_eval.corpus.selection import ALL, unknown_split
from sv_eval.errors import CorpusError


def no_clip(config: DatasetConfig, card: Card, named: Iterable[str]) -> CorpusError:
    """The error for a split without clips; named: the splits that the corpus's entries name."""
    if config.split in (ALL, *card.splits) or card.layout.kind == "huggingface":
        return CorpusError(f"{config.name}: the split '{config.split}' holds no clip; check dataset.root")
    return unknown_split(card, config.split, card.splits or named)
