"""`python -m sv_eval.corpus`: the corpora that are known, and what can be done with one before it is run."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="corpus"))
