"""How long the gate takes over two runs of 100,000 clips: run this file as a script.

Two run directories are made without any recogniser: records as `records.jsonl` has them, and the files that
scoring writes. Timed is the whole command, `python -m sv_eval.gate baseline=A candidate=B`, once on two run
directories and once against a baseline file; the peer is a process that parses the lines of both with `json.loads`.
Seconds are of the clock and, in brackets, of the processor; on a busy machine only the latter say something.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from sv_eval.backend import Capabilities
from sv_eval.emotions import EMOTIONS
from sv_eval.finished.rescore import rescore
from sv_eval.record_file.as_json import record_to_json
from sv_eval.records import Clip, Prediction, Record
from sv_eval.report.run_directory import write_json

REPOSITORY = Path(__file__).resolve().parents[2]
GOAL_S = 10.0
_BOTH, _PEER_NAME = "gate, two run directories", "json.loads of both records.jsonl"
SPEAKERS = 400


def write_run(directory: Path, *, clips: int, seed: int) -> None:
    """A finished run: 80 % right, 400 speakers, log-normal latencies; scored."""
    rng = np.random.default_rng(seed)
    directory.mkdir(parents=True)
    right, wrong = rng.random(clips) < 0.8, rng.integers(1, len(EMOTIONS), clips)
    latency = rng.lognormal(4, 0.3, clips)
    with (directory / "records.jsonl").open("w", encoding="utf-8") as file:
        for number in range(clips):
            label = EMOTIONS[(number + (0 if right[number] else int(wrong[number]))) % len(EMOTIONS)]
            record = _record(number, label, float(latency[number]))
            file.write(json.dumps(record_to_json(record), separators=(",", ":")) + "\n")
    write_json(directory / "environment.json", _environment(clips))
    rescore(directory, {"scoring": {"resamples": 100}})


def _record(number: int, label: str, latency_ms: float) -> Record:
    clip = Clip(
        id=f"clip_{number:06d}",
        path=f"clips/clip_{number:06d}.wav",
        reference=EMOTIONS[number % len(EMOTIONS)],
        raw_label=EMOTIONS[number % len(EMOTIONS)],
        speaker=f"s{number % SPEAKERS:03d}",
        sex="female",
        language="en",
        transcript="the boat is in the old harbour",
        size_bytes=60_000,
    )
    rest = 0.2 / (len(EMOTIONS) - 1)
    scores = {name: 0.8 if name == label else rest for name in EMOTIONS}
    prediction = Prediction(
        label=label, forced=label, scores=scores, confidence=0.8, text="the boat is in the harbour", language="en",
        stages_ms={"features": 1.2, "inference": 40.0, "postprocess": 0.3},
    )  # fmt: skip
    return Record(
        clip=clip, outcome=prediction.outcome, prediction=prediction, latency_ms=latency_ms, audio_s=2.0,
        decode_ms=0.4, call=number, sent_s=number * 0.06,
    )  # fmt: skip


def _environment(clips: int) -> dict[str, Any]:
    here = {
        "machine": {"cpu": "a processor", "cores": 2, "memory_gib": 8.0, "system": "Linux", "python": "3.11"},
        "packages": {"sv-eval": "0"},
        "git": {"sv_eval": None, "working_directory": None},
    }
    load = {"schedule": "single_stream", "warmup_clips": 8, "rounds": 1}
    return {
        "schema_version": 1,
        "started_at": "2026-01-01T00:00:00+00:00",
        "config_hash": "bench",
        "settings": {},
        "config": {"load": load},
        "overrides": [],
        "sessions": [{"session": 0, "started_at": "2026-01-01T00:00:00+00:00", "wall_s": 1.0, **here}],
        "dataset": {
            "name": "bench", "card": "bench", "title": "bench", "hash": "bench", "split": "all", "n_clips": clips,
            "language": "en", "licence": "CC0-1.0", "citation": None, "label_order": list(EMOTIONS), "notes": [],
            "label_map": {
                "name": "bench", "version": 1, "hash": "bench", "entries": {name: name for name in EMOTIONS},
                "meanings": {}, "case_sensitive": False,
            },
        },
        "backend": {
            "name": "bench", "model": "bench", "model_hash": None, "precision": None, "device": "cpu",
            "in_process": True, "details": {}, "card": {},
            "capabilities": asdict(Capabilities(labels=EMOTIONS)),
        },
        **here,
    }  # fmt: skip


PEER = """
import json, sys
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        for line in file:
            json.loads(line)
"""


def timed(*words: object) -> tuple[float, float]:
    """Wall and processor seconds of a Python process; a gate may end with any verdict."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *map(str, words)], env=environment, capture_output=True, text=True, check=False
    )
    wall_s, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 3, 4):
        raise SystemExit(done.stderr)
    return wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print seconds and ratio."""
    parser = argparse.ArgumentParser(description="Times the gate.")
    parser.add_argument("--clips", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        one, other, file = Path(folder) / "a", Path(folder) / "b", Path(folder) / "baseline.json"
        write_run(one, clips=asked.clips, seed=1)
        write_run(other, clips=asked.clips, seed=2)
        timed("-m", "sv_eval.baseline", "save", one, file)
        works = {
            _BOTH: ("-m", "sv_eval.gate", f"baseline={one}", f"candidate={other}"),
            "gate, against a baseline file": ("-m", "sv_eval.gate", f"baseline={file}", f"candidate={other}"),
            _PEER_NAME: ("-c", PEER, one / "records.jsonl", other / "records.jsonl"),
        }
        spent: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
        for _ in range(asked.rounds):
            for name, words in works.items():
                spent[name].append(timed(*words))
        size_kb = file.stat().st_size / 1000
    wall = {name: statistics.median(wall for wall, _ in times) for name, times in spent.items()}
    processor = {name: statistics.median(cpu for _, cpu in times) for name, times in spent.items()}
    for name in works:
        ratio = processor[name] / processor[_PEER_NAME]
        print(f"{name}: {wall[name]:.2f} s ({processor[name]:.2f} s of the processor), {ratio:.1f} x")
    print(f"baseline file: {size_kb:.0f} kB, {1000 * size_kb / asked.clips:.1f} kB for 1,000 clips")
    met = "met" if wall[_BOTH] < GOAL_S else "missed"
    print(f"goal, two runs of {asked.clips} clips in under {GOAL_S:g} s: {met}")


if __name__ == "__main__":
    main()
