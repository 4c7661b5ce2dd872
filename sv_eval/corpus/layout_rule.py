"""How a corpus's clips are found below its root, and what their paths say: the card's `layout`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from string import Formatter
from typing import Literal

from sv_eval.corpus.config import HuggingFaceOptions
from sv_eval.errors import CorpusError, nearest

Kind = Literal["pattern", "folder", "manifest", "huggingface", "simulated"]
FIELDS = ("id", "label", "speaker", "sex", "language", "split", "transcript")
"""What a path can tell about a clip."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How the clips are found below the root, and what their paths say."""

    kind: Kind
    """`pattern`: names follow a rule; `folder`: a folder per emotion; `manifest`: a table; and two more."""
    glob: str | None = None
    """Which files are clips, relative to the root, case ignored; None for every audio file."""
    exclude: tuple[str, ...] = ()
    """Globs of files that are no clips. Hidden files never are."""
    pattern: str | None = None
    """Regular expression, searched in the path relative to the root; its named groups feed the fields."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Field to a template over the groups, `{stem}`, `{path}`, `{folder}`; by default its own group."""
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Field to what its values mean, e.g. sex: {F: female, M: male}; other values stay."""
    file: str = "manifest.csv"
    """The manifest, relative to the root, or to the card's folder where the root has none."""
    columns: Mapping[str, str | None] = field(default_factory=dict)
    """Field of a manifest to its column's name, where they differ."""
    huggingface: HuggingFaceOptions = field(default_factory=HuggingFaceOptions)
    """The data set on the hub and its columns."""
    bundled: bool = False
    """Whether the audio lies in the card's own folder, so that no root need be given."""

    def __post_init__(self) -> None:
        for name in (*self.fields, *self.values):
            if name not in FIELDS:
                raise CorpusError(f"layout: '{name}' is no field of a clip; {nearest(name, FIELDS)}")
        if self.kind == "pattern" and self.pattern is None:
            raise CorpusError("layout: the kind 'pattern' needs a `pattern`")
        _ = self.regex
        for name, template in self.fields.items():
            for group in _template_names(template):
                if group not in self.groups and group not in ("stem", "path", "folder"):
                    raise CorpusError(
                        f"layout: fields.{name} speaks of the group '{group}', which the pattern lacks; "
                        + nearest(group, self.groups)
                    )

    @cached_property
    def regex(self) -> re.Pattern[str] | None:
        """The pattern, compiled."""
        try:
            return None if self.pattern is None else re.compile(self.pattern)
        except re.error as error:
            raise CorpusError(f"layout: the pattern {self.pattern!r} is no regular expression: {error}") from error

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the pattern's groups."""
        return tuple(self.regex.groupindex) if self.regex else ()


def _template_names(template: str) -> list[str]:
    try:
        return [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    except ValueError as error:
        raise CorpusError(f"layout: the template '{template}' is broken: {error}") from error
