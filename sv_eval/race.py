"""`python -m sv_eval.race A B [C ...]`: backends measured in turns, and then compared."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="race"))
