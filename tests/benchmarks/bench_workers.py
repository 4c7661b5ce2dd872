"""What a second core is worth: two one-thread inferences at once, against one with two threads, against one core.

    python tests/benchmarks/bench_workers.py --model DIR [--precision int8] [--corpus DIR] [--clips N] [--rounds N]

Throughput with batches of 8 (the backend kept full, as load=offline does) and with single clips. Every round runs
all ways in turn; the figures are medians over rounds, the ratio is to one thread and one worker.
A model of SenseVoice's full size: python -m sv_eval.models build small --onnx --out DIR
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from sv_eval.backend import Backend, Request
from sv_eval.backends.onnx import OnnxBackend
from sv_eval.data.corpus.reading import dataset_config_from, read_corpus

# threads inside an inference, inferences at once
WAYS = ((1, 1), (2, 1), (1, 2))


async def seconds(backend: Backend, batches: Sequence[Sequence[Request]]) -> float:
    """How long all batches take with as many calls open as the backend wants."""
    waiting = iter(batches)

    async def caller() -> None:
        for batch in waiting:
            await backend.recognize(batch)

    begin = time.perf_counter()
    await asyncio.gather(*[caller() for _ in range(backend.capabilities.max_in_flight)])
    return time.perf_counter() - begin


async def measure(model: str, precision: str, requests: Sequence[Request], rounds: int) -> None:
    ordered = sorted(requests, key=lambda request: len(request.waveform.samples))
    shapes = {
        "batches of 8": [ordered[n : n + 8] for n in range(0, len(ordered), 8)],
        "single clips": [[request] for request in ordered],
    }
    times: dict[tuple[str, int, int], list[float]] = {}
    async with AsyncExitStack() as stack:
        backends = {
            way: await stack.enter_async_context(
                OnnxBackend(model=model, precision=precision, threads=way[0], workers=way[1])
            )
            for way in WAYS
        }
        for backend in backends.values():
            await backend.recognize(ordered[:8])
        for _ in range(rounds):
            for name, batches in shapes.items():
                for way, backend in backends.items():
                    times.setdefault((name, *way), []).append(await seconds(backend, batches))
    print("| load | threads | workers | ms a clip | times one core |\n|---|---:|---:|---:|---:|")
    for (name, threads, workers), found in times.items():
        clip_ms = statistics.median(found) * 1000 / len(requests)
        gain = statistics.median(one / other for one, other in zip(times[name, 1, 1], found, strict=True))
        print(f"| {name} | {threads} | {workers} | {clip_ms:.1f} | {gain:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="bundled")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--corpus", type=Path, help="EmoDB's folder; the bundled clips when it is not given")
    parser.add_argument("--clips", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    settings = {"name": "demo", "card": "demo"}
    if options.corpus is not None:
        settings = {"name": "emodb", "card": "emodb", "root": str(options.corpus)}
    corpus = read_corpus(dataset_config_from({**settings, "limit": options.clips}))
    requests = [Request(clip_id=clip.id, waveform=corpus.source.load(clip)) for clip in corpus.clips]
    asyncio.run(measure(options.model, options.precision, requests, options.rounds))


if __name__ == "__main__":
    main()
