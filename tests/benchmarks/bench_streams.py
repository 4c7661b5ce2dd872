"""Are many calls at once timed rightly? `python tests/benchmarks/bench_streams.py [--streams 64]`.

A streaming service with known delays in a process of its own, `peer_stream.py`; `load=stream` in real time puts so
many calls on it at once. Goals: the time from the end of the audio to the final answer within 3 % or 5 ms of what
the service itself measured, and every piece sent within `load.max_late_ms` of its moment (99th percentile).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import sv_eval

HERE = Path(__file__).resolve().parent


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--final-ms", type=float, default=300.0)
    options = parser.parse_args()
    print("calls at once | open at most | final after audio, p50 (service's own) | p95 (own) | pieces late, p99")
    for streams in options.streams:
        service = subprocess.Popen(
            [sys.executable, str(HERE / "peer_stream.py"), "--final-ms", str(options.final_ms)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert service.stdout is not None
        try:
            port = int(service.stdout.readline())
            with tempfile.TemporaryDirectory() as folder:
                run = sv_eval.evaluate(
                    backend="remote/service_websocket",
                    dataset="simulated",
                    directory=Path(folder) / "run",
                    overrides=[
                        f"backend.url=ws://127.0.0.1:{port}", f"backend.concurrency={streams}",
                        "load=stream", "load.pace=real_time", f"load.streams={streams}", "load.chunk_size=0.5",
                        "load.warmup_clips=0", f"dataset.simulated.n_clips={max(20, 4 * streams)}",
                    ],
                )  # fmt: skip
        finally:
            service.terminate()
        told = service.communicate()[0]
        own = np.array(json.loads(told))
        report = run.report
        final, load = report.streaming.final, report.load
        print(
            f"{streams} | {load.most_open} | {final.after_audio_ms.p50.value} ms ({np.quantile(own, 0.5):.1f}) | "
            f"{final.after_audio_ms.p95.value} ms ({np.quantile(own, 0.95):.1f}) | "
            f"{load.late_ms.p99:.2f} ms, fell behind: {load.fell_behind}"
        )


if __name__ == "__main__":
    main()
