"""`python -m sv_eval.prevalence RUN reference=RUN2`: how much of each emotion is in unlabelled audio?"""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="prevalence"))
