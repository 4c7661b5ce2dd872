"""Turning entries into clips: the corpus's own words into ours, counted on the way."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from sv_eval.data.corpus.entry import Entry
from sv_eval.data.corpus.label_file import how_to_map
from sv_eval.data.corpus.schema import Card
from sv_eval.data.corpus.tree import printable
from sv_eval.data.corpus.votes import words_of
from sv_eval.errors import CorpusError, nearest
from sv_eval.records import Clip

_OLDEST = 130
_SEX = dict.fromkeys(("female", "f", "woman", "w", "weiblich", "女"), "female") | dict.fromkeys(
    ("male", "m", "man", "männlich", "男"), "male"
)

_MOST_NAMED = 20


class Census:
    """Makes clips of entries and keeps the counts that the notes need.

    Strings that come again and again are kept once, so that a clip costs a few hundred bytes.
    """

    def __init__(self, card: Card, language: str | None, words: Mapping[str, str] | None = None) -> None:
        self._card = card
        self._language = language
        self._words = words or {}
        self.taken: dict[str, str] = {}
        """Raw labels that only `words` know, with what they lead to."""
        self._emotions: dict[str, str] = {}
        self._known: dict[str, str] = {}
        self.found: Counter[str | None] = Counter()
        """All entries by raw label."""
        self.speakers: Counter[str] = Counter()
        """All entries by speaker, where the card knows speakers to hold the counts against."""
        self.strangers: Counter[str] = Counter()
        """Clips by speakers that the card doesn't list."""
        self.felt: Counter[str] = Counter()
        """Clips with a reference, by emotional dimension."""
        self.beyond: dict[str, list[str]] = {}
        """By dimension, where values outside the declared range stand."""

    def count(self, entry: Entry) -> None:
        """Notes the entry, whether or not it will be kept; an unknown label is an error in any split."""
        entry.label = self._once(entry.label and entry.label.strip())
        if entry.label is not None and entry.label not in self._emotions:
            self._emotions[entry.label] = self._emotion(entry)
        for word in words_of(entry):
            if word not in self._emotions:
                self._emotions[word] = self._emotion(replace(entry, label=word))
        self.found[entry.label] += 1
        if entry.speaker is not None and self._card.speakers:
            self.speakers[entry.speaker] += 1

    def clip(self, entry: Entry) -> Clip:
        """The clip of a counted entry."""
        speaker = self._card.speakers.get(entry.speaker) if entry.speaker is not None else None
        if speaker is None and entry.speaker is not None and self._card.speakers:
            self.strangers[entry.speaker] += 1
        sex = _SEX.get(entry.sex.casefold()) if entry.sex else None
        language = entry.language or (speaker and speaker.language) or self._card.language or self._language
        return Clip(
            id=entry.id,
            path=entry.path if entry.path != entry.id else entry.id,
            reference=None if entry.label is None else self._emotions[entry.label],
            raw_label=entry.label,
            speaker=self._once(entry.speaker),
            sex=sex or (speaker.sex if speaker else None),
            age=_years(entry) if entry.age else speaker.age if speaker else None,
            accent=self._once(entry.accent or (speaker.accent if speaker else None)),
            language=self._once(language),
            dimensions=self._felt(entry),
            transcript=self._once(entry.transcript),
            start_s=entry.start_s,
            end_s=entry.end_s,
            size_bytes=entry.size_bytes,
            channel=None if entry.channel is None else int(entry.channel),
            votes=entry.votes,
            raters=entry.raters,
            emotions=entry.emotions,
        )

    def _felt(self, entry: Entry) -> dict[str, float] | None:
        """The clip's emotional dimensions, of those that are declared; raises CorpusError for what is no number."""
        found = {}
        for name, (low, high) in self._card.ranges.items():
            text = getattr(entry, name)
            if not text:
                continue
            found[name] = _decimal(entry, name, text)
            self.felt[name] += 1
            if not low <= found[name] <= high:
                self.beyond.setdefault(name, []).append(f"{entry.where}: {text}")
        return found or None

    def _emotion(self, entry: Entry) -> str:
        raw = entry.label or ""
        emotion = self._card.labels.canonical(raw)
        if emotion is None and (emotion := self._words.get(raw.casefold())) is not None:
            self.taken[raw] = emotion
        if emotion is None and not printable(raw) == raw:
            raise CorpusError(
                f"{entry.where}: the label {printable(raw)} is no UTF-8, and no label map can hold it; rename the "
                "folders, e.g. `convmv -f gb18030 -t utf-8 -r --notest DIR` (or the encoding that they are in)"
            )
        if emotion is None:
            raise CorpusError(
                f"{entry.where} has the label '{raw}', which the label map of {self._card.name} "
                f"doesn't hold; {self._advice(raw)} ({how_to_map(raw)})"
            )
        return emotion

    def _advice(self, raw: str) -> str:
        """Labels like `raw`; of a long map only those, or none."""
        known = self._card.words.map
        near = nearest(raw, known)
        if len(known) > _MOST_NAMED and (len(raw) < 3 or not near.startswith("did you mean")):
            return "it isn't like any common word for an emotion"
        return near

    def _once(self, text: str | None) -> str | None:
        """The same string object for equal strings; None for an empty one."""
        return self._known.setdefault(text, text) if text else None


def _decimal(entry: Entry, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CorpusError(f"{entry.where}: the {name} '{text}' is no number; give digits, such as 3.5, or nothing")
    return value


def _years(entry: Entry) -> int:
    """The speaker's age; raises CorpusError for what is none."""
    text = (entry.age or "").strip()
    # A table that holds numbers may write 31 as 31.0.
    whole = text.removesuffix(".0")
    if not (whole.isascii() and whole.isdigit() and int(whole) <= _OLDEST):
        raise CorpusError(
            f"{entry.where}: the age '{text}' is no number of years; give digits, such as 31, or nothing"
        )
    return int(whole)
