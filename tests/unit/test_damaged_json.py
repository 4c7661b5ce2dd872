"""A file of ours that is no JSON, or none that can be followed, is an error that names it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sv_eval.cli.main import main
from sv_eval.data.corpus.card import find_card
from sv_eval.errors import UsageError
from sv_eval.frame import read_frame
from sv_eval.record_file.run_records import RunRecords
from sv_eval.report.codec import as_json
from sv_eval.report.environment import Environment
from sv_eval.report.identity import refuse_other_run
from sv_eval.report.run_directory import ENVIRONMENT, read_environment, read_report
from sv_eval.scoring.labels.config import labels_config_from
from sv_eval.studies.gate.baseline_file import read_baseline

pytestmark = pytest.mark.damages_files

DAMAGES = ["", "{", "[1]", "null", "[" * 200_000 + "]" * 200_000, '{"a": ' * 100_000 + "1" + "}" * 100_000]


@pytest.mark.parametrize("damage", DAMAGES, ids=["empty", "torn", "list", "null", "deep list", "deep object"])
def test_a_damaged_file_is_named(damage: str, tmp_path: Path) -> None:
    for name in ("metrics.json", "environment.json", "baseline.json", "records.jsonl"):
        (tmp_path / name).write_text(damage, encoding="utf-8")

    with pytest.raises(UsageError, match=r"metrics\.json"):
        read_report(tmp_path)
    with pytest.raises(UsageError, match=r"environment\.json"):
        read_environment(tmp_path)
    with pytest.raises(UsageError, match=r"baseline\.json"):
        read_baseline(tmp_path / "baseline.json")
    with pytest.raises(UsageError, match=ENVIRONMENT):
        refuse_other_run(tmp_path, settings={}, dataset_hash="0", begun=True)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("dataset.label_order", ["happy", "hapy"], "label_order has 'hapy'"),
        ("dataset.label_map.entries", {"x": "hapy"}, "entries has 'hapy'"),
        ("config.load", [1], "config.load is no object"),
        ("config.load.schedule", None, "config.load"),
        ("config.load.max_late_ms", "soon", "config.load"),
        ("settings.backend", "onnx", "settings.backend is no object"),
        ("sessions", {"a": 1}, "sessions"),
        ("backend.\ud800", 1, "surrogates not allowed"),
    ],
)
def test_an_environment_of_other_types_is_named(
    key: str, value: object, words: str, tmp_path: Path, environment_of: Callable[..., Environment]
) -> None:
    data = as_json(environment_of())
    *way, last = key.split(".")
    holder = data
    for name in way:
        holder = holder.setdefault(name, {})
    holder[last] = value
    (tmp_path / ENVIRONMENT).write_text(json.dumps(data), encoding="utf-8")

    with pytest.raises(UsageError) as caught:
        read_environment(tmp_path)

    assert ENVIRONMENT in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [{"emitted_s": [1]}, {"end_s": {"a": 1}}, {"scores": {"sad": "0.5"}}, {"scores": [0.5]}, {"label": ["sad"]}],
)
def test_a_step_of_a_stream_that_is_of_other_types_is_named(change: dict[str, object], tmp_path: Path) -> None:
    step = {"start_s": 0.0, "end_s": 1.0, "compute_ms": 1.0, "emitted_s": 1.0, "scores": {"sad": 0.5}} | change
    line = {"clip": {"id": "a"}, "outcome": "LABEL", "prediction": {"label": "sad"}, "streamed": {"steps": [step]}}
    (tmp_path / "records.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")

    with pytest.raises(UsageError, match="line 1: not a record"):
        RunRecords.read(tmp_path)


def test_a_map_with_half_a_surrogate_pair_is_refused_or_has_a_hash() -> None:
    with pytest.raises(UsageError, match="can't be printed"):
        labels_config_from({"name": "odd", "classes": {"\ud800": ["happy"], "rest": ["sad"]}})

    assert len(labels_config_from({"merges": {"\udce9": "other"}}).hash) == 12


def test_nan_is_no_number_of_ours(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text('{"a": NaN}', encoding="utf-8")

    with pytest.raises(UsageError, match=r"metrics\.json.*NaN is no JSON"):
        read_report(tmp_path)


def test_a_frame_holds_the_name_of_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    clip = '{"id": "caf\\udce9", "path": "caf\\udce9.wav"}'
    line = f'{{"clip": {clip}, "outcome": "LABEL", "prediction": {{"label": "sad"}}}}'
    (tmp_path / "records.jsonl").write_text(line + "\n", encoding="utf-8")

    frame = read_frame(tmp_path)

    assert frame["clip.path"].tolist() == ["caf\\udce9.wav"]


def test_a_card_may_be_called_by_a_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo = find_card("demo").folder
    card = (demo / "dataset.yaml").read_text(encoding="utf-8")
    shutil.copy(demo / "manifest.csv", tmp_path)
    (tmp_path / "dataset.yaml").write_text(card.replace("name: demo\n", 'name: "0.5"\n', 1), encoding="utf-8")

    assert main(["show", str(tmp_path)], command="corpus") == 0
    assert "0.5" in capsys.readouterr().out
