"""What a gate leaves behind: gate.md, gate.json and junit.xml in a directory, and the job's summary on GitHub."""

from __future__ import annotations

import os
from pathlib import Path

from sv_eval.errors import GateFailed, GateInconclusive, RunDirectoryError
from sv_eval.finished.both_forms import write_both
from sv_eval.machine.terminal import give, note, relative, say
from sv_eval.report.codec import as_json
from sv_eval.report.run_directory import write_json, write_text
from sv_eval.report.verdict import GateResult, Verdict
from sv_eval.written_files import append_whole

GATE_MD, GATE_JSON, JUNIT = "gate.md", "gate.json", "junit.xml"
_STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


def write_gate(directory: Path, result: GateResult, language: str) -> None:
    """Write the three files, and append the report to GitHub's step summary where there is one.

    A summary that can't be written is said and changes nothing: the verdict is in the files, and in the exit code.
    """
    from sv_eval.reports.gate import render_gate, render_junit

    text = render_gate(result, language)
    write_json(directory / GATE_JSON, as_json(result.file()))
    write_text(directory / JUNIT, render_junit(result))
    write_both(directory / GATE_MD, text, language=language)
    summary = os.environ.get(_STEP_SUMMARY)
    if summary:
        try:
            append_whole(Path(summary), text + "\n")
        except RunDirectoryError as error:
            note(f"sv_eval: the job's summary is not written: {_STEP_SUMMARY}={error}")


def conclude(directory: Path, result: GateResult, language: str) -> None:
    """Write the files and say the verdict; raises GateFailed or GateInconclusive unless the gate passed."""
    write_gate(directory, result, language)
    give(gate=as_json(result.file()))
    first, *rest = headline(result)
    for line in rest:
        say(line)
    where = f"report: {relative(directory / GATE_MD)}"
    if result.verdict is Verdict.PASS:
        say(f"{first}\n{where}")
        return
    kind = GateFailed if result.verdict is Verdict.FAIL else GateInconclusive
    raise kind(f"{first}; {where}")


def headline(result: GateResult) -> list[str]:
    """The lines that end the command: the verdict, and every rule that did not pass."""
    from sv_eval.reports.gate import sentence, title
    from sv_eval.reports.wording import Wording

    words = Wording("en")
    compared = f"{result.pairs} clips of both runs compared, {len(result.rules)} conditions checked"
    worst = f": {title(words, result.worst.name)}" if result.worst else ""
    lines = [f"gate {result.gate}: {result.verdict}{worst}; {compared}"]
    for rule in result.rules:
        if rule.verdict is not Verdict.PASS:
            text = sentence(words, rule).replace("**", "")
            lines.append(f"  {rule.verdict} {title(words, rule.name)}: {text}")
    return lines
