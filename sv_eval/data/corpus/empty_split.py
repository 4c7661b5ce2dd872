"""What to say when a corpus was opened and holds nothing that was wanted."""

from __future__ import annotations

from collections.abc import Iterable

from sv_eval.data.corpus.config import DatasetConfig
from sv_eval.data.corpus.schema import Card
from sv_eval.data.corpus.selection import ALL, split_rule, unknown_split
from sv_eval.errors import CorpusError


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
