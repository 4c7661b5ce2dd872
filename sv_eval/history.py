"""`python -m sv_eval.history PLACE ...`: a figure over many runs, and where it changed for good."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="history"))
