"""`python -m sv_eval.plan ...`: how many clips, speakers and calls a question needs, and how long that takes."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="plan"))
