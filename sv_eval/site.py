"""`python -m sv_eval.site`: see `sv_eval.cli.site`."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="site"))
