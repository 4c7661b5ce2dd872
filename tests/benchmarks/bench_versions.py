"""What the harness costs a clip, in this checkout and in another one, in turns.

    git worktree add /tmp/before SOME_COMMIT
    python tests/benchmarks/bench_versions.py /tmp/before [ROUNDS] [CLIPS]

Each turn is a process of its own: so many simulated clips through a backend that answers at once, one by one and
then in batches of eight. Who begins changes from round to round. Prints the median microseconds a clip of the run
loop and of the whole evaluation (reading, running, writing, scoring, report), and the median of the rounds' ratios.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
LOADS = {"one by one": "single_stream", "in batches": "offline"}
TURN = """
import json, sys, tempfile, time
from pathlib import Path
from sv_eval.backends.fake import FakeBackend
from sv_eval.run.evaluate import evaluate
clips, schedule = int(sys.argv[1]), sys.argv[2]
config = {
    "backend": {"_target_": "sv_eval.backends.fake.FakeBackend"},
    "dataset": {"name": "simulated", "kind": "simulated", "simulated": {"n_clips": clips, "n_speakers": 400}},
    "load": {"schedule": schedule, "warmup_clips": 8, "window_batches": 8},
    "scoring": {"resamples": 1000}, "report": {"language": "en"}, "run": {"max_failures": 0.2, "telemetry_s": None},
}
with tempfile.TemporaryDirectory() as folder:
    begin = time.perf_counter()
    evaluate(config, FakeBackend(batch_size=8 if schedule == "offline" else 1), Path(folder))
    whole_s = time.perf_counter() - begin
    wall_s = json.loads((Path(folder) / "environment.json").read_text())["sessions"][0]["wall_s"]
print(json.dumps([1e6 * wall_s / clips, 1e6 * whole_s / clips]))
"""


def turn(checkout: Path, clips: int, schedule: str) -> list[float]:
    """Microseconds a clip of the run loop and of the whole evaluation."""
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    command = [sys.executable, "-c", TURN, str(clips), schedule]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure and print."""
    other = Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    clips = int(sys.argv[3]) if len(sys.argv) > 3 else 20_000
    for name, schedule in LOADS.items():
        found: dict[Path, list[list[float]]] = {HERE: [], other: []}
        for number in range(rounds):
            order = (HERE, other) if number % 2 else (other, HERE)
            for checkout in order:
                found[checkout].append(turn(checkout, clips, schedule))
        for place, what in enumerate(("run loop", "whole evaluation")):
            here, there = ([one[place] for one in found[checkout]] for checkout in (HERE, other))
            ratio = statistics.median(a / b for a, b in zip(here, there, strict=True))
            ours, theirs = statistics.median(here), statistics.median(there)
            print(f"{name}, {what}: {ours:.1f} us a clip here, {theirs:.1f} there, ratio {ratio:.3f}", flush=True)


if __name__ == "__main__":
    main()
