"""`python -m sv_eval.certify KEY=VALUE ...`: is a backend wired up rightly?"""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="certify"))
