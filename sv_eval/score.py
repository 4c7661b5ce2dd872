"""`python -m sv_eval.score RUN [key=value ...]`: score and report a run again, without inference."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="score"))
