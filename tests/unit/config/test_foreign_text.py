"""YAML and JSON of others: small texts that stand for much, and deep ones."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import yaml

from sv_eval.config.foreign_json import MOST_VALUES, check_json, read_json
from sv_eval.config.foreign_yaml import compose_yaml, read_yaml
from sv_eval.data.corpus.card import load_card
from sv_eval.errors import ConfigError, CorpusError
from sv_eval.scoring.labels.config import read_label_map
from sv_eval.studies.gate.settings import read_gate

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)
"""430 bytes that are nine to the tenth values."""
TOO_MUCH = {
    "laughs": LAUGHS,
    "merged laughs": LAUGHS.replace("[", "[{<<: {b: ", 1).replace("]", "}}]", 1),
    "round": "a: &a [*a]",
    "round by a key": "a: &a {b: {c: *a}}",
    "deep list": "[" * 5000,
    "deep mapping": "{a: " * 5000,
    "deep block": "- " * 5000,
    "long": "a: " + "b" * (5 << 20),
    "many": "[" + "1," * 300_000 + "]",
    "no date": "a: 2024-13-45",
    "a tag": "!!python/object/apply:os.system [true]",
    "no base64": "a: !!binary ü",
    "an odd key": "{[a]: 1}",
    "a list as mapping": "!!omap 3",
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_yaml_that_is_too_much_is_refused_at_once(name: str) -> None:
    begin_s = time.process_time()
    with pytest.raises(yaml.YAMLError):
        read_yaml(TOO_MUCH[name])
    assert time.process_time() - begin_s < 5


@pytest.mark.parametrize("name", ["laughs", "round", "deep list"])
def test_every_file_of_a_user_s_is_read_with_these_limits(name: str, tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(TOO_MUCH[name], encoding="utf-8")
    with pytest.raises(CorpusError, match="YAML"):
        load_card(path)
    with pytest.raises(ConfigError, match="YAML"):
        read_label_map(str(path))
    with pytest.raises(ConfigError, match="YAML"):
        read_gate(str(path))
    with pytest.raises(yaml.YAMLError):
        compose_yaml(TOO_MUCH[name])


def test_honest_aliases_are_read() -> None:
    assert read_yaml("a: &x [1, 2]\nb: *x\nc: &y {d: *x}\ne: *y") == {
        "a": [1, 2],
        "b": [1, 2],
        "c": {"d": [1, 2]},
        "e": {"d": [1, 2]},
    }
    assert read_yaml("") is None


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        "[" * 1000 + "]" * 1000,
        "[{" * 500 + "}]" * 500,
        "[]" * 200,
        '"' + '\\"' * 200_000 + "[" * 100,
        "[1," * 70,
        "[" + "1," * (MOST_VALUES + 1) + "1]",
        '["' + "\\" * 99_999,
        "1" * 5000,
    ],
)
def test_json_that_is_too_much_is_a_value_error(text: str) -> None:
    begin_s = time.process_time()
    for form in (text, text.encode()):
        with pytest.raises(ValueError, match=r"."):
            read_json(form)
    assert time.process_time() - begin_s < 5


@pytest.mark.parametrize(
    "value",
    [
        [[] for _ in range(1000)],
        {"a": "[" * 1000, "b": '\\"[{' * 100, "c": [{"d": [1, "]"]}] * 100},
        "[[" * 100,
        json.loads("[" * 60 + "]" * 60),
    ],
)
def test_honest_json_is_read_as_ever(value: object) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=1), json.dumps(value).encode("utf-16")):
        assert read_json(text) == value
    check_json("")
