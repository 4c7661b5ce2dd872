"""What scoring a very large run costs: `sv-eval score` on simulated records, in a process of its own.

    python tests/benchmarks/bench_scale.py [--page] [--shuffled] [--peers] [CLIPS ...]

For each number of clips (100,000 unless given) a run directory is written, with the records that a run of the
simulated recogniser leaves (about 680 bytes each), and scored, without a page unless one is asked for. Prints
seconds, those of the processor and peak memory of the process. --shuffled: records in any order, as several workers
give them. --peers: before that, what DuckDB, Polars, Arrow and we need to read the records alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import orjson

from sv_eval.record_file.seal import Seal
from sv_eval.report.run_directory import read_environment

_PATTERN = 2000
_ENGINES = ("sv_eval", "duckdb", "duckdb-disk", "polars", "pyarrow")
_PEER = str(Path(__file__).with_name("peer_columns.py"))
_CONFIG = (
    "backend=fake", "dataset=simulated", f"dataset.simulated.n_clips={_PATTERN}",
    "dataset.simulated.n_speakers=200", "scoring.resamples=100",
)  # fmt: skip


def write_run(folder: Path, clips: int, *, shuffled: bool = False) -> None:
    """A run directory of so many clips: those of a small run again and again, each under an id of its own."""
    words = [sys.executable, "-P", "-m", "sv_eval", *_CONFIG, f"hydra.run.dir={folder}"]
    subprocess.run(words, check=True, capture_output=True)
    records = folder / "records.jsonl"
    lines = [orjson.loads(line) for line in records.read_bytes().splitlines()]
    run_id = read_environment(folder).run_id
    assert isinstance(run_id, str)
    seal = Seal(run_id)
    with records.open("wb", buffering=1 << 20) as file:
        order: Iterable[int] = range(clips)
        if shuffled:
            order = np.random.default_rng(0).permutation(clips).tolist()
        for number in order:
            line = lines[number % _PATTERN]
            line.pop("seal", None)
            line["clip"]["id"] = f"sim_{number:09d}"
            line["clip"]["path"] = f"wav/sim_{number:09d}.wav"
            line["call"], line["sent_s"] = number, round(number * 0.0003, 6)
            file.write(seal.sealed(orjson.dumps(line)) + b"\n")


def peak_of(words: list[str]) -> tuple[float, float, float]:
    """Seconds of a command, seconds of processor, and the most memory that it took, GiB."""
    begin = time.perf_counter()
    child = os.posix_spawn(
        words[0], words, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    )
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"{' '.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20


def told(what: str, clips: int, cost: tuple[float, float, float]) -> None:
    """Print a line of what something cost."""
    seconds, processor_s, peak_gib = cost
    sys.stdout.write(
        f"{what}, {clips} clips: {seconds:.1f} s, {processor_s:.1f} s of processor "
        f"({processor_s / clips * 1e6:.0f} us a clip), peak {peak_gib:.2f} GiB "
        f"({peak_gib * 2**30 / clips:.0f} bytes a clip)\n"
    )
    sys.stdout.flush()


def main() -> None:
    """Print the figures."""
    arguments = sys.argv[1:]
    with_page, shuffled = "--page" in arguments, "--shuffled" in arguments
    for clips in map(int, [word for word in arguments if word.isdigit()] or ["100000"]):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "run"
            write_run(folder, clips, shuffled=shuffled)
            size = (folder / "records.jsonl").stat().st_size
            for engine in _ENGINES if "--peers" in arguments else ():
                told(engine, clips, peak_of([sys.executable, "-P", _PEER, engine, str(folder)]))
            score = [
                sys.executable,
                "-P",
                "-m",
                "sv_eval.score",
                str(folder),
                f"report.page={str(with_page).lower()}",
            ]
            told(f"sv-eval score, {size / 2**30:.2f} GiB", clips, peak_of(score))


if __name__ == "__main__":
    main()
