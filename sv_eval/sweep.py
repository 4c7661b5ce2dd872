"""`python -m sv_eval.sweep GRID`: every combination of settings, with one report on all of them."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="sweep"))
