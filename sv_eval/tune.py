"""`python -m sv_eval.tune KEY=VALUE ...`: look for the setting with the best UAR and p95 by Optuna."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="tune"))
