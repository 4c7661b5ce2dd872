"""What a corpus card says: `dataset.yaml` as dataclasses, checked against each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from sv_eval.corpus.layout_rule import Layout
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
    language: str | None = None
    """BCP 47 tag, where the corpus has several languages."""


@dataclass(frozen=True, kw_only=True)
class SplitRule:
    """Which clips belong to a split; of several criteria all must hold."""

    speakers: tuple[str, ...] | None = None
    """By speaker."""
    globs: tuple[str, ...] | None = None
    """By path."""
    values: tuple[str, ...] | None = None
    """By the clip's `split` field or column."""
    note: str | None = None
    """Where the split comes from."""

    def __post_init__(self) -> None:
        if self.speakers is None and self.globs is None and self.values is None:
            raise CorpusError("a split needs `speakers`, `globs` or `values`")


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
    splits: Mapping[str, SplitRule] = field(default_factory=dict)
    """Split name to its rule."""
    transcripts: Mapping[str, str] = field(default_factory=dict)
    """Key to the words spoken, for corpora with few sentences."""
    transcript_group: str | None = None
    """The pattern's group that holds the key."""
    expected: Mapping[str, int] = field(default_factory=dict)
    """Raw label to the number of clips in the complete corpus."""
    notes: tuple[str, ...] = ()
    """Sentences that every report on this corpus prints."""
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
        if len(set(order)) < len(order):
            raise CorpusError("label_order names an emotion twice")
        _only_known("expected", self.expected, self.words.map)
        if self.speakers:
            for name, rule in self.splits.items():
                _only_known(f"splits.{name}.speakers", rule.speakers or (), self.speakers)
        if self.transcript_group is not None:
            _only_known("transcript_group", (self.transcript_group,), self.layout.groups)
        elif self.transcripts:
            raise CorpusError("transcripts need a transcript_group, the pattern's group that holds their key")
        if "all" in self.splits:
            raise CorpusError("splits: 'all' is every clip and can't be defined")
        _ = self.labels

    @cached_property
    def labels(self) -> LabelMap:
        """Its words, led to the canonical names."""
        return LabelMap(
            name=self.name,
            version=self.words.version,
            entries=self.words.map,
            case_sensitive=self.words.case_sensitive,
        )


def _only_known(where: str, names: Iterable[str], known: Iterable[str]) -> None:
    choices = list(known)
    for name in names:
        if name not in choices:
            raise CorpusError(f"{where}: '{name}' isn't defined; {nearest(name, choices)}")
