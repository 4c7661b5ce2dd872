"""Tables beside the audio that say what each rater of a clip heard: the card's `layout.votes`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from re import Pattern
from typing import Literal

from sv_eval.data.corpus.companion_rule import compiled
from sv_eval.data.corpus.template import template_names
from sv_eval.errors import CorpusError


@dataclass(frozen=True, kw_only=True)
class VotesRule:
    """A table with a row, or a line, for each rater of each clip."""

    files: tuple[str, ...]
    """Globs below the root, case ignored; the files of the first one that has any are read."""
    form: Literal["table", "lines"]
    """`table`: .csv and .tsv with a header, or .json; `lines`: a pattern per line."""
    key: str
    """What names the clip in a row: a template over its columns and those of the heading."""
    join: str = "{stem}"
    """The same name as a clip tells it: a template over `{stem}`, `{file}`, `{path}`, `{id}`."""
    label: str
    """The column with what the rater said."""
    rater: tuple[str, ...] = ()
    """The columns that may hold the rater's name; the first that is there does. None: rows are counted."""
    separator: str | None = None
    """What stands between several words of one rater; None where each said one."""
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column to the values of the rows that are read; others are passed over."""
    pattern: str | None = None
    """For `lines`: a regular expression whose groups are the columns; other lines are passed over."""
    heading: str | None = None
    """For `lines`: a regular expression of lines that begin a clip; its groups hold until the next."""
    rows: str | None = None
    """In .json: where the rows are, e.g. `{FileName}/{WorkerID}`; the names in braces are columns."""
    values: Mapping[str, str] = field(default_factory=dict)
    """What raters' words are in the corpus's label map, capitals ignored, e.g. {Anger: ang}; others stay."""
    rest: str | None = None
    """The label for words that neither `values` nor the label map hold, as of raters who wrote their own; None
    where there should be none."""
    default: bool = False
    """Whether they are read without being asked for, where the files are there."""

    def __post_init__(self) -> None:
        if not self.files:
            raise CorpusError("layout: votes need `files`")
        if (self.form == "lines") != (self.pattern is not None):
            raise CorpusError("layout: votes of the form `lines` need a `pattern`, and no others have one")
        for template in (self.key, self.join, self.rows or ""):
            try:
                template_names(template)
            except ValueError as error:
                raise CorpusError(f"layout: the template '{template}' of votes is broken: {error}") from error
        _ = self.line_regex, self.heading_regex

    @cached_property
    def line_regex(self) -> Pattern[str] | None:
        """The pattern of a line, compiled."""
        return compiled(self.pattern)

    @cached_property
    def heading_regex(self) -> Pattern[str] | None:
        """The pattern of a heading, compiled."""
        return compiled(self.heading)
