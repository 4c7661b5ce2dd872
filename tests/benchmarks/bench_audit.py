"""Measuring clips for an audit: clips a second by number of processes, beside decoding them alone.

    python tests/benchmarks/bench_audit.py [CLIPS]

The clips are noises of 3 s at 16 kHz, 16-bit wav, written to a temporary folder and read from the page cache.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from sv_eval.data.audio.decoding import decode
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.audit.measure import Job, Measure
from sv_eval.data.audit.pool import measured

SECONDS, RATE_HZ = 3, 16_000


def main(clips: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = [written(Path(folder) / f"{n}.wav", n) for n in range(clips)]
        jobs = [Job(source=file, start_s=None, end_s=None) for file in files]
        measure = Measure(limits=AudioLimits(), full_scale=0.999)
        alone = rate(lambda: sum(1 for file in files if decode(file) is not None))
        print(f"decoding alone, one process: {alone:.0f} clips/s")
        for workers in (1, 2, 4, 8):
            ours = rate(lambda workers=workers: sum(1 for _ in measured(jobs, measure, workers)))
            print(f"audit, processes {workers}: {ours:.0f} clips/s, {ours / alone:.2f} of decoding alone")


def written(file: Path, seed: int) -> Path:
    samples = np.random.default_rng(seed).uniform(-0.3, 0.3, SECONDS * RATE_HZ)
    soundfile.write(file, samples, RATE_HZ)
    return file


def rate(work: Callable[[], int]) -> float:
    begin = time.perf_counter()
    return work() / (time.perf_counter() - begin)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4_000)
