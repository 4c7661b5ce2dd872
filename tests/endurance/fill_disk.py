"""Disks that fill up while a run writes: no record is lost, doubled or torn.

    unshare -rm python tests/endurance/fill_disk.py --runs 100 --seed 0

Each moment has a file system of its own, in memory and of a random size, on which a run with eight calls in flight
comes to its end too early. Then there is room again, and the same run goes on. Root needs no `unshare -rm`.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import random
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from sv_eval.backends.fake import FakeBackend
from sv_eval.config.composing import composed
from sv_eval.errors import EXIT_INCOMPLETE, SvEvalError
from sv_eval.run.evaluate import evaluate

CLIPS = 300


def configuration() -> dict[str, Any]:
    words = ["backend=fake", "dataset=simulated", f"dataset.simulated.n_clips={CLIPS}", "scoring.resamples=100"]
    load = ["load=closed", "load.concurrency=8", "load.rounds=1", "load.warmup_clips=0"]
    return composed("config", [*words, *load])


def ids_of(lines: list[bytes]) -> list[str]:
    return [json.loads(line)["clip"]["id"] for line in lines]


def moment(folder: Path, room_kib: int, config: dict[str, Any]) -> tuple[str, list[str]]:
    """How one run ended on a disk of that size, and what was wrong about it."""
    faults = []
    records, ended = folder / "run" / "records.jsonl", "no error"
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room_kib}k", "tmpfs", str(folder)], check=True)
    try:
        try:
            evaluate(config, FakeBackend(latency={"p50_ms": 0.5, "p95_ms": 1}), folder / "run")
        except SvEvalError as error:
            ended = f"{type(error).__name__} over {str(error).partition(':')[0].rpartition('/')[2]}"
            if error.exit_code != EXIT_INCOMPLETE or str(folder) not in str(error):
                faults.append(f"{room_kib} KiB: exit code {error.exit_code}: {error}")
        kept = records.read_bytes() if records.exists() else b""
        if kept and not kept.endswith(b"\n"):
            faults.append(f"{room_kib} KiB: half a record stands at the end")
        ids_of(kept.splitlines())
        subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)
        evaluate(config, FakeBackend(), folder / "run")
        now = records.read_bytes()
        if not now.startswith(kept):
            faults.append(f"{room_kib} KiB: what was kept changed")
        counted = Counter(ids_of(now.splitlines()))
        if len(counted) != CLIPS or set(counted.values()) != {1}:
            faults.append(f"{room_kib} KiB: {len(counted)} of {CLIPS} clips, {max(counted.values())} times")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        faults.append(f"{room_kib} KiB: {error!r}")
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    return ended, faults


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    drawn, config, begin = random.Random(asked.seed), configuration(), time.perf_counter()
    ends: Counter[str] = Counter()
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(asked.runs):
            with contextlib.redirect_stderr(io.StringIO()):
                ended, found = moment(Path(folder), drawn.randrange(8, 280, 4), config)
            ends[ended] += 1
            faults += found
    print(f"{asked.runs} disks filled up in {time.perf_counter() - begin:.0f} s: {len(faults)} faults")
    print("\n".join([f"  {n} {how}" for how, n in ends.most_common()] + faults))
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main()
