"""`python -m sv_eval.gate baseline=A candidate=B`: two finished runs, gated."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main
from sv_eval.library import FunctionModule

sys.modules[__name__].__class__ = FunctionModule

if __name__ == "__main__":
    sys.exit(main(command="gate"))
