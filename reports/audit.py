"""The report of an audit: Markdown, and a few lines for a terminal."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from sv_eval.foreign_text import cell, each_text, inert
from sv_eval.report.reasons import Coded
from sv_eval.reports.markdown import template
from sv_eval.reports.wording import Wording, number, share

_MOST_CASES = 20
_MOST_ON_TERMINAL = 3
_MOST_SPLITS = 40


class AuditWording(Wording):
    """The words of reports with those of audits, at `audit`."""

    def __init__(self, language: str) -> None:
        super().__init__(language)
        path = Path(__file__).parent / "words" / f"audit_{language}.yaml"
        self._words = {**self._words, "audit": yaml.safe_load(path.read_text(encoding="utf-8"))}

    def finding(self, finding: Mapping[str, Any]) -> str:
        """What was found, in a sentence with its number."""
        values = {key: self._shown(key, value) for key, value in finding["values"].items()}
        return self(f"audit.finding.{finding['code']}", n=finding["n"], **values)

    def advice(self, finding: Mapping[str, Any]) -> str:
        """What it means and what to do."""
        return self(f"audit.advice.{finding['code']}")

    def case(self, code: str, case: Mapping[str, Any]) -> str:
        """One clip, speaker or text that has the defect."""
        values = {key: self._shown(key, value) for key, value in case.items()}
        if "content" in case:
            values["content"] = cell(case["content"]) if case["content"] else self("audit.no_audio")
            if case["misnamed"]:
                values["content"] = self("audit.misnamed", content=values["content"])
        return self(f"audit.case.{code}", **values)

    def _shown(self, key: str, value: Any) -> str:
        """A value of a finding: the corpus's own words on one line, numbers with four digits, shares as percent."""
        if value is None:
            return self("audit.silence") if key == "dbfs" else "–"
        if key == "shares":
            return self._list(f"{cell(name)} {share(part)}" for name, part in value.items())
        if key == "share":
            return f"{100 * value:.2f} %"
        if key in ("field", "place"):
            return self(f"audit.{key}.{value}")
        if key == "differs":
            return self._list(self(f"audit.differs.{name}") for name in value)
        if key == "clips":
            return self._list(self._member(clip) for clip in value)
        return self._plain(value)

    def _plain(self, value: Any) -> str:
        if isinstance(value, Mapping):
            return self._list(f"{cell(name)} {n}" for name, n in value.items())
        if isinstance(value, Sequence) and not isinstance(value, str):
            return self._list(cell(part) for part in value)
        return number(value) if isinstance(value, float) else cell(value)

    def _member(self, clip: Mapping[str, Any]) -> str:
        facts = [clip["label"], clip["speaker"], *clip["splits"]]
        return f"{cell(clip['path'])} ({self._list(cell(fact) for fact in facts if fact)})"

    def _list(self, parts: Any) -> str:
        return ("、" if self.language == "zh" else ", ").join(parts)


def render_audit(result: Mapping[str, Any], language: str = "en") -> str:
    """The report on what audit.json holds, in `language` (`en` or `zh`)."""
    words, command = AuditWording(language), f"python -m sv_eval.corpus {shlex.join(result['overrides'])}"
    result = each_text(result, inert)
    return template("audit.md.j2").render(
        w=words,
        r=result,
        headline=headline(result, words),
        most=_MOST_CASES,
        splits=list(result["splits"].items())[:_MOST_SPLITS],
        notes=[Coded(note["code"], {k: v for k, v in note.items() if k != "code"}) for note in result["notes"]],
        severities=("error", "warning", "information"),
        command=command,
        thresholds=", ".join(f"`check.{key}={json.dumps(value)}`" for key, value in result["settings"].items()),
        share=share,
        number=number,
    )


def summary(result: Mapping[str, Any], language: str = "en") -> str:
    """The audit in a few lines of plain text."""
    words = AuditWording(language)
    lines = [headline(result, words)]
    for finding in result["findings"]:
        severity = words(f"audit.severity.{finding['severity']}")
        allowed = f" ({words('audit.allowed')})" if finding["allowed"] else ""
        lines.append(f"{severity}{allowed}: {words.finding(finding)}")
        lines += [f"  {words.case(finding['code'], case)}" for case in finding["cases"][:_MOST_ON_TERMINAL]]
        more = finding["n"] - _MOST_ON_TERMINAL
        lines += [f"  {words('audit.more', n=more)}"] if more > 0 else []
    lines.append(words(f"audit.verdict.{result['verdict']}", **result["counts"]))
    return "\n".join(lines)


def headline(result: Mapping[str, Any], words: AuditWording) -> str:
    """How many clips there are, of how many, and how fast they were checked."""
    of = "_of" if result["n_expected"] else ""
    text = words(
        f"audit.clips{of}",
        n=result["n_clips"],
        expected=result["n_expected"],
        speakers=result["n_speakers"],
        minutes=f"{result['audio_s'] / 60:.1f}",
    )
    rate = result["clips_per_s"]
    if rate is not None:
        text += " " + words("audit.speed", n=result["n_audio"], rate=f"{rate:.0f}", workers=result["workers"])
    return text
