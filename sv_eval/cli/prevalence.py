"""`python -m sv_eval.prevalence RUN reference=RUN2`: how much of each emotion is in unlabelled audio?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sv_eval.cli.commands import COMMANDS
from sv_eval.cli.words import parse
from sv_eval.errors import EXIT_GATE_INCONCLUSIVE, EXIT_PASS, UsageError
from sv_eval.machine.terminal import give, relative, say

_HELP = """\
usage: sv-eval prevalence RUN reference=RUN2 [confidence=0.95] [report.language=en|zh] [out=DIR]

How much of each emotion the audio of RUN holds, whose answers alone are known: counted as they were given, and
corrected by how the same recogniser errs in RUN2, which is labelled. Bounds allow for the speakers of both. It
holds where the recogniser errs alike on both; nothing in RUN can tell whether it does. docs/prevalence.md has the
formula.

With out=DIR prevalence.json, prevalence.md and prevalence.html are written there.

Exit codes: 0 done, 1 error, 2 wrong usage or configuration, 4 the labelled run can't tell.
"""


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(arguments: Sequence[str]) -> int:
    """Do what the words say."""
    from sv_eval.finished.both_forms import write_both
    from sv_eval.finished.prevalence import prevalence_of
    from sv_eval.finished.report_config import report_config_from
    from sv_eval.report.codec import as_json
    from sv_eval.report.run_directory import write_json
    from sv_eval.reports.prevalence import render_prevalence

    typed = parse(arguments, COMMANDS["prevalence"])
    if len(typed.names) != 1 or "reference" not in typed.settings:
        raise UsageError("give a run and a labelled one: sv-eval prevalence RUN reference=RUN2")
    settings = typed.settings
    confidence = _confidence(settings.get("confidence", "0.95"))
    language = report_config_from({"language": settings.get("report.language", "en")}).language
    found = prevalence_of(typed.names[0], settings["reference"], confidence=confidence)
    text = render_prevalence(found, language)
    say(text.rstrip())
    give(result=as_json(found))
    if "out" in settings:
        directory = Path(settings["out"])
        write_json(directory / "prevalence.json", as_json(found))
        write_both(directory / "prevalence.md", text, language=language)
        say(f"report: {relative(directory / 'prevalence.md')}")
    return EXIT_GATE_INCONCLUSIVE if found.reason else EXIT_PASS


def _confidence(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.5 <= value < 1:
        raise UsageError(f"confidence={text}: give a number from 0.5 to below 1")
    return value
