"""What a user may choose about a corpus: `conf/dataset/*.yaml` as dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from sv_eval.config.structure import structure
from sv_eval.data.audio.channels import channel_word
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.storage.address import refuse_secrets
from sv_eval.dimensions import ranges_from
from sv_eval.emotions import EMOTIONS
from sv_eval.errors import ConfigError, nearest

_RESTRICTABLE = ("speaker", "sex", "language", "label")
_LONGEST_S = 3600.0
"""All simulated clips are cut from one buffer of silence, which must fit into memory."""


@dataclass(frozen=True, kw_only=True)
class FolderOptions:
    """For `kind: folder`, a folder per emotion."""

    glob: str | None = None
    """Which files are clips, relative to the root; None for every audio file."""
    pattern: str | None = None
    """Regular expression over the path; its groups (`speaker`, `sex`, `label`, ...) say more about a clip."""


@dataclass(frozen=True, kw_only=True)
class ManifestOptions:
    """For `kind: manifest`, a table with a row per clip."""

    file: str | None = None
    """The table: .csv, .tsv or .jsonl."""
    columns: Mapping[str, str | None] = field(default_factory=dict)
    """Field to its column's name, where they differ; null for a field that the table hasn't got."""
    delimiter: str | None = None
    """What separates the columns; None for a comma, or a tab in .tsv."""


@dataclass(frozen=True, kw_only=True)
class WebDatasetOptions:
    """For `kind: webdataset`, tar shards whose files of one name are one clip."""

    audio: str | None = None
    """Ending of the audio where a key has several files of sound; None for the only one."""
    columns: Mapping[str, str | None] = field(default_factory=dict)
    """Field to its key in the json, where they differ; null for a field that it hasn't got."""


@dataclass(frozen=True, kw_only=True)
class ParquetOptions:
    """For `kind: parquet`, Parquet files with the clips' audio in a column."""

    audio: str | None = None
    """The column with the audio; None for the only one that holds any."""
    columns: Mapping[str, str | None] = field(default_factory=dict)
    """Field to its column's name, where they differ; null for a field that the files haven't got."""


@dataclass(frozen=True, kw_only=True)
class HuggingFaceOptions:
    """For `kind: huggingface`, a data set that Hugging Face `datasets` can load."""

    path: str | None = None
    """Name on the hub, a local folder, or a builder: parquet, json, csv."""
    config_name: str | None = None
    """The data set's configuration."""
    data_files: str | tuple[str, ...] | Mapping[str, str] | None = None
    """Files or a glob; alone, their ending decides the builder."""
    revision: str | None = None
    """Commit, tag or branch on the hub; pin it for figures that can be repeated."""
    audio_column: str = "audio"
    """Holds the audio."""
    label_column: str | None = "label"
    """Holds the raw label."""
    id_column: str | None = None
    """Holds a unique name; None for the row's number."""
    speaker_column: str | None = None
    """Holds the speaker."""
    sex_column: str | None = None
    """Holds the speaker's sex."""
    age_column: str | None = None
    """Holds the speaker's age, years."""
    accent_column: str | None = None
    """Holds the speaker's accent."""
    language_column: str | None = None
    """Holds the language."""
    arousal_column: str | None = None
    """Holds the arousal, of the range in `dataset.dimensions`."""
    valence_column: str | None = None
    """Likewise the valence."""
    dominance_column: str | None = None
    """Likewise the dominance."""
    transcript_column: str | None = None
    """Holds the words spoken."""


@dataclass(frozen=True, kw_only=True)
class SimulatedOptions:
    """For `kind: simulated`, clips of silence that prove the harness."""

    n_clips: int = 1000
    """How many clips."""
    n_speakers: int = 20
    """How many speakers share them."""
    labels: tuple[str, ...] = EMOTIONS
    """Their reference emotions, in turn."""
    shortest_s: float = 1.0
    """Length of the shortest clip, seconds."""
    longest_s: float = 4.0
    """Length of the longest clip, seconds."""

    def __post_init__(self) -> None:
        if self.n_clips < 1 or self.n_speakers < 1 or not self.labels:
            raise ConfigError("dataset.simulated needs n_clips and n_speakers of 1 or more, and a label")
        if not 0 < self.shortest_s <= self.longest_s:
            raise ConfigError("dataset.simulated needs 0 < shortest_s <= longest_s")
        if self.longest_s > _LONGEST_S:
            raise ConfigError(f"dataset.simulated: longest_s is {self.longest_s:g}; give at most {_LONGEST_S:g}")


@dataclass(frozen=True, kw_only=True)
class EmoboxOptions:
    """For `dataset=emobox`, the manifests of EmoBox."""

    data: str | None = None
    """The folder with a folder of manifests per corpus; None for `data` below the root."""


