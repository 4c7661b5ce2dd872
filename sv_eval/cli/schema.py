"""`python -m sv_eval.schema [FILE]`: the JSON Schemas of the files that a run leaves."""

from __future__ import annotations

from collections.abc import Sequence

from sv_eval.cli.command import main_of
from sv_eval.errors import UsageError, nearest
from sv_eval.machine.terminal import say

_HELP = """\
usage: python -m sv_eval.schema list
       python -m sv_eval.schema FILE

FILE: metrics.json, records.jsonl, environment.json, gate.json, compare.json, parity.json or sweep.json.

Prints the JSON Schema (draft 2020-12) of a file that a run, a gate, a comparison, a parity check or a sweep leaves;
of records.jsonl it is a line's. More keys than it names may stand in a file: a reader of today reads the files of
later versions, too.

  python -m sv_eval.schema metrics.json > metrics.schema.json

Exit codes: 0 done, 2 wrong usage.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code comes back."""
    return main_of(arguments, _HELP, _run)


def _run(arguments: Sequence[str]) -> None:
    from sv_eval.report.schemas import FILES, schema_path

    if len(arguments) != 1:
        raise UsageError("one file at a time; see python -m sv_eval.schema --help")
    (name,) = arguments
    if name == "list":
        say("\n".join(FILES))
    elif name in FILES:
        say(schema_path(name).read_text(encoding="utf-8").rstrip("\n"))
    else:
        raise UsageError(f"'{name}' has no schema; {nearest(name, FILES)}")
