"""`python -m sv_eval.parity A B ...`: two backend configurations over the same clips."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="parity"))
