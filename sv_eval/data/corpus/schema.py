"""What a corpus card says: `dataset.yaml` as dataclasses, checked against each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from sv_eval.data.corpus.companion_rule import compiled
from sv_eval.data.corpus.layout_rule import Layout
from sv_eval.dimensions import Range, ranges_from
from sv_eval.emotions import EMOTIONS, LabelMap
from sv_eval.errors import CorpusError, nearest

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Licence:
    """Under what terms the audio may be used."""

    id: str
    """SPDX identifier where there is one, else a few words."""
    url: str | None = None
    """Where it is stated."""
    note: str | None = None
    """What to mind, in a sentence."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where the corpus comes from."""

    how: str
    """How to get it, in a sentence."""
    url: str | None = None
    """Its home."""


@dataclass(frozen=True, kw_only=True)
class LabelWords:
    """The corpus's own words for emotions."""

    map: Mapping[str, str]
    """Raw label to canonical name."""
    version: int = 1
    """Raised by hand whenever an entry changes."""
    case_sensitive: bool = False
    """Whether `A` and `a` are different labels."""
    meanings: Mapping[str, str] = field(default_factory=dict)
    """Raw label to the word it stands for, where it is a code."""
    disputed: Mapping[str, str] = field(default_factory=dict)
    """Raw label to a sentence on why others map it otherwise."""

    def __post_init__(self) -> None:
        for part in ("meanings", "disputed"):
            _only_known(f"labels.{part}", getattr(self, part), self.map)


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """What the corpus says about one speaker."""

    sex: Literal["female", "male"] | None = None
    """None when it isn't stated."""
    age: int | None = None
    """Years."""
    accent: str | None = None
    """In the corpus's own word."""
    language: str | None = None
    """BCP 47 tag, where the corpus has several languages."""
    clips: int | None = None
    """How many clips of the complete corpus are the speaker's; None where it isn't known."""


@dataclass(frozen=True, kw_only=True)
class SplitRule:
    """Which clips belong to a split; of several criteria all must hold."""

    speakers: tuple[str, ...] | None = None
    """By speaker."""
    globs: tuple[str, ...] | None = None
    """By path."""
    values: tuple[str, ...] | None = None
    """By the clip's `split` field or column."""
    pattern: str | None = None
    """By a regular expression, searched in the path."""
    not_in: tuple[str, ...] | None = None
    """Clips that none of these splits holds."""
    clips: int | None = None
    """How many clips it holds in the complete corpus; None where it isn't known."""
    note: str | None = None
    """Where the split comes from."""

    def __post_init__(self) -> None:
        criteria = (self.speakers, self.globs, self.values, self.pattern, self.not_in)
        if all(criterion is None for criterion in criteria):
            raise CorpusError("a split needs `speakers`, `globs`, `values`, `pattern` or `not_in`")
        _ = self.regex

    @cached_property
    def regex(self) -> re.Pattern[str] | None:
        """The pattern, compiled."""
        return compiled(self.pattern)


