"""What the harness itself costs: 100,000 clips through a backend that answers at once.

    python tests/benchmarks/bench_harness.py [CLIPS]

Prints milliseconds a clip for the whole evaluation (reading, running, writing records, scoring, report), the
same for the run loop alone, the ratio to a bare loop over the same backend, and the growth of memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from sv_eval.backend import Request
from sv_eval.backends.fake import FakeBackend
from sv_eval.records import Waveform
from sv_eval.run.evaluate import evaluate


def configuration(clips: int) -> dict[str, Any]:
    return {
        "backend": {"_target_": "sv_eval.backends.fake.FakeBackend"},
        "dataset": {
            "name": "simulated",
            "kind": "simulated",
            "simulated": {"n_clips": clips, "n_speakers": 400},
        },
        "load": {"schedule": "single_stream", "warmup_clips": 8, "window_batches": 8},
        "scoring": {},
        "report": {"language": "en"},
        "run": {"max_failures": 0.2},
    }


def evaluation_s(clips: int) -> tuple[float, float]:
    """Seconds for a whole evaluation, and for the run within it."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        begin = time.perf_counter()
        summary = evaluate(configuration(clips), FakeBackend(), Path(folder))
        return time.perf_counter() - begin, summary.report.run.wall_s


def bare_s(clips: int) -> float:
    """Seconds for the backend alone, called in a loop."""
    waveform = Waveform(samples=np.zeros(16, dtype=np.float32))

    async def drive() -> None:
        backend = FakeBackend()
        for i in range(clips):
            await backend.recognize([Request(clip_id=f"{i:06d}", waveform=waveform, reference="happy")])

    begin = time.perf_counter()
    asyncio.run(drive())
    return time.perf_counter() - begin


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    clips = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    evaluation_s(1000)
    before = peak_mib()
    whole, run = evaluation_s(clips)
    after = peak_mib()
    bare = bare_s(clips)
    print(f"{clips} clips: whole evaluation {1000 * whole / clips:.4f} ms a clip, run {1000 * run / clips:.4f}")
    print(f"bare backend loop {1000 * bare / clips:.4f} ms a clip; the run is {run / bare:.1f} times that")
    print(f"peak memory {before:.0f} -> {after:.0f} MiB, {(after - before) * 2**20 / clips:.0f} bytes a clip")


if __name__ == "__main__":
    main()
