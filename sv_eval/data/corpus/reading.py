"""Reading a corpus: from its configuration to clips that are known, checked and counted, and none decoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from sv_eval.answer_words import canonical_of, meaning_given
from sv_eval.data.audio.channels import EACH, channel_word
from sv_eval.data.corpus.card import find_card
from sv_eval.data.corpus.census import Census
from sv_eval.data.corpus.completeness import Completeness, completeness
from sv_eval.data.corpus.config import DatasetConfig, dataset_config_from
from sv_eval.data.corpus.emobox import member_card, open_emobox
from sv_eval.data.corpus.entries_as_read import by_channel, composed_names
from sv_eval.data.corpus.entry import OpenedCorpus
from sv_eval.data.corpus.fingerprint import corpus_hash
from sv_eval.data.corpus.huggingface import open_huggingface
from sv_eval.data.corpus.label_file import labels_from_file
from sv_eval.data.corpus.layouts import open_tree
from sv_eval.data.corpus.manifest import open_manifest
from sv_eval.data.corpus.notes import (
    Note,
    note_on_beyond,
    note_on_limit,
    note_on_restriction,
    note_on_speakers,
    note_on_voted,
    notes_on_corpus,
    notes_on_labels,
)
from sv_eval.data.corpus.parquet import open_parquet
from sv_eval.data.corpus.schema import Card
from sv_eval.data.corpus.selection import ChosenSplit, limited, no_clip, restriction
from sv_eval.data.corpus.shards import open_shards
from sv_eval.data.corpus.simulated import open_simulated
from sv_eval.data.corpus.source import AudioSource, EncodedSource
from sv_eval.data.corpus.synonyms import generic_card
from sv_eval.data.corpus.vote_tables import with_votes
from sv_eval.data.corpus.votes import labelled
from sv_eval.emotions import EMOTIONS, REFERENCE_LABELS, UNKNOWN
from sv_eval.errors import CorpusError, nearest
from sv_eval.records import Clip

__all__ = [
    "AudioSource",
    "Corpus",
    "DatasetConfig",
    "card_of",
    "corpus_of",
    "dataset_config_from",
    "open_corpus",
    "read_corpus",
]

_MOST_NAMED = 20
_MOST_BEYOND = 0.01
"""Annotators now and then leave their scale; where more do, it is another scale."""
_OPENERS: Mapping[str, Callable[[DatasetConfig, Card], OpenedCorpus]] = {
    "pattern": open_tree,
    "folder": open_tree,
    "manifest": open_manifest,
    "huggingface": open_huggingface,
    "simulated": open_simulated,
    "emobox": open_emobox,
    "webdataset": open_shards,
    "parquet": open_parquet,
}


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """The clips to be judged, and where their audio comes from."""

    name: str
    """As the configuration calls it."""
    card: Card
    """What is known about it; its label map holds the user's own entries too."""
    clips: tuple[Clip, ...]
    """Sorted by id, which is unique."""
    source: EncodedSource
    """Gives their audio."""
    hash: str
    """16 hex digits over the clips, their references, and the sizes and ends of their encoded audio."""
    split: str
    """Which split was read."""
    notes: tuple[Note, ...]
    """What a report should say about it."""
    variant: str | None = None
    """Which of the card's layout variants it lies in; None for the card's first or only one."""
    completeness: Completeness | None = None
    """How it compares with the card's counts; None where only a part of it was looked at."""


def read_corpus(config: DatasetConfig) -> Corpus:
    """The corpus that `config` describes; raises CorpusError. No audio is decoded."""
    return corpus_of(config, *open_corpus(config))


def corpus_of(config: DatasetConfig, card: Card, found: OpenedCorpus) -> Corpus:
    """The corpus that was opened, read to its end, with what `config` asks of it; raises CorpusError."""
    census = Census(card, config.language, config.words)
    clips = _clips(config, card, found, census)
    card = _with_labels(card, census.taken)
    clips.sort(key=lambda clip: clip.id)
    _check_ids(clips)
    whole = completeness(card, census.found, census.speakers, config.only) if found.whole else None
    if config.card is None:
        card = _with_order_of(card, census)
    notes = [*notes_on_corpus(card, whole), *found.notes]
    if config.only:
        total = len(clips)
        clips = _restricted(config, clips)
        notes.append(note_on_restriction(config.only, len(clips), total))
    total = len(clips)
    if config.limit is not None and config.limit < total:
        clips = sorted(limited(clips, config.limit, config.seed), key=lambda clip: clip.id)
        notes.append(note_on_limit(config.limit, total, config.seed))
    notes += notes_on_labels(card, Counter(clip.raw_label for clip in clips))
    if config.vote_label is not None:
        voted = [clip.raw_label for clip in clips if clip.votes or clip.raters]
        notes.append(note_on_voted(config.vote_label, voted, len(clips)))
    if census.strangers:
        notes.append(note_on_speakers(census.strangers))
    notes += _notes_on_ranges(card, census)
    return Corpus(
        name=config.name,
        card=card,
        clips=tuple(clips),
        source=found.source,
        hash=corpus_hash(clips, card.labels, found.ends, found.expect),
        split=config.split,
        variant=found.variant,
        completeness=whole,
        notes=tuple(notes),
    )


def open_corpus(config: DatasetConfig) -> tuple[Card, OpenedCorpus]:
    """The card and the entries as they come, for who counts or audits them; raises CorpusError."""
    card = card_of(config)
    found = _OPENERS[card.layout.kind](config, card)
    if card.layout.kind == "simulated":
        return card, found
    whole = found.whole and channel_word(config.channel) != EACH
    named = composed_names(found.entries)
    if config.root is not None or card.folder is not None:
        named = with_votes(named, card, config)
    voted = labelled(named, card, config.vote_label)
    entries = by_channel(voted, config.channel, found.source)
    return card, replace(found, entries=entries, whole=whole)


