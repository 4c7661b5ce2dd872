"""What docs/service.md shows is what the service does, in both languages."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from sv_eval.wire.problems import CODES

Serve = Callable[..., Any]

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("service.md", "service.zh-CN.md")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[tuple[str, str]]:
    """The language and content of every marked block of a page."""
    return _BLOCK.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))


def commands(page: str) -> list[tuple[str, Any]]:
    """Every shell command with the answer that stands below it."""
    found = blocks(page)
    return [
        (content, json.loads(found[index + 1][1]))
        for index, (language, content) in enumerate(found)
        if language == "sh" and found[index + 1][0] == "json"
    ]


@pytest.fixture(scope="module")
def service(serving: Serve) -> Iterator[Any]:
    with serving("serve.grpc_port=0") as it:
        yield it


@pytest.fixture(scope="module")
def here(service: Any) -> Callable[[str], str]:
    """A text with the documentation's addresses replaced by the running service's."""
    listening = service.event("listening")
    http = listening["http"].removeprefix("http://")
    return lambda text: text.replace("127.0.0.1:8000", http).replace("127.0.0.1:50051", listening["grpc"])


def shape(value: Any) -> Any:
    """The keys and kinds of values, without the values."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


_CHANGING = ("request_id", "created", "queue_depth")


def steady(value: Any) -> Any:
    """The value without what is another one each time."""
    if isinstance(value, dict):
        return {key: steady(item) for key, item in value.items() if key not in _CHANGING}
    if isinstance(value, list):
        return [steady(item) for item in value]
    # Other processors round the last digits otherwise.
    return round(value, 3) if isinstance(value, float) else value


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize(("command", "documented"), commands(PAGES[0]), ids=lambda value: str(value)[:40])
def test_every_command_answers_as_it_stands_there(
    here: Callable[[str], str], command: str, documented: Any
) -> None:
    done = subprocess.run(["bash", "-ceu", here(command)], cwd=ROOT, capture_output=True, check=True, timeout=600)
    answer = json.loads(done.stdout)
    assert shape(answer) == shape(documented)
    assert steady(answer) == steady(documented)


def test_both_languages_show_the_same_commands_and_programs() -> None:
    english, chinese = (blocks(page) for page in PAGES)
    assert english == chinese
    assert len(commands(PAGES[0])) >= 12


@pytest.mark.parametrize("page", PAGES)
def test_the_table_of_codes_is_whole(page: str) -> None:
    rows = re.findall(
        r"^\| (\d{3}) \| `(\w+)` \| (\w+) \|", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.M
    )
    assert {word: (int(status), grpc) for status, word, grpc in rows} == {
        code.word: (code.status, code.grpc) for code in CODES.values()
    }


@pytest.mark.parametrize(
    "program",
    [content for language, content in blocks(PAGES[0]) if language == "python" and "ray" not in content],
    ids=lambda content: content.split()[1],
)
def test_the_python_programs_run(here: Callable[[str], str], environment: dict[str, str], program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", here(program)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert "angry" in done.stdout.lower()


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_javascript_program_runs(here: Callable[[str], str], tmp_path: Path) -> None:
    program = next(content for language, content in blocks(PAGES[0]) if language == "js")
    file = tmp_path / "program.mjs"
    file.write_text(here(program))
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(["node", file], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "angry" in done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_stands_there_with_its_default(page: str) -> None:
    def flat(settings: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
        for name, value in settings.items():
            if isinstance(value, Mapping):
                yield from flat(value, f"{prefix}{name}.")
            else:
                yield prefix + name, value

    rows = re.findall(
        r"^\| `(serve\.[\w.]+)` \| `(.*?)` \|", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.M
    )
    settings = yaml.safe_load((ROOT / "conf" / "serve" / "default.yaml").read_text(encoding="utf-8"))
    assert {name: yaml.safe_load(value) for name, value in rows} == dict(flat(settings, "serve."))
