"""`python -m sv_eval.baseline`: baseline files, what the gate needs of a run in one small JSON."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="baseline"))
