"""`python -m sv_eval.run`: one evaluation, as `python -m sv_eval` is."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="run"))
