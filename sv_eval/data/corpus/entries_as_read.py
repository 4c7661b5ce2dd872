"""Entries as all readers of a corpus take them: names in one spelling, and a clip for each channel asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from sv_eval.data.audio.channels import EACH, channel_word, channels_of
from sv_eval.data.corpus.entry import Entry
from sv_eval.data.corpus.source import EncodedSource
from sv_eval.data.corpus.text_encoding import composed
from sv_eval.errors import AudioError, CorpusError
from sv_eval.records import Clip


def composed_names(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries, with labels and speakers in composed letters: a folder's name on macOS's disks isn't."""
    for entry in entries:
        entry.label = entry.label and composed(entry.label)
        entry.speaker = entry.speaker and composed(entry.speaker)
        yield entry


def by_channel(entries: Iterable[Entry], asked: str | int | None, source: EncodedSource) -> Iterator[Entry]:
    """The entries, each with the channel that is heard of it; several for one that asks for each channel.

    asked: what holds for entries that say nothing themselves. The clips of the channels are called `ID#1`, `ID#2`.
    Of a file that can't be read one entry stays, whose clip will fail and say why. Raises CorpusError for a word
    that is no channel.
    """
    everyone = channel_word(asked)
    for entry in entries:
        try:
            entry.channel = everyone if entry.channel is None else channel_word(entry.channel)
        except ValueError as error:
            raise CorpusError(f"{entry.where}: channel {error}") from error
        if entry.channel != EACH:
            yield entry
            continue
        entry.channel = None
        try:
            count = channels_of(source.encoded(Clip(id=entry.id, path=entry.path)))
        except AudioError:
            count = None
        if count is None or count < 2:
            yield entry
            continue
        for number in range(1, count + 1):
            yield replace(entry, id=f"{entry.id}#{number}", channel=str(number))
