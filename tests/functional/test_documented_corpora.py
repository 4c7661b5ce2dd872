"""The commands in docs/adding_a_dataset.md that need no card, run by a shell as they stand there."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs" / "adding_a_dataset.md"
SECTION = DOCS.read_text(encoding="utf-8").split("## Without a card")[1].split("\n## ")[0]
COMMANDS = re.findall(r"^python -m sv_eval .*$", SECTION, re.MULTILINE)


@pytest.fixture
def data(tmp_path: Path, write_tone: Callable[..., Path]) -> Path:
    """What the section calls /data."""
    folder = tmp_path / "data"
    for path in ("mine/happy/a", "mine/anger/b", "people/s1/happy/a", "people/s2/sad/a", "german/große Freude/a"):
        write_tone(folder / f"{path}.wav")
    write_tone(folder / "german" / "meh, whatever" / "a.wav")
    (folder / "mine.csv").write_text("wav,emo\nmine/happy/a.wav,joy\nmine/anger/b.wav,anger\n")
    rows = [{"audio": str(folder / f"mine/{name}.wav"), "label": name[:5]} for name in ("happy/a", "anger/b")]
    (folder / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for number, name in enumerate(("happy/a", "anger/b")):
        with tarfile.open(folder / f"shard-{number:03d}.tar", "w") as tar:
            tar.add(folder / f"mine/{name}.wav", f"{number}.wav")
            (folder / "of.json").write_text(json.dumps({"emotion": name[:5]}))
            tar.add(folder / "of.json", f"{number}.json")
        audio = {"bytes": (folder / f"mine/{name}.wav").read_bytes(), "path": f"{number}.wav"}
        pq.write_table(pa.table({"audio": [audio], "label": [name[:5]]}), folder / f"part-{number:03d}.parquet")
    labels = re.search(r"```yaml\n# /data/labels.yaml\n(.*?)```", SECTION, re.DOTALL)
    assert labels is not None
    (folder / "labels.yaml").write_text(labels[1], encoding="utf-8")
    return folder


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("command", COMMANDS, ids=range(len(COMMANDS)))
def test_a_documented_command_reads_the_corpus(
    command: str,
    data: Path,
    tmp_path: Path,
    environment: dict[str, str],
    records_of: Callable[[Path], list[dict[str, Any]]],
) -> None:
    if "huggingface" in command:
        pytest.importorskip("datasets")
    typed = command.replace("/data/", f"{data}/").replace("python", shlex.quote(sys.executable), 1)

    done = subprocess.run(
        ["bash", "-c", f"{typed} backend=fake hydra.run.dir=run"],
        cwd=tmp_path,
        env=environment | {"HF_HOME": str(tmp_path / "hf")},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    clips = [record["clip"] for record in records_of(tmp_path / "run")]
    assert len(clips) == 2
    assert all(clip["reference"] for clip in clips)
    assert ("pattern" in command) == all("speaker" in clip for clip in clips)


def test_the_section_shows_every_way() -> None:
    assert len(COMMANDS) == 7
    for words in (
        "dataset=folder",
        "folder.pattern",
        "dataset=manifest",
        "dataset=huggingface",
        "webdataset",
        "dataset=parquet",
        "labels_file",
    ):
        assert any(words in command for command in COMMANDS)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("dataset.limits.max_duration_s=inf", "dataset: limits: max_duration_s is inf; give a finite number"),
        ("dataset.limits.min_duration_s=nan", "min_duration_s is nan"),
        ("run.max_failures=nan", "run: max_failures is nan; give a finite number"),
        ("backend.accuracy=inf", "backend: accuracy is inf; give a finite number"),
    ],
)
def test_numbers_that_are_none_are_refused(
    override: str, words: str, data: Path, tmp_path: Path, call: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = call("backend=fake", "dataset=folder", f"dataset.root={data / 'mine'}", "hydra.run.dir=run", override)

    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_labels_are_mapped_by_the_words_that_the_errors_print(
    data: Path, call: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    arguments = ["backend=fake", "dataset=folder", f"dataset.root={data / 'german'}", "hydra.run.dir=run"]

    told: list[str] = []
    for _ in range(2):
        refused = call(*arguments, *told)
        hint = re.search(r"map it: (.*) \(an emotion", refused.stderr)
        assert hint is not None, refused.stderr
        told += shlex.split(hint[1])

    assert call(*arguments, *told).returncode == 0
