"""Does a run's interval hold a chat model's true UAR? `python tests/benchmarks/sim_chat.py --runs 200`.

A chat server with 12 % refusals, prose in 40 % of its answers and a pull of 20 points to the option that stands
first, over the bundled clips; run k has seed k. The truth is computed from what was planted: a refusal is wrong,
and what the pull takes is right where the first option happens to be, one time in seven.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import sv_eval
from sv_eval.backends.chat.fake_server import Planted, bundled, serving

RECALL, REFUSES, PROSE, FIRST = 0.7, 0.12, 0.4, 0.2


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--protocol", default="letters_en")
    options = parser.parse_args()
    known = bundled()
    truth = (1 - REFUSES) * (FIRST / 7 + (1 - FIRST) * RECALL)
    held, values, begin = 0, list[float](), time.perf_counter()
    for seed in range(options.runs):
        planted = Planted(recall=RECALL, refuses=REFUSES, prose=PROSE, first=FIRST, seed=seed)
        with serving(known, planted, options.protocol) as url, tempfile.TemporaryDirectory() as folder:
            run = sv_eval.evaluate(
                backend="chat", dataset="demo", directory=Path(folder) / "run",
                overrides=[
                    f"backend.url={url}", f"backend.protocol={options.protocol}",
                    f"backend.order_seed={seed}", "backend.listening=false", "load=offline", "run.telemetry_s=null",
                ],
            )  # fmt: skip
        uar = run.report.accuracy.uar
        held += uar.low <= truth <= uar.high
        values.append(uar.value)
    print(
        f"truth {truth:.4f}, mean {sum(values) / len(values):.4f}; held in {held} of {options.runs} runs "
        f"({time.perf_counter() - begin:.0f} s)"
    )


if __name__ == "__main__":
    main()
