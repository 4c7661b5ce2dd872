"""`python -m sv_eval.chat`: the protocols of chat models, and a run's answers read anew."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="chat"))
