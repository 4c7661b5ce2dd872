"""`python -m sv_eval.suite`: corpora under a matrix of switches, beside what was published about them."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="suite"))
