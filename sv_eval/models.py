"""`python -m sv_eval.models`: build model directories with random weights, export directories to ONNX."""

from __future__ import annotations

import sys

from sv_eval.cli.main import main

if __name__ == "__main__":
    sys.exit(main(command="models"))
