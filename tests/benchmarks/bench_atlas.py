"""What an atlas of conditions costs against separate runs, as a user starts both, and whether a rerun is the same.

The sweep is one process: its conditions share the corpus, decoded clips and the open model, and ask for no latency.
Every separate run is a process of its own under one of the conditions; some of them are made, evenly spaced in the
sweep's list, half before the sweep and half after it.

    python tests/benchmarks/bench_atlas.py                                            bundled clips
    python tests/benchmarks/bench_atlas.py --runs 12 dataset=emodb dataset.root=DIR   EmoDB
    python tests/benchmarks/bench_atlas.py --again dataset=emodb dataset.root=DIR     the sweep twice
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import yaml
from bench_sweep import REPOSITORY, timed

GOAL, GOAL_S = 1 / 3, 300.0


def main() -> int:
    """Print both times and their ratio; 1 when the sweep costs more than its goals, or a rerun differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=12, help="how many separate runs are made")
    parser.add_argument("--again", action="store_true", help="run the sweep twice and compare what it finds")
    parser.add_argument("overrides", nargs="*", help="of both, e.g. dataset=emodb dataset.root=DIR")
    given = parser.parse_args()
    listed = yaml.safe_load((REPOSITORY / "conf" / "sweep" / "atlas.yaml").read_text("utf-8"))["params"]
    conditions = [name.strip() for name in listed["condition"].split(",")]
    chosen = conditions[:: max(1, len(conditions) // given.runs)][: given.runs]
    sweep_words = ["-m", "sweep=atlas", *given.overrides]
    with tempfile.TemporaryDirectory() as name:
        folder, runs = Path(name), list[tuple[float, float]]()
        half = len(chosen) // 2
        for number, condition in enumerate(chosen):
            if number == half:
                sweep = timed([*sweep_words, "hydra.sweep.dir=atlas"], folder)
            runs.append(timed([*given.overrides, f"condition={condition}", f"hydra.run.dir=run{number}"], folder))
        same = not given.again or _same_again(sweep_words, folder)
    ratios = []
    for what, of_sweep, of_runs in zip(("wall", "processor"), sweep, zip(*runs, strict=True), strict=True):
        separate = sum(of_runs) * len(conditions) / len(chosen)
        ratios.append(of_sweep / separate)
        print(
            f"{what}: {len(conditions)} separate runs {separate:.0f} s (from {len(chosen)} of them), sweep "
            f"{of_sweep:.0f} s, ratio {ratios[-1]:.3f} (goal: at most {GOAL:.3f})"
        )
    print(f"wall: {sweep[0]:.0f} s (goal: at most {GOAL_S:.0f} s)")
    if given.again:
        print(f"a rerun finds {'the same' if same else 'SOMETHING ELSE'}")
    return int(ratios[0] > GOAL or sweep[0] > GOAL_S or not same)


def _same_again(words: list[str], folder: Path) -> bool:
    """Whether the sweep finds the same to the last digit, save for where and on which machine load it ran."""
    timed([*words, "hydra.sweep.dir=again"], folder)
    files = (folder / one / "robustness.json" for one in ("atlas", "again"))
    first, second = (json.loads(file.read_text("utf-8")) for file in files)
    kept = ("clean", "conditions", "breaking", "n_clips", "units", "n_tests")
    return all(first[key] == second[key] for key in kept)


if __name__ == "__main__":
    sys.exit(main())