@dataclass(frozen=True, kw_only=True)
class DatasetConfig:
    """Which corpus to read, from where, and how much of it."""

    name: str
    """Names the corpus in run directories and reports."""
    card: str | None = None
    """A card's name, or the path of a folder with a dataset.yaml."""
    kind: Literal["folder", "manifest", "huggingface", "simulated", "webdataset", "parquet"] | None = None
    """For a corpus without a card: how its clips are found."""
    root: str | None = None
    """The folder with the audio."""
    split: str = "all"
    """Which split, `all` for every clip."""
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Restricts the corpus: speaker, sex, language or label to the values that are wanted."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Raw label to emotion, over and above the card's."""
    words: Mapping[str, str] = field(default_factory=dict, metadata={"key": None})
    """Words of the label map that the run is scored under, in lower case, to emotion or `other`; read only where
    the card does not hold a label. No key of a command line: `labels.words` is."""
    votes_of: str | None = None
    """Which of the votes that lie beside the corpus are read, by their name in its card; None for what the card
    says, `none` for none."""
    vote_label: Literal["plurality", "majority"] | None = None
    """Where raters' votes make the label: what most of them say, or what more than half do; a tie is no label. None
    for the corpus's own label."""
    labels_file: str | None = None
    """A YAML file with such a map; `labels` goes before it."""
    language: str | None = None
    """BCP 47 tag, for clips whose language neither they nor the card state."""
    dimensions: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """The range of each emotional dimension that the corpus has references for, over and above the card's:
    `{arousal: [1, 7]}`."""
    channel: str | int | None = None
    """What is heard of several channels: their mix, left, right, a number from 1, or each as a clip of its own."""
    folder: FolderOptions = field(default_factory=FolderOptions)
    """Options of `kind: folder`."""
    manifest: ManifestOptions = field(default_factory=ManifestOptions)
    """Options of `kind: manifest`."""
    huggingface: HuggingFaceOptions = field(default_factory=HuggingFaceOptions)
    """Options of `kind: huggingface`."""
    webdataset: WebDatasetOptions = field(default_factory=WebDatasetOptions)
    """Options of `kind: webdataset`."""
    parquet: ParquetOptions = field(default_factory=ParquetOptions)
    """Options of `kind: parquet`."""
    simulated: SimulatedOptions = field(default_factory=SimulatedOptions)
    """Options of `kind: simulated`."""
    emobox: EmoboxOptions = field(default_factory=EmoboxOptions)
    """Options of `dataset=emobox`."""
    limit: int | None = None
    """At most so many clips, every label keeping its share; None for all."""
    seed: int = 0
    """Decides which clips a limit takes."""
    limits: AudioLimits = field(default_factory=AudioLimits)
    """What a clip's audio may be."""

    def __post_init__(self) -> None:
        if (self.card is None) == (self.kind is None):
            raise ConfigError(
                "dataset needs either a card (dataset.card=emodb) or a kind (dataset=folder), not both"
            )
        for name, values in self.only.items():
            if name not in _RESTRICTABLE:
                raise ConfigError(f"dataset.only: '{name}' can't be restricted; {nearest(name, _RESTRICTABLE)}")
            if not values:
                raise ConfigError(f"dataset.only.{name} wants nothing; give a list, dataset.only.{name}=[NAME]")
        try:
            channel_word(self.channel)
        except ValueError as error:
            raise ConfigError(f"dataset.channel: {error}") from error
        try:
            ranges_from("dataset.dimensions", self.dimensions)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        for key, text in (
            ("root", self.root),
            ("manifest.file", self.manifest.file),
            ("emobox.data", self.emobox.data),
        ):
            refuse_secrets(f"dataset.{key}", text)
        refuse_secrets("dataset.huggingface.path", self.huggingface.path)
        files = self.huggingface.data_files
        named = (
            files.values() if isinstance(files, Mapping) else (files,) if isinstance(files, str) else files or ()
        )
        for text in named:
            refuse_secrets("dataset.huggingface.data_files", text)
        if self.limit is not None and self.limit < 1:
            raise ConfigError(f"dataset.limit is {self.limit}: give 1 or more, or null for every clip")


def dataset_config_from(data: object, words: Mapping[str, str] | None = None) -> DatasetConfig:
    """The configuration group `dataset`, given as plain data; raises ConfigError.

    words: those of the label map, which are no part of the group.
    """
    if isinstance(data, Mapping) and isinstance(data.get("labels"), Mapping):
        # A command line can't quote a key, so a label such as 1 comes as a number.
        data = {**data, "labels": {_text(raw): emotion for raw, emotion in data["labels"].items()}}
    if isinstance(data, Mapping) and isinstance(data.get("only"), Mapping):
        wanted = {name: [_text(v) for v in to] if isinstance(to, list) else to for name, to in data["only"].items()}
        data = {**data, "only": wanted}
    config = structure(DatasetConfig, data, "dataset", ConfigError)
    return replace(config, words=words) if words else config


def _text(key: object) -> object:
    return str(key) if type(key) is int else key
