"""`python -m sv_eval.capacity KEY=VALUE ...`: the highest rate that keeps an objective, and a concurrency curve."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="capacity"))
