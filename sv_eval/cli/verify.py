"""`python -m sv_eval.verify FILE|RUN`: are the figures those of the records?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sv_eval.cli.commands import COMMANDS
from sv_eval.cli.words import parse
from sv_eval.errors import EXIT_ERROR, EXIT_PASS, UsageError
from sv_eval.machine.terminal import complain, give, say

_HELP = """\
usage: sv-eval verify RUN | report.html

Makes every figure of a run again from its records, without inference, and holds it against what is printed.

  of a run directory    each line of records.jsonl (its seal, and the hash over all of them), environment.json and
                        the figures by hash, metrics.json figure by figure and byte by byte, report.md line by line,
                        and report.html: all bytes, and that its records and figures are those of the run
  of a report.html      all bytes; then every figure, sentence and class that it shows, from the records in it

It prints what agrees, and the first thing that does not. A page by itself proves that it is as it was written and
that its figures follow from its records; whether these are what was measured, only the run directory can tell.
Exit codes: 0 everything agrees, 1 something does not, 2 wrong usage.
"""


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(arguments: Sequence[str]) -> int:
    """Do what the words say."""
    from sv_eval.studies.verify.verifying import verify

    typed = parse(arguments, COMMANDS["verify"])
    if len(typed.names) != 1:
        raise UsageError("give a run directory or a report.html: sv-eval verify RUN")
    found = verify(Path(typed.names[0]))
    for line in found.checked:
        say(f"✓ {line}")
    give(result={"checked": list(found.checked), "trouble": found.trouble})
    if found.trouble is not None:
        complain(found.trouble)
        return EXIT_ERROR
    return EXIT_PASS
