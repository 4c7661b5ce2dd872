"""Cards and tables that a commit touches: what is sound is told in a line, what is not names its place."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml

from sv_eval.cli.main import command
from sv_eval.config.places import cards_dir
from sv_eval.data.corpus.validating import validate
from sv_eval.errors import CorpusError

HOOK = yaml.safe_load((Path(__file__).resolve().parents[4] / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))[
    0
]
CARD = """\
schema_version: 1
name: mine
title: Mine
licence: {id: CC0-1.0}
source: {how: ask me}
layout: {kind: manifest, file: manifest.csv}
labels: {map: {glad: happy, low: sad}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A card with the table that it lists its clips in, and no audio."""
    (tmp_path / "dataset.yaml").write_text(CARD, encoding="utf-8")
    (tmp_path / "manifest.csv").write_text("id,path,emotion\n1,a.wav,glad\n2,b.wav,low\n", encoding="utf-8")
    return tmp_path


def test_a_card_is_read_with_its_table_and_the_table_with_its_card(folder: Path) -> None:
    assert validate(folder / "dataset.yaml") == "2 labels, 0 speakers, 0 splits; manifest.csv: 2 clips, 2 labels"
    assert validate(folder) == validate(folder / "dataset.yaml")
    assert validate(folder / "manifest.csv") == "2 clips, 2 labels"


def test_a_table_without_a_card_has_the_common_words(tmp_path: Path) -> None:
    rows = [{"path": "a.wav", "emotion": "joy"}, {"path": "b.wav", "emotion": "anger"}]
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    assert validate(tmp_path / "manifest.jsonl") == "2 clips, 2 labels"


@pytest.mark.parametrize(
    ("file", "was", "now", "said"),
    [
        ("dataset.yaml", "title:", "titel:", "titel"),
        ("dataset.yaml", "low: sad", "low: sadd", "sadd"),
        ("dataset.yaml", "name: mine", "name: mine\nname: mine", "stands in line 2 already"),
        ("dataset.yaml", "low: sad", "high: sad", "manifest.csv:3 has the label 'low'"),
        ("manifest.csv", "b.wav,low", "b.wav,lwo", "manifest.csv:3 has the label 'lwo'"),
        ("manifest.csv", "emotion", "feeling", "there is no column 'emotion'"),
        ("manifest.csv", "2,b.wav", "1,b.wav", "manifest.csv:3: the id '1' is that of"),
        ("manifest.csv", "2,b.wav", "2,", "the column 'path' is empty"),
        ("manifest.csv", "2,b.wav,", "2,b.wav,,", "has 4 columns, but the header has 3"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(folder: Path, file: str, was: str, now: str, said: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert was in text
    (folder / file).write_text(text.replace(was, now), encoding="utf-8")

    with pytest.raises(CorpusError, match=re.escape(said)):
        validate(folder / "dataset.yaml")


@pytest.mark.parametrize("name", ["nowhere.csv", "notes.md"])
def test_what_is_no_card_and_no_table_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.md").write_text("# Notes\n", encoding="utf-8")

    with pytest.raises(CorpusError, match=re.escape(name)):
        validate(tmp_path / name)


def test_the_hooks_command_takes_every_bundled_card(capsys: pytest.CaptureFixture[str]) -> None:
    cards = sorted(map(str, cards_dir().rglob("*")))
    touched = [path for path in cards if re.search(HOOK["files"], path)]
    program, group, *words = shlex.split(HOOK["entry"])

    code = command(group)([*words, *touched])

    assert (program, code) == ("sv-eval", 0)
    assert len(capsys.readouterr().out.splitlines()) == len(touched) > 30


def test_one_mistake_hides_no_other(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    second = folder / "second"
    second.mkdir()
    shutil.copy(folder / "dataset.yaml", second)
    (second / "manifest.csv").write_text("path\n", encoding="utf-8")

    code = command("corpus")(["validate", str(folder / "no.csv"), str(second), str(folder)])

    said = capsys.readouterr()
    assert code == 3
    assert "no.csv: there is no such file" in said.err
    assert str(second / "manifest.csv") in said.err
    assert said.out.startswith(f"{folder}: 2 labels")
