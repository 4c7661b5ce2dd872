"""Counting a manifest of a million lines: seconds and peak memory, beside reading the same table with pandas.

    python tests/benchmarks/bench_manifest.py [LINES]

Each is a process of its own; memory is the peak of the whole process, imports included.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

OURS = """
from sv_eval.data.corpus.config import dataset_config_from
from sv_eval.data.corpus.counting import count_entries
from sv_eval.data.corpus.reading import open_corpus
config = dataset_config_from({"name": "m", "kind": "manifest", "manifest": {"file": FILE}})
total = count_entries(*open_corpus(config)).total
"""
PEER = """
import pandas
table = pandas.read_csv(FILE)
total = table.groupby("emotion").size().sum()
"""
AROUND = """
import resource, sys, time
FILE, begin = sys.argv[1], time.perf_counter()
{body}
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(total, time.perf_counter() - begin, peak)
"""


def main(lines: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        small, large = (written(Path(folder) / f"{n}.csv", n) for n in (lines // 50, lines))
        for name, body in (("sv_eval", OURS), ("pandas", PEER)):
            _, _, before_mib = measured(body, small)
            total, wall_s, peak_mib = measured(body, large)
            print(
                f"{name}: {total:.0f} lines in {wall_s:.1f} s, {total / wall_s:.0f}/s; peak {peak_mib:.0f} MiB, "
                f"{peak_mib - before_mib:+.1f} MiB against {lines // 50} lines"
            )


def written(file: Path, lines: int) -> Path:
    with file.open("w", encoding="utf-8") as stream:
        stream.write("id,path,emotion,speaker,split,transcript\n")
        for n in range(lines):
            label, split = ("sad", "happy", "angry")[n % 3], ("train", "test")[n % 10 == 0]
            stream.write(
                f"clip_{n:08d},wav/{n:08d}.wav,{label},s{n % 400},{split},these are the words of clip {n}\n"
            )
    return file


def measured(body: str, file: Path) -> tuple[float, ...]:
    code = AROUND.format(body=body)
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    return tuple(map(float, done.stdout.split()))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
