"""The verdict's lines in words, for a terminal, for Markdown and for a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sv_eval.report.findings import Finding, Mark
from sv_eval.report.report import Report
from sv_eval.reports.sound import span_between
from sv_eval.reports.wording import Wording, share
from sv_eval.scoring.goals import OF_LATENCY

SIGNS: Mapping[Mark, str] = {"pass": "✓", "fail": "✗", "open": "?", "note": "•"}
"""What stands before a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictLine:
    """A line of the verdict."""

    mark: Mark
    """Its mark."""
    text: str
    """Its sentence, with Markdown's stars and backticks."""
    command: str | None = None
    """What can be typed."""
    cell: tuple[str, str] | None = None
    """The reference and the answer of the clips that it speaks of."""

    @property
    def sign(self) -> str:
        """What stands before it."""
        return SIGNS[self.mark]

    @property
    def plain(self) -> str:
        """The sentence without the marks of Markdown."""
        return plain(self.text)


def plain(sentence: str) -> str:
    """A sentence of a report without the marks of Markdown."""
    return sentence.replace("**", "").replace("`", "")


def verdict_lines(words: Wording, report: Report, *, run: str = "RUN") -> list[VerdictLine]:
    """The lines, in the order in which they are read; `run` is where the run lies, for commands."""
    return [_line(words, report, one, run) for one in report.findings or ()]


def _line(words: Wording, report: Report, one: Finding, run: str) -> VerdictLine:
    values = one.values
    if one.code == "next":
        command = words(f"verdict.commands.{values['step']}").replace("RUN", run)
        return VerdictLine(mark=one.mark, text=words(f"verdict.next.{values['step']}"), command=command)
    if one.code == "caveat":
        caveat = next(each for each in report.caveats if each.code == values["code"])
        return VerdictLine(mark=one.mark, text=words.caveat(caveat))
    if one.code == "goal":
        return VerdictLine(mark=one.mark, text=_goal(words, values))
    if one.code == "slice":
        told = {
            "fact": words(f"sound.facts.{values['fact']}"),
            "span": span_between(values["low"], values["high"]),
            "points": f"{-values['points']:.1f}",
            "share": share(values["share"]),
        }
        return VerdictLine(mark=one.mark, text=words("verdict.slice", **told, of=values["of"]))
    if one.code == "dimension":
        return VerdictLine(mark=one.mark, text=_dimension(words, values))
    named = {key: words.emotion(values[key]) for key in ("reference", "answer", "label") if key in values}
    shares = {key: share(values[key]) for key in ("value", "share", "chance") if key in values}
    code = "uar_alone" if one.code == "uar" and values["chance"] is None else one.code
    text = words(f"verdict.{code}", **{**values, **named, **shares, "bounds": _bounds(values)})
    cell = (values["reference"], values["answer"]) if one.code == "confusion" else None
    return VerdictLine(mark=one.mark, text=text, cell=cell)


def _dimension(words: Wording, values: Mapping[str, Any]) -> str:
    numbers = {key: "–" if values[key] is None else f"{values[key]:.3f}" for key in ("ccc", "low", "high")}
    bounds = "" if values["low"] is None else f" [{numbers['low']}, {numbers['high']}]"
    name = words(f"dimensions.names.{values['dimension']}")
    return words("verdict.dimension", name=name, value=numbers["ccc"], bounds=bounds, n=values["n"])


def _goal(words: Wording, values: Mapping[str, Any]) -> str:
    figure, latency = values["figure"], values["figure"] in OF_LATENCY
    name = words(f"verdict.figures.{figure}")
    if values.get("label"):
        name = words("verdict.recall_of", label=words.emotion(values["label"]))
    value = "–" if values["value"] is None else f"{values['value']:.1f} ms" if latency else share(values["value"])
    goal = f"{values['goal']:g} ms" if latency else share(values["goal"])
    key = "verdict.goal_most" if latency else "verdict.goal_least"
    return words(key, name=name, value=value, bounds=_bounds(values, latency=latency), goal=goal)


def _bounds(values: Mapping[str, Any], *, latency: bool = False) -> str:
    """` [82.1, 91.3]`; empty without bounds."""
    low, high = values.get("low"), values.get("high")
    if low is None and high is None:
        return ""
    scale = 1 if latency else 100
    told = ["–" if one is None else f"{scale * one:.1f}" for one in (low, high)]
    return f" [{told[0]}, {told[1]}]"
