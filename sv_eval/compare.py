"""`python -m sv_eval.compare A B [C ...]`: finished runs side by side, tested on pairs."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="compare"))
