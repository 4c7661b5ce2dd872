"""`python -m sv_eval.schema [FILE]`: the JSON Schemas of the files that a run leaves."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="schema"))