def card_of(config: DatasetConfig) -> Card:
    """The card that `config` names, with the user's labels, wherever its corpus lies; raises CorpusError."""
    return _card(config)


def _card(config: DatasetConfig) -> Card:
    """The card, with the user's labels laid over its own."""
    card = find_card(config.card) if config.card is not None else generic_card(config, config.kind or "folder")
    if card.members:
        card = member_card(card, config.name)
    if config.labels_file is not None:
        card = _with_labels(card, labels_from_file(config.labels_file))
    if config.dimensions:
        card = replace(card, dimensions={**card.dimensions, **config.dimensions})
    return _with_labels(card, config.labels)


def _with_labels(card: Card, labels: Mapping[str, str]) -> Card:
    """The card with labels that go before its own."""
    if not labels:
        return card
    meant = {raw: _meaning(raw, target) for raw, target in labels.items()}
    labels = {raw: canonical_of(meaning) for raw, meaning in meant.items()}
    given = labels if card.words.case_sensitive else {raw.casefold(): raw for raw in labels}
    kept = {
        raw: emotion
        for raw, emotion in card.words.map.items()
        if (raw if card.words.case_sensitive else raw.casefold()) not in given
    }
    entries = {**kept, **labels}
    # Once the user has decided, a choice is no longer the card's to call disputed.
    meanings, disputed = (
        {raw: text for raw, text in part.items() if raw in (entries if part is card.words.meanings else kept)}
        for part in (card.words.meanings, card.words.disputed)
    )
    meanings |= {raw: meaning for raw, meaning in meant.items() if meaning not in REFERENCE_LABELS}
    words = replace(card.words, map=entries, meanings=meanings, disputed=disputed)
    expected = _respelled(card.expected, entries, given)
    editions = {name: _respelled(counts, entries, given) for name, counts in card.editions.items()}
    order = [emotion for emotion in card.label_order if emotion in entries.values()]
    order += [emotion for emotion in EMOTIONS if emotion in entries.values() and emotion not in order]
    return replace(card, words=words, expected=expected, editions=editions, label_order=tuple(order))


def _meaning(raw: str, target: str) -> str:
    """What a user's entry leads to: an emotion, `other`, or a finer word; raises CorpusError."""
    meaning = meaning_given(raw, target)
    if meaning is None or meaning == UNKNOWN:
        raise CorpusError(
            f"dataset.labels: '{raw}' leads to '{target}', which is no emotion name; "
            f"{nearest(str(target), REFERENCE_LABELS)} (or a finer word, or own: a class of its own)"
        )
    return meaning


def _respelled(counts: Mapping[str, int], entries: Mapping[str, str], given: Mapping[str, str]) -> dict[str, int]:
    """The counts by the labels as they are now spelled: the user's capitals go before the card's."""
    return {raw if raw in entries else given[raw.casefold()]: count for raw, count in counts.items()}


def _with_order_of(card: Card, census: Census) -> Card:
    """A card that knew no label set, with the emotions that the corpus holds (in any split)."""
    held = {card.labels.canonical(raw) for raw in census.found if raw is not None}
    return replace(card, label_order=tuple(name for name in EMOTIONS if name in held) or card.label_order)


def _clips(config: DatasetConfig, card: Card, found: OpenedCorpus, census: Census) -> list[Clip]:
    belongs = ChosenSplit(card, config.split)
    clips: list[Clip] = []
    splits: set[str] = set()
    for entry in found.entries:
        census.count(entry)
        if entry.split is not None:
            splits.add(entry.split)
        if belongs(entry):
            clips.append(census.clip(entry))
    belongs.refuse_empty_other_side()
    if not clips:
        # What `dataset.only` wants is looked for among them afterwards.
        raise no_clip(config, card, splits)
    return clips


def _notes_on_ranges(card: Card, census: Census) -> list[Note]:
    """What is said of references outside their declared range; raises CorpusError where they are many."""
    notes = []
    for name, places in census.beyond.items():
        (low, high), of = card.ranges[name], census.felt[name]
        if len(places) > _MOST_BEYOND * of:
            raise CorpusError(
                f"{places[0]} is outside {low:g} to {high:g}, the range of {name}, and so are {len(places)} "
                f"of {of} references; declare theirs: dataset.dimensions.{name}=[LOW,HIGH]"
            )
        notes.append(note_on_beyond(name, len(places), of, (low, high), places[0]))
    return notes


def _restricted(config: DatasetConfig, clips: list[Clip]) -> list[Clip]:
    wanted = restriction(config.only)
    kept = [clip for clip in clips if wanted(clip)]
    if kept:
        return kept
    for name in config.only:
        field = "raw_label" if name == "label" else name
        held = sorted({value for clip in clips if (value := getattr(clip, field)) is not None})
        if not set(held) & set(config.only[name]):
            asked = ", ".join(config.only[name])
            there = f"there are {', '.join(held[:_MOST_NAMED])}" if held else f"no clip states its {name}"
            raise CorpusError(f"dataset.only: no clip of {config.name} has the {name} {asked}; {there}")
    raise CorpusError(f"dataset.only: no clip of {config.name} meets all of it; restrict less")


def _check_ids(clips: Iterable[Clip]) -> None:
    """Refuses clips that share an id; they must come sorted by it."""
    before: Clip | None = None
    for clip in clips:
        if before is not None and before.id == clip.id:
            raise CorpusError(
                f"two clips have the id '{clip.id}': {before.path} and {clip.path}; leave one out, "
                "or give the clips ids of their own (a manifest's column `id`, a card's layout.fields.id)"
            )
        before = clip
