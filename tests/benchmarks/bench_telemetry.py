"""What watching the machine and keeping records cost: `python tests/benchmarks/bench_telemetry.py [--rounds 9]`.

The bundled model on the bundled clips, one at a time, in rounds that take turns: bare (no telemetry, records
dropped), with records on disk, with telemetry ten times a second as well; who begins changes from round to round.
Printed are the median of the rounds' ratios and its 95 % bootstrap interval. Without a GPU NVML is not asked.
Goal: p50 changes by less than 1 %.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from sv_eval.backends.onnx import OnnxBackend  # noqa: E402
from sv_eval.data.corpus.reading import Corpus, dataset_config_from, read_corpus  # noqa: E402
from sv_eval.machine.telemetry import Telemetry  # noqa: E402
from sv_eval.record_file.journal import Journal  # noqa: E402
from sv_eval.records import Record  # noqa: E402
from sv_eval.run.load import LoadConfig, plan_load  # noqa: E402
from sv_eval.run.loop import RunLoop  # noqa: E402


async def p50_of(backend: OnnxBackend, corpus: Corpus, keep: Callable[[Record], None]) -> float:
    latencies: list[float] = []

    def on_record(record: Record) -> None:
        latencies.append(record.latency_ms or 0.0)
        keep(record)

    plan = plan_load(LoadConfig(), backend.capabilities)
    await RunLoop(backend=backend, source=corpus.source, plan=plan, on_record=on_record).run(corpus.clips)
    return statistics.median(latencies)


async def measure(rounds: int, model: str) -> dict[str, list[float]]:
    corpus = read_corpus(dataset_config_from({"name": "demo", "card": "demo"}))
    found: dict[str, list[float]] = {"bare": [], "records": [], "records and telemetry": []}
    async with OnnxBackend(model=model, threads=1) as backend:
        for number in range(rounds + 1):
            names = list(found)
            for name in names[number % 3 :] + names[: number % 3]:
                with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
                    keep: Callable[[Record], None] = lambda record: None  # noqa: E731
                    if name != "bare":
                        keep = stack.enter_context(Journal(Path(folder) / "run")).append
                    if name.endswith("telemetry"):
                        stack.enter_context(Telemetry(Path(folder) / "telemetry.csv", interval_s=0.1))
                    value = await p50_of(backend, corpus, keep)
                if number:  # the first round warms up
                    found[name].append(value)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--model", default="bundled")
    options = parser.parse_args()
    found = asyncio.run(measure(options.rounds, options.model))
    bare = found["bare"]
    for name, values in found.items():
        ratios = np.array(values) / np.array(bare)
        drawn = np.random.default_rng(0).choice(ratios, (10_000, len(ratios)))
        low, high = np.quantile(np.median(drawn, axis=1), (0.025, 0.975))
        print(
            f"{name:22} p50 {statistics.median(values):7.3f} ms, against bare {np.median(ratios):.4f} "
            f"[{low:.4f}, {high:.4f}], single rounds {ratios.min():.2f} to {ratios.max():.2f}"
        )


if __name__ == "__main__":
    main()
