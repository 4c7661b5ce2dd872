"""`python -m sv_eval.schema [FILE]`: the JSON Schemas of the files that a run leaves."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sv_eval.cli.commands import COMMANDS
from sv_eval.cli.words import parse
from sv_eval.errors import UsageError, nearest
from sv_eval.machine.terminal import give, say

_HELP = """\
usage: sv-eval schema list
       sv-eval schema FILE

FILE: metrics.json, records.jsonl, environment.json, gate.json, compare.json, parity.json, certificate.json,
sweep.json, robustness.json or history.json.

Prints the JSON Schema (draft 2020-12) of a file that a run, a gate, a comparison, a parity check or a sweep leaves;
of records.jsonl it is a line's. More keys than it names may stand in a file: a reader of today reads the files of
later versions, too.

  sv-eval schema metrics.json > metrics.schema.json

Exit codes: 0 done, 2 wrong usage.
"""


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(arguments: Sequence[str]) -> None:
    """Do what the words say."""
    from sv_eval.report.schemas import FILES, schema_path

    names = parse(arguments, COMMANDS["schema"]).names
    if len(names) != 1:
        raise UsageError("one file at a time; see sv-eval schema --help")
    (name,) = names
    if name == "list":
        say("\n".join(FILES))
        give(result=list(FILES))
    elif name in FILES:
        text = schema_path(name).read_text(encoding="utf-8")
        say(text.rstrip("\n"))
        give(result=json.loads(text))
    else:
        raise UsageError(f"'{name}' has no schema; {nearest(name, FILES)}")
