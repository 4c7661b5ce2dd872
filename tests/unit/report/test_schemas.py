"""The JSON Schemas of a run's files: they are those of the types, hold for real runs, and refuse what is wrong."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from sv_eval.cli.main import command
from sv_eval.report.schemas import FILES, schema_path, schema_text

main = command("schema")

GOLDEN = Path(__file__).resolve().parents[2] / "golden"


def document(name: str) -> Any:
    """A file of a golden run, parsed; of records.jsonl the first line."""
    folder = GOLDEN / ("across/gate" if name == "gate.json" else "plain")
    text = (folder / name).read_text(encoding="utf-8")
    return json.loads(text.splitlines()[0] if name.endswith("l") else text)


def errors(name: str, instance: Any) -> list[str]:
    validator = jsonschema_rs.validator_for(json.loads(schema_path(name).read_text(encoding="utf-8")))
    return [error.message for error in validator.iter_errors(instance)]


@pytest.mark.parametrize("name", FILES)
def test_what_ships_is_what_the_types_say(name: str) -> None:
    assert schema_path(name).read_text(encoding="utf-8") == schema_text(name), "make schemas writes it anew"


@pytest.mark.parametrize("name", FILES)
def test_every_field_says_what_it_is(name: str) -> None:
    schema = json.loads(schema_path(name).read_text(encoding="utf-8"))

    for title, definition in schema["$defs"].items():
        # Typed dictionaries have no place for docstrings, and an enumeration tells its values.
        if title not in ("Gpu", "DeviceClass", "GateRule", "Outcome", "Standing", "CertificateVerdict"):
            assert definition["description"], title
            assert all("description" in one for one in definition["properties"].values()), title


def test_golden_runs_are_valid(schemas: Any) -> None:
    assert schemas.faults(GOLDEN) == []


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("metrics.json", ["run", "n_clips"], "210"),
        ("metrics.json", ["accuracy", "uar", "value"], "0.8"),
        ("metrics.json", ["latency_ms", "over_time", 0, "p50"], [1]),
        ("metrics.json", ["caveats", 0, "code"], None),
        ("metrics.json", ["per_emotion", "sad", "recall"], None),
        ("records.jsonl", ["clip", "id"], 5),
        ("records.jsonl", ["outcome"], "LABLE"),
        ("records.jsonl", ["prediction"], "happy"),
        ("environment.json", ["sessions", 0, "machine", "cores"], 2.5),
        ("environment.json", ["backend", "capabilities", "max_batch"], None),
        ("gate.json", ["verdict"], "passed"),
        ("gate.json", ["rules", 0, "reason"], None),
    ],
)
def test_another_type_is_refused(name: str, path: list[Any], value: Any) -> None:
    changed = copy.deepcopy(document(name))
    node = changed
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value

    assert not errors(name, document(name))
    assert errors(name, changed)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("metrics.json", "latency_ms"),
        ("records.jsonl", "outcome"),
        ("environment.json", "dataset"),
        ("gate.json", "rules"),
    ],
)
def test_a_missing_key_is_refused(name: str, key: str) -> None:
    without = {one: value for one, value in document(name).items() if one != key}

    assert errors(name, without)


def test_a_record_has_an_answer_or_a_failure() -> None:
    record = document("records.jsonl")

    assert errors("records.jsonl", {key: value for key, value in record.items() if key != "prediction"})
    assert errors("records.jsonl", record | {"failure": {"kind": "timeout", "message": "none", "attempts": 1}})


def test_keys_of_later_versions_are_let_through() -> None:
    assert not errors("metrics.json", document("metrics.json") | {"heard": {"of": 1}})


def test_the_command_prints_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert capsys.readouterr().out.split() == list(FILES)
    assert main(["gate.json"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "gate.json of sv_eval"
    assert main(["metric.json"]) == 2
    assert "did you mean metrics.json" in capsys.readouterr().err
