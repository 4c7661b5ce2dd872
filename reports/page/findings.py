"""The first lines of a page: what was found, each with a mark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sv_eval.report.reasons import Coded
from sv_eval.report.report import Report
from sv_eval.reports.page.words import page_words
from sv_eval.reports.wording import Wording, bounds, share

LANGUAGES = ("en", "zh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A line that is read before anything else."""

    mark: Literal["pass", "fail", "open"]
    """Whether it is good, bad, or for the reader to look at."""
    said: Mapping[str, str]
    """The sentence by language."""
    cell: tuple[str, str] | None = None
    """The reference and the answer of the clips that it speaks of; None where it is of no cell of the matrix."""


def findings_of(report: Report, gravest: Coded | None) -> tuple[Finding, ...]:
    """UAR against chance, the worst confusion, and a caveat where there is a grave one."""
    found = [_of_uar(report)]
    if report.worst_confusions:
        worst = report.worst_confusions[0]
        of = round(worst.count / worst.share) if worst.share else worst.count
        cell = worst.reference, worst.predicted
        said = _said(
            "verdict_confusion",
            {"n": worst.count, "of": of, "share": share(worst.share)},
            {"reference": cell[0], "answer": cell[1]},
        )
        found.append(Finding(mark="open", said=said, cell=cell))
    if gravest is not None:
        found.append(Finding(mark="open", said={name: plain(Wording(name).caveat(gravest)) for name in LANGUAGES}))
    return tuple(found)


def _of_uar(report: Report) -> Finding:
    uar, chance = report.accuracy.uar, report.chance
    if uar.value is None:
        why = uar.reason or None
        return Finding(
            mark="open",
            said={
                name: page_words(name)["verdict_no_uar"].format(why=Wording(name).why(why) if why else "–")
                for name in LANGUAGES
            },
        )
    values = {"uar": share(uar.value), "bounds": bounds(uar, 100, 1)}
    if chance is None or chance.majority.uar is None:
        return Finding(mark="open", said=_said("verdict_uar", values))
    level = chance.majority.uar
    above = uar.low is not None and uar.low > level
    below = uar.high is not None and uar.high <= level
    return Finding(
        mark="pass" if above else "fail" if below else "open",
        said=_said("verdict_uar_chance", {**values, "chance": share(level)}),
    )


def _said(key: str, values: Mapping[str, object], emotions: Mapping[str, str] | None = None) -> dict[str, str]:
    """The sentence at `key` in each language; emotions are named in it."""
    said = {}
    for name in LANGUAGES:
        words = Wording(name)
        named = {what: words.emotion(which) for what, which in (emotions or {}).items()}
        said[name] = page_words(name)[key].format(**values, **named)
    return said


def plain(sentence: str) -> str:
    """A sentence of a report without the marks of Markdown."""
    return sentence.replace("**", "").replace("`", "")