@dataclass(frozen=True, kw_only=True)
class Member:
    """One of several corpora that a collection's manifests describe."""

    title: str
    """Its full name."""
    language: str | None = None
    """BCP 47 tag."""
    folds: Literal["speakers", "official", "random"]
    """Whether its folds keep speakers apart, are the corpus's own, or have speakers on both sides."""
    card: str | None = None
    """The card that knows its paths: speakers, sexes, words spoken."""
    words: LabelWords | None = field(default=None, metadata={"key": "labels"})
    """The collection's words for its emotions; None for those of its card."""
    expected: Mapping[str, int] = field(default_factory=dict)
    """Raw label to the number of clips in the collection's manifest."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """A corpus, as its `dataset.yaml` describes it."""

    schema_version: int
    """Version of the card's own form."""
    name: str
    """Short name, that of the card's folder."""
    title: str
    """Full name."""
    licence: Licence
    """Terms of use."""
    source: Origin
    """How to get the audio."""
    layout: Layout
    """How its clips are found."""
    words: LabelWords = field(metadata={"key": "labels"})
    """Its words for emotions."""
    citation: str | None = None
    """The publication to cite."""
    language: str | None = None
    """BCP 47 tag, for the clips that say nothing else."""
    label_order: tuple[str, ...] = ()
    """The canonical emotions, as tables show them; those of the map when left out."""
    speakers: Mapping[str, Speaker] = field(default_factory=dict)
    """Speaker id to what is known."""
    speaker_count: int | None = None
    """How many speakers there are, where `speakers` doesn't list them; None where nobody knows."""
    splits: Mapping[str, SplitRule] = field(default_factory=dict)
    """Split name to its rule."""
    transcripts: Mapping[str, str] = field(default_factory=dict)
    """Key to the words spoken, for corpora with few sentences."""
    transcript_group: str | None = None
    """The pattern's group that holds the key."""
    expected: Mapping[str, int] = field(default_factory=dict)
    """Raw label to the number of clips in the complete corpus."""
    editions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Other editions of the corpus, each with its clips by raw label."""
    hours: float | None = None
    """Length of the complete corpus, hours."""
    members: Mapping[str, Member] = field(default_factory=dict)
    """For a collection: the names that `dataset.name` may take, and what each is."""
    dimensions: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Of arousal, valence and dominance those that it has references for, each with the lowest and the highest
    value that there can be."""
    notes: tuple[str, ...] = ()
    """Sentences that every report on this corpus prints."""
    member: Member | None = field(default=None, metadata={"key": None})
    """Which of a collection's corpora this is."""
    known_as: str | None = field(default=None, metadata={"key": None})
    """For a collection's corpus and a user's own list: the corpus that it is; None for what its name says."""
    folder: Path | None = field(default=None, metadata={"key": None})
    """Where the card lies."""

    def __post_init__(self) -> None:
        if self.schema_version != SCHEMA_VERSION:
            raise CorpusError(
                f"schema_version is {self.schema_version}, but this sv_eval reads {SCHEMA_VERSION}; upgrade sv_eval"
            )
        order = self.label_order or tuple(name for name in EMOTIONS if name in self.words.map.values())
        object.__setattr__(self, "label_order", order)
        _only_known("label_order", order, EMOTIONS)
        object.__setattr__(self, "dimensions", _ranges(self.dimensions))
        if len(set(order)) < len(order):
            raise CorpusError("label_order names an emotion twice")
        _only_known("expected", self.expected, self.words.map)
        for edition, counts in self.editions.items():
            _only_known(f"editions.{edition}", counts, self.words.map)
        for name, rule in self.splits.items():
            if self.speakers:
                _only_known(f"splits.{name}.speakers", rule.speakers or (), self.speakers)
            _only_known(f"splits.{name}.not_in", rule.not_in or (), self.splits)
            if any(self.splits[other].not_in is not None for other in rule.not_in or ()):
                raise CorpusError(
                    f"splits.{name}.not_in names a split that is what others leave; name those others"
                )
        if self.transcript_group is not None:
            groups = (*self.layout.groups, *self.layout.table_groups)
            _only_known("transcript_group", (self.transcript_group,), groups)
        elif self.transcripts:
            raise CorpusError("transcripts need a transcript_group, the pattern's group that holds their key")
        if "all" in self.splits:
            raise CorpusError("splits: 'all' is every clip and can't be defined")
        _ = self.labels

    @property
    def identity(self) -> str:
        """Which corpus it is: the same by its own card, by a collection's lists, as a folder and as a table."""
        return self.known_as or self.name

    @property
    def ranges(self) -> Mapping[str, Range]:
        """The declared range of each dimension."""
        return {name: (low, high) for name, (low, high) in self.dimensions.items()}

    @cached_property
    def labels(self) -> LabelMap:
        """Its words, led to the canonical names."""
        return LabelMap(
            name=self.name,
            version=self.words.version,
            entries=self.words.map,
            case_sensitive=self.words.case_sensitive,
        )


def _ranges(given: Mapping[str, tuple[float, ...]]) -> dict[str, Range]:
    try:
        return ranges_from("dimensions", given)
    except ValueError as error:
        raise CorpusError(str(error)) from error


def _only_known(where: str, names: Iterable[str], known: Iterable[str]) -> None:
    choices = list(known)
    for name in names:
        if name not in choices:
            raise CorpusError(f"{where}: '{name}' isn't defined; {nearest(name, choices)}")
