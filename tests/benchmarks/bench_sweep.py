"""What a sweep costs against separate runs: a 5 x 5 grid of vad_threshold and chunk_size, as a user starts both.

Every separate run is a process of its own that measures accuracy and latency over all clips. The sweep is one
process: its settings share decoded clips, speech probabilities and equal stretches, and each has a timed pass.

    python tests/benchmarks/bench_sweep.py                                       bundled clips
    python tests/benchmarks/bench_sweep.py --runs 5 dataset=emodb dataset.root=DIR  five of the 25 runs, times five
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
THRESHOLDS, CHUNKS = (0.3, 0.45, 0.6, 0.75, 0.9), (1, 2, 3, 4, 5)
GOAL = 1 / 3


def timed(words: list[str], folder: Path) -> tuple[float, float]:
    """Seconds that a command takes, by the wall and of the processor's time."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    begin, before = time.perf_counter(), os.times()
    command = [sys.executable, "-m", "sv_eval", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - begin, spent


def main() -> int:
    """Print both times and their ratio; 1 when the sweep costs more than its goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=25, help="how many of the 25 separate runs are made")
    parser.add_argument("overrides", nargs="*", help="of both, e.g. dataset=emodb dataset.root=DIR")
    given = parser.parse_args()
    points = list(product(THRESHOLDS, CHUNKS))
    chosen = points[:: max(1, len(points) // given.runs)][: given.runs]
    with tempfile.TemporaryDirectory() as name:
        folder, runs = Path(name), list[tuple[float, float]]()
        grid = [
            f"backend.vad_threshold={','.join(map(str, THRESHOLDS))}",
            f"backend.chunk_size={','.join(map(str, CHUNKS))}",
        ]
        # Half of the separate runs before the sweep and half after it, so that both meet the same machine.
        half = len(chosen) // 2
        for number, (threshold, chunk) in enumerate(chosen):
            if number == half:
                sweep = timed(["-m", *given.overrides, *grid, "hydra.sweep.dir=swept"], folder)
            words = [f"backend.vad_threshold={threshold}", f"backend.chunk_size={chunk}"]
            runs.append(timed([*given.overrides, *words, f"hydra.run.dir=run{number}"], folder))
    how = "" if len(chosen) == len(points) else f" (from {len(chosen)} of them)"
    ratios = []
    for what, of_sweep, of_runs in zip(("wall", "processor"), sweep, zip(*runs, strict=True), strict=True):
        separate = sum(of_runs) * len(points) / len(chosen)
        ratios.append(of_sweep / separate)
        print(
            f"{what}: 25 separate runs {separate:.1f} s{how}; sweep of them and the default twice {of_sweep:.1f} s"
        )
        print(f"{what}: ratio {ratios[-1]:.3f} (goal: at most {GOAL:.3f})")
    return int(ratios[0] > GOAL)


if __name__ == "__main__":
    sys.exit(main())
