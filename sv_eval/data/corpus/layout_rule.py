"""How a corpus's clips are found below its root, and what their paths say: the card's `layout`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from sv_eval.data.corpus.companion_rule import Companion, compiled
from sv_eval.data.corpus.config import HuggingFaceOptions
from sv_eval.data.corpus.template import template_names
from sv_eval.data.corpus.votes_rule import VotesRule
from sv_eval.dimensions import DIMENSIONS
from sv_eval.errors import CorpusError, nearest

Kind = Literal["pattern", "folder", "manifest", "huggingface", "simulated", "emobox", "webdataset", "parquet"]
FIELDS = ("id", "label", "speaker", "sex", "age", "accent", "language", "split", "transcript", *DIMENSIONS)
"""What a path can tell about a clip."""
PARTS = ("stem", "file", "path", "folder")
"""What a template may say of any path: its file's name without and with ending, all of it, its folders."""


@dataclass(frozen=True, kw_only=True)
class NumberRange:
    """A name that a number decides, such as a split that holds the files 21 to 50."""

    group: str
    """The group that holds the number."""
    parts: Mapping[str, tuple[int, ...]]
    """Name to the first and last number that it holds."""
    every: int | None = None
    """Numbers begin again at 1 after so many; None for never."""

    def __post_init__(self) -> None:
        if any(len(pair) != 2 or pair[0] > pair[1] for pair in self.parts.values()):
            raise CorpusError("layout: a range's parts are pairs of numbers, first and last: {test: [21, 50]}")
        if self.every is not None and self.every < 1:
            raise CorpusError(f"layout: a range begins again after {self.every} numbers; give 1 or more")

    def name(self, number: int) -> str | None:
        """The name for a number, None where no part holds it."""
        place = number if self.every is None else (number - 1) % self.every + 1
        return next((name for name, (first, last) in self.parts.items() if first <= place <= last), None)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One of several ways in which a corpus is handed on: what it says goes before the layout's own."""

    name: str
    """A word for it."""
    pattern: str
    """As in Layout."""
    example: str | None = None
    """As in Layout."""
    glob: str | None = None
    """As in Layout; None for the layout's."""
    exclude: tuple[str, ...] = ()
    """Besides the layout's."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Laid over the layout's."""
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Laid over the layout's, a field at a time."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How the clips are found below the root, and what their paths say."""

    kind: Kind
    """`pattern`: names follow a rule; `folder`: a folder per emotion; `manifest`: a table; and five more."""
    glob: str | None = None
    """Which files are clips, relative to the root, case ignored; None for every audio file."""
    exclude: tuple[str, ...] = ()
    """Globs of files that are no clips. Hidden files never are."""
    pattern: str | None = None
    """Regular expression, searched in the path relative to the root; its named groups feed the fields."""
    example: str | None = None
    """A path that follows the pattern, for people whose files don't."""
    variants: tuple[Variant, ...] = ()
    """Other trees that the corpus comes in: the first that any file follows is read, `pattern` before all."""
    companions: tuple[Companion, ...] = ()
    """Tables beside the audio; they give the groups that the path lacks."""
    votes: Mapping[str, VotesRule] = field(default_factory=dict)
    """Name to a table beside the audio that says what each rater heard; `dataset.votes_of` chooses one."""
    ranges: Mapping[str, NumberRange] = field(default_factory=dict)
    """Group to the numbers that decide it. Where the path gives it too, the path holds and must agree."""
    lowercase: tuple[str, ...] = ()
    """Groups that are read without their capitals, before anything else is made of them."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Field to a template over the groups, `{stem}`, `{file}`, `{path}`, `{folder}`; by default its own group."""
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Field or group to what its values mean, e.g. sex: {F: female, M: male}; other values stay."""
    prefer: tuple[str, ...] = ()
    """Globs: of several files with one id, one that fits an earlier glob is read and the others are not."""
    copies: bool = False
    """Whether files of one id and one size are copies; the one in the fewest folders is read."""
    file: str = "manifest.csv"
    """The manifest, relative to the root, or to the card's folder where the root has none."""
    columns: Mapping[str, str | None] = field(default_factory=dict)
    """Field of a manifest to its column's name, where they differ."""
    huggingface: HuggingFaceOptions = field(default_factory=HuggingFaceOptions)
    """The data set on the hub and its columns."""
    bundled: bool = False
    """Whether the audio lies in the card's own folder, so that no root need be given."""
    variant: str | None = field(default=None, metadata={"key": None})
    """Which of the variants this is; None for the layout itself."""

    def __post_init__(self) -> None:
        if self.kind == "pattern" and self.pattern is None and not self.variants:
            raise CorpusError("layout: the kind 'pattern' needs a `pattern`")
        _ = self.regex
        if self.example is not None and not self.variants and not self.follows(self.example):
            raise CorpusError(f"layout: the example {self.example} doesn't follow the pattern")
        if self.variants:
            _ = self.options
            return
        for name in self.fields:
            _known("layout", name, FIELDS, "is no field of a clip")
        named = (*self.groups, *self.table_groups, *self.ranges)
        for name in (*self.values, *self.lowercase):
            _known("layout", name, (*FIELDS, *named), "is no field of a clip")
        for name, template in self.fields.items():
            self._check_template(name, template, (*named, *PARTS))
        for companion in self.companions:
            self._check_template("join", companion.join, (*named, *PARTS))

    def _check_template(self, name: str, template: str, known: tuple[str, ...]) -> None:
        try:
            groups = template_names(template)
        except ValueError as error:
            raise CorpusError(f"layout: the template '{template}' is broken: {error}") from error
        for group in groups:
            if group not in known:
                what = f"layout: fields.{name} speaks of the group '{group}', which the pattern lacks; "
                raise CorpusError(what + nearest(group, known))

    @cached_property
    def options(self) -> tuple[Layout, ...]:
        """The layout as each of its variants has it, in the order in which they are tried."""
        if not self.variants:
            return (self,)
        own = () if self.pattern is None else (replace(self, variants=()),)
        return (*own, *(self._as(variant) for variant in self.variants))

    def _as(self, variant: Variant) -> Layout:
        return replace(
            self,
            variants=(),
            variant=variant.name,
            pattern=variant.pattern,
            example=variant.example,
            glob=variant.glob or self.glob,
            exclude=self.exclude + variant.exclude,
            fields={**self.fields, **variant.fields},
            values={**self.values, **variant.values},
        )

    @cached_property
    def regex(self) -> re.Pattern[str] | None:
        """The pattern, compiled."""
        return compiled(self.pattern)

    @cached_property
    def loose_regex(self) -> re.Pattern[str] | None:
        """The pattern without regard to capitals, for files that follow it but for these; None for a user's own."""
        return re.compile(self.pattern, re.IGNORECASE) if self.pattern and self.kind == "pattern" else None

    def follows(self, path: str, *, loosely: bool = False) -> bool:
        """Whether a path follows the pattern, or needs not."""
        regex = self.loose_regex if loosely else self.regex
        return self.regex is None or (regex is not None and regex.search(path) is not None)

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the pattern's groups, those of all variants where there are any."""
        if self.variants:
            return tuple({name: None for option in self.options for name in option.groups})
        return tuple(self.regex.groupindex) if self.regex else ()

    @cached_property
    def table_groups(self) -> tuple[str, ...]:
        """The groups that the companions give."""
        return tuple({name: None for companion in self.companions for name in companion.columns})


def _known(where: str, name: str, known: tuple[str, ...], what: str) -> None:
    if name not in known:
        raise CorpusError(f"{where}: '{name}' {what}; {nearest(name, known)}")
