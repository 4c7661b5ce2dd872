"""`python -m sv_eval.probe url=URL`: which dialect is spoken at an address, and does it tell emotions?"""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="probe"))
