"""`python -m sv_eval.completion bash|zsh`: what makes a shell complete the words of the command."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="completion"))
