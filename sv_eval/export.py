"""`python -m sv_eval.export RUN [FORMAT ...]`: a finished run in the formats of other tools."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="export"))
