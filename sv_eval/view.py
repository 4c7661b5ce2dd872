"""`python -m sv_eval.view`: see `sv_eval.cli.view`."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="view"))
