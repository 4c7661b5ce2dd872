"""What do facts of the sound cost a run? `python tests/benchmarks/bench_sound.py [dataset=emodb dataset.root=DIR]`.

The bundled model goes through a corpus one clip at a time, with the facts of every clip measured and without, in
turns, each beginning in half of the rounds; wall clock from first to last clip, as the run's own report has it,
wall clock of the whole run with reading, scoring and reports, and processor time of the process. Goal: 3 % of the
wall clock of a run at most.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from pathlib import Path

import sv_eval
from sv_eval.run import prefetch


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("overrides", nargs="*", default=["dataset=demo"])
    options = parser.parse_args()
    measure = prefetch.measured_all
    ways = {"with": measure, "without": lambda waveforms: [None] * len(waveforms)}
    taken: dict[str, list[tuple[float, ...]]] = {name: [] for name in ways}
    for number in range(-1, options.rounds):
        for name in sorted(ways, reverse=number % 2 == 0):
            vars(prefetch)["measured_all"] = ways[name]
            with tempfile.TemporaryDirectory() as folder:
                begin, first = time.process_time(), time.perf_counter()
                run = sv_eval.evaluate(
                    directory=Path(folder) / "run",
                    overrides=[*options.overrides, "run.telemetry_s=null", "scoring.resamples=100"],
                )
                if number >= 0:
                    whole = time.perf_counter() - first
                    taken[name].append((run.report.run.wall_s, whole, time.process_time() - begin))
    vars(prefetch)["measured_all"] = measure
    for place, what in enumerate(("first clip to last", "whole run", "processor time")):
        ratios = [one[place] / other[place] for one, other in zip(taken["with"], taken["without"], strict=True)]
        logs = [math.log(one) for one in ratios]
        half = 2.2 * statistics.stdev(logs) / math.sqrt(len(logs))
        mean = statistics.fmean(logs)
        print(
            f"{what}: with the facts {statistics.median(one[place] for one in taken['with']):.3f} s, without "
            f"{statistics.median(one[place] for one in taken['without']):.3f} s (medians of {len(ratios)} rounds), "
            f"ratio {math.exp(mean):.3f} [{math.exp(mean - half):.3f}, {math.exp(mean + half):.3f}]"
        )


if __name__ == "__main__":
    main()
