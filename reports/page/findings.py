"""The first lines of a page: the verdict, in each language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sv_eval.report.findings import Mark
from sv_eval.report.report import Report
from sv_eval.reports.verdict import plain, verdict_lines
from sv_eval.reports.wording import Wording

__all__ = ["LANGUAGES", "Finding", "findings_of", "plain"]

LANGUAGES = ("en", "zh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A line that is read before anything else."""

    mark: Mark
    """Whether it is good, bad, undecided, or nothing to be either."""
    said: Mapping[str, str]
    """The sentence by language."""
    cell: tuple[str, str] | None = None
    """The reference and the answer of the clips that it speaks of; None where it is of no cell of the matrix."""
    command: str | None = None
    """What can be typed."""


def findings_of(report: Report) -> tuple[Finding, ...]:
    """The verdict's lines; none in a report of an earlier version."""
    by_language = [verdict_lines(Wording(name), report) for name in LANGUAGES]
    return tuple(
        Finding(
            mark=lines[0].mark,
            said={name: line.plain for name, line in zip(LANGUAGES, lines, strict=True)},
            cell=lines[0].cell,
            command=lines[0].command,
        )
        for lines in zip(*by_language, strict=True)
    )
