"""`python -m sv_eval.labels`: the label maps, and a finished run under two of them."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="labels"))
