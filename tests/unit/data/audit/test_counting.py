"""Counting entries as they come: right, and in the same memory for ten times the lines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sv_eval.data.corpus.config import dataset_config_from
from sv_eval.data.corpus.counting import count_entries
from sv_eval.data.corpus.reading import open_corpus
from sv_eval.errors import CorpusError

LINES = 20_000
GROWTH_MIB = 4
"""Less than a twentieth of what the clips themselves would take."""
COUNT = """\
import resource, sys
from sv_eval.data.corpus.config import dataset_config_from
from sv_eval.data.corpus.counting import count_entries
from sv_eval.data.corpus.reading import open_corpus
config = dataset_config_from({"name": "m", "kind": "manifest", "manifest": {"file": sys.argv[1]}})
counts = count_entries(*open_corpus(config))
print(counts.total, counts.labels["sad"], len(counts.speakers), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def write(file: Path, lines: int) -> Path:
    with file.open("w", encoding="utf-8") as stream:
        stream.write("path,emotion,speaker,transcript\n")
        for n in range(lines):
            stream.write(f"wav/{n:07d}.wav,{('sad', 'happy')[n % 2]},s{n % 50},words number {n}\n")
    return file


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in other units elsewhere")
def test_a_long_manifest_takes_no_more_memory(tmp_path: Path, environment: dict[str, str]) -> None:
    peaks_mib = []
    for lines in (LINES, 10 * LINES):
        file = write(tmp_path / f"{lines}.csv", lines)
        done = subprocess.run(
            [sys.executable, "-c", COUNT, str(file)], env=environment, capture_output=True, text=True, check=True
        )
        total, sad, speakers, peak_kib = map(int, done.stdout.split())
        assert (total, sad, speakers) == (lines, lines // 2, 50)
        peaks_mib.append(peak_kib / 1024)

    assert peaks_mib[1] - peaks_mib[0] < GROWTH_MIB


def test_counts_by_label_speaker_and_split(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(
        "path,emotion,speaker,split\na.wav,sad,x,train\nb.wav,,x,test\nc.wav, grumpy ,,\n", encoding="utf-8"
    )
    config = dataset_config_from({"name": "m", "kind": "manifest", "manifest": {"file": str(tmp_path / "m.csv")}})

    counts = count_entries(*open_corpus(config))

    assert counts.total == 3
    assert counts.labels == {"sad": 1, None: 1, "grumpy": 1}
    assert counts.speakers == {"x": 2, None: 1}
    assert counts.splits == {"train": 1, "test": 1}


def test_a_broken_line_is_told_with_its_number(tmp_path: Path) -> None:
    file = write(tmp_path / "m.csv", 100)
    with file.open("a") as stream:
        stream.write("too,few\n")
    config = dataset_config_from({"name": "m", "kind": "manifest", "manifest": {"file": str(file)}})

    with pytest.raises(CorpusError, match=r"m\.csv:102 has 2 columns"):
        count_entries(*open_corpus(config))
