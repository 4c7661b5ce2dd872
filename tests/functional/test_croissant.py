"""`sv-eval corpus manifest NAME croissant=true`: other tools load a corpus by what is written beside its table."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import mlcroissant
import pytest

from sv_eval.cli.main import command

corpus = command("corpus")

# Of what the reader itself stands on.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_a_described_manifest_is_read_by_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert corpus(["manifest", "demo", f"file={tmp_path / 'demo.csv'}", "croissant=true"]) == 0

    assert "described: " in capsys.readouterr().out
    dataset = mlcroissant.Dataset(jsonld=tmp_path / "demo.croissant.json")
    assert not dataset.metadata.issues.errors
    records = list(dataset.records("clips"))
    with (tmp_path / "demo.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    found = [{name.partition("/")[2]: value.decode() for name, value in one.items()} for one in records]
    assert found == [{name: value for name, value in row.items() if value} for row in rows]
    described = dataset.metadata
    assert described.name == "demo"
    assert described.license == ["https://www.apache.org/licenses/LICENSE-2.0"]
    assert "surprised" in described.keywords


def test_times_are_numbers_and_what_no_clip_has_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    table = "id,path,emotion,speaker,start,end\na,one.wav,happy,x,0.5,1.25\nb,one.wav,sad,y,2,3.5\n"
    (tmp_path / "mine.csv").write_text(table, encoding="utf-8")
    words = [f"manifest.file={tmp_path / 'mine.csv'}", f"root={tmp_path}", f"file={tmp_path / 'out.csv'}"]

    assert corpus(["manifest", "manifest", *words, "croissant=true"]) == 0

    dataset = mlcroissant.Dataset(jsonld=tmp_path / "out.croissant.json")
    records = {one["clips/id"].decode(): one for one in dataset.records("clips")}
    assert (records["a"]["clips/start"], records["b"]["clips/end"]) == (0.5, 3.5)
    assert "clips/transcript" not in records["a"]


def test_a_description_that_is_there_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "demo.croissant.json").write_text("{}", encoding="utf-8")

    assert corpus(["manifest", "demo", f"file={tmp_path / 'demo.csv'}", "croissant=true"]) == 2

    assert "demo.croissant.json: is there already" in capsys.readouterr().err
    assert not (tmp_path / "demo.csv").exists()


def test_without_its_package_nothing_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "mlcroissant", None)

    assert corpus(["manifest", "demo", f"file={tmp_path / 'demo.csv'}", "croissant=true"]) == 2

    assert "sv-eval[croissant]" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_plain_json_with_a_digest_of_its_table(tmp_path: Path) -> None:
    import hashlib

    assert corpus(["manifest", "demo", f"file={tmp_path / 'demo.csv'}", "croissant=true"]) == 0

    data = json.loads((tmp_path / "demo.croissant.json").read_text(encoding="utf-8"))
    [table] = data["distribution"]
    assert table["contentUrl"] == "demo.csv"
    assert table["sha256"] == hashlib.sha256((tmp_path / "demo.csv").read_bytes()).hexdigest()
    assert data["conformsTo"].startswith("http://mlcommons.org/croissant/")
