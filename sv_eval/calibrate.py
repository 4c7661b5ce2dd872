"""`python -m sv_eval.calibrate RUN --out FILE`: what makes a model's scores probabilities."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="calibrate"))
