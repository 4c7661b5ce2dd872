"""Scoring and writing the report of a 10,000-clip run from its records, as `python -m sv_eval.score` does.

    python tests/benchmarks/bench_report.py

Prints seconds of the whole process, imports included, beside a process that imports matplotlib and numpy only.
"""

from __future__ import annotations

import contextlib
import io
import statistics
import tempfile
from pathlib import Path

from bench_harness import configuration
from bench_startup import process_s

from sv_eval.backends.fake import FakeBackend
from sv_eval.run.evaluate import evaluate

CLIPS, ROUNDS = 10_000, 7
PEER = "import numpy; from matplotlib.figure import Figure; from matplotlib.backends import backend_svg"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        with contextlib.redirect_stderr(io.StringIO()):
            evaluate(configuration(CLIPS), FakeBackend(), Path(folder))
        score = ["-m", "sv_eval.score", folder]
        process_s(score)
        rounds = [(process_s(score), process_s(["-c", PEER])) for _ in range(ROUNDS)]
    ours = statistics.median(a for a, _ in rounds)
    peer = statistics.median(b for _, b in rounds)
    ratio = statistics.median(a / b for a, b in rounds)
    print(f"{CLIPS} clips: scored and reported in {ours:.2f} s; imports alone take {peer:.2f} s, ratio {ratio:.1f}")


if __name__ == "__main__":
    main()
