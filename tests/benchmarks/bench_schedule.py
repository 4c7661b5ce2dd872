"""Does the generator keep its plan? Lateness of sending at growing rates, against a server that answers at once.

python tests/benchmarks/bench_schedule.py [--seconds 5] [--file-bytes 45000]

Goals: p99 at most 1 ms at 500 requests a second, and 3,000 a second before it falls behind.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from sv_eval.backends.remote.backend import RemoteBackend  # noqa: E402
from sv_eval.backends.remote.dialects.service import JsonDialect  # noqa: E402
from sv_eval.record_file.journal import Journal  # noqa: E402
from sv_eval.record_file.run_records import RunRecords  # noqa: E402
from sv_eval.records import Clip  # noqa: E402
from sv_eval.report.latency import Load  # noqa: E402
from sv_eval.run.load import load_config_from, plan_load  # noqa: E402
from sv_eval.run.loop import RunLoop  # noqa: E402
from sv_eval.scoring.config import ScoringConfig  # noqa: E402
from sv_eval.scoring.load import load_of  # noqa: E402
from sv_eval.scoring.scope import scope_of  # noqa: E402


def _beside(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bench_remote = _beside("bench_remote")


async def lateness(url: str, rate: float, seconds: float) -> Load:
    """What is said of the load of a Poisson run at this rate, records written to disk."""
    settings = {"preflight": False, "attempts": 1}
    backend = RemoteBackend(url=url, dialect=JsonDialect(), concurrency=2000, adaptive=False, connection=settings)
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder)) as journal:
        async with backend:
            loop = RunLoop(
                backend=backend,
                source=bench_remote.OneSource(),
                plan=plan_load(load_config_from({"schedule": "poisson", "rate": rate}), backend.capabilities),
                on_record=journal.append,
            )
            clips = [Clip(id=f"c{index:06d}") for index in range(int(rate * seconds))]
            await loop.warm_up(clips)
            await loop.run(clips)
        # Read back as a run does: what it wrote is not in memory while it runs.
        records = RunRecords.read(Path(folder))
    assert len(records.answers) == len(clips)
    assert not records.answers.failures
    return load_of(scope_of(records, ScoringConfig()), max_late_ms=5.0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument(
        "--file-bytes", type=int, default=bench_remote.FILE_BYTES, help="of a clip; base64 adds a third"
    )
    options = parser.parse_args()
    encoded = np.random.default_rng(0).integers(0, 256, options.file_bytes, dtype=np.uint8).tobytes()
    bench_remote.WAVEFORM = replace(bench_remote.WAVEFORM, encoded=encoded)
    print("planned/s   sent/s   late p50    p99       max       fell behind")
    with bench_remote.instant() as port:
        for rate in (100, 500, 1000, 2000, 3000, 4000):
            found = asyncio.run(lateness(f"http://127.0.0.1:{port}", rate, options.seconds))
            late = found.late_ms
            assert late is not None
            print(
                f"{rate:9d}  {found.sent_per_s:7.0f}  {late.p50:6.3f} ms  {late.p99:6.3f} ms  "
                f"{late.max:6.3f} ms  {'yes' if found.fell_behind else 'no'}"
            )


if __name__ == "__main__":
    main()
