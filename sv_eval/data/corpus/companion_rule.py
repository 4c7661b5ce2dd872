"""Tables that lie beside the audio and say what paths don't: labels, speakers, words spoken."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from sv_eval.data.corpus.template import template_names
from sv_eval.errors import CorpusError

Form = Literal["table", "lines", "text"]


@dataclass(frozen=True, kw_only=True)
class Companion:
    """A table beside the audio, and how its rows are led to the clips."""

    files: tuple[str, ...]
    """Globs below the root, case ignored; the files of the first one that has any are read."""
    form: Form
    """`table`: .csv and .tsv with a header, or .json; `lines`: a pattern per line; `text`: a file per clip."""
    columns: Mapping[str, str]
    """Group to the column it is read from. `{name}` in a column's name stands for another column's value."""
    key: str = "{stem}"
    """What names the clip in a row: a template over its columns, the path's groups, `{stem}` of the table."""
    join: str = "{stem}"
    """The same name as a clip tells it: a template over its own groups, `{stem}`, `{file}`, `{path}`."""
    pattern: str | None = None
    """For `lines`: a regular expression whose groups are the columns; other lines are passed over."""
    path: str | None = None
    """Regular expression over the table's own path; its groups are columns too."""
    rows: str | None = None
    """In .json: where the rows are, e.g. `{scene}/Dialog/{line}`; the names in braces are columns."""
    encodings: Mapping[str, str] = field(default_factory=dict)
    """Glob of tables to their encoding where it is neither UTF-8 nor UTF-16; the first that fits."""
    lists: bool = False
    """Whether the table says which clips there are: files without a row are left out and counted."""
    needed: bool = False
    """Whether the corpus can't be read without it."""

    def __post_init__(self) -> None:
        if not self.files or not self.columns:
            raise CorpusError("layout: a companion needs `files` and `columns`")
        if (self.form == "lines") != (self.pattern is not None):
            raise CorpusError("layout: a companion of the form `lines` needs a `pattern`, and no other has one")
        if self.rows is not None and self.form != "table":
            raise CorpusError("layout: only a companion of the form `table` has `rows`")
        for template in (self.key, self.join, self.rows or "", *self.columns.values()):
            try:
                template_names(template)
            except ValueError as error:
                raise CorpusError(f"layout: the companion's template '{template}' is broken: {error}") from error
        for encoding in self.encodings.values():
            try:
                codecs.lookup(encoding)
            except LookupError as error:
                raise CorpusError(f"layout: Python knows no encoding '{encoding}'") from error
        _ = self.line_regex, self.path_regex

    @cached_property
    def line_regex(self) -> re.Pattern[str] | None:
        """The pattern of a line, compiled."""
        return compiled(self.pattern)

    @cached_property
    def path_regex(self) -> re.Pattern[str] | None:
        """The pattern of the table's path, compiled."""
        return compiled(self.path)


def compiled(pattern: str | None) -> re.Pattern[str] | None:
    """The regular expression; raises CorpusError for one that is broken."""
    try:
        return None if pattern is None else re.compile(pattern)
    except re.error as error:
        raise CorpusError(f"layout: the pattern {pattern!r} is no regular expression: {error}") from error
