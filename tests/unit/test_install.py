"""The script by which make installs: uv finds packages where pip does, and where uv fails pip takes over."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
WORDS = ["--no-deps", "some-package"]


def _script() -> ModuleType:
    """tests/install.py, which is a script."""
    spec = importlib.util.spec_from_file_location("install", REPOSITORY / "tests" / "install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = _script()


class Shell:
    """Notes the commands that it is to run; those that contain one of the words given fail."""

    def __init__(self, *failing: str) -> None:
        self._failing = failing
        self.commands: list[list[str]] = []
        self.environments: list[Mapping[str, str]] = []

    def __call__(self, command: Sequence[str], environ: Mapping[str, str]) -> int:
        self.commands.append(list(command))
        self.environments.append(environ)
        return int(any(word in " ".join(command) for word in self._failing))


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The interpreter of an environment that holds uv, too."""
    (tmp_path / "uv").touch()
    return tmp_path / "python"


def installed(python: Path, shell: Shell, by: str, settings: Mapping[str, str] | None = None) -> int:
    installer = script.Installer(python, {"PATH": ""}, shell)
    code: int = script.install(installer, WORDS, by=by, settings=settings or {}, compiled=True)
    return code


def test_uv_installs_into_the_same_environment_and_is_told_where_pip_looks(python: Path) -> None:
    shell = Shell()

    code = installed(python, shell, "uv", {"index-url": "file:///a", "extra-index-url": "file:///b\nfile:///c"})

    assert code == 0
    uv = [str(python.with_name("uv")), "pip", "install", "--python", str(python), "--compile-bytecode", *WORDS]
    assert shell.commands == [uv]
    assert shell.environments[0] == {
        "PATH": "",
        "UV_DEFAULT_INDEX": "file:///a",
        "UV_INDEX": "file:///b file:///c",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_what_is_set_for_uv_stays() -> None:
    told = {"UV_INDEX_URL": "file:///mine", "UV_FIND_LINKS": "/mine"}

    assert script.uv_environment({"index-url": "file:///a", "find-links": "/b"}, told) == told


def test_pip_takes_over_where_uv_fails_and_says_so(python: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell("uv pip")

    assert installed(python, shell, "uv") == 0
    assert [command[0] for command in shell.commands] == [str(python.with_name("uv")), str(python)]
    assert shell.commands[1][1:3] == ["-m", "pip"]
    assert shell.commands[1][-2:] == WORDS
    assert "once more with pip" in capsys.readouterr().out


def test_pip_takes_over_where_there_is_no_uv_to_be_had(tmp_path: Path) -> None:
    shell = Shell("--quiet uv")

    assert installed(tmp_path / "python", shell, "uv") == 0
    assert [command[-1] for command in shell.commands] == ["uv", WORDS[-1]]


def test_what_neither_can_install_has_pip_s_exit_code(python: Path) -> None:
    assert installed(python, Shell(WORDS[-1]), "uv") == 1


def test_pip_alone_asks_for_no_uv(python: Path) -> None:
    shell = Shell()

    assert installed(python, shell, "pip") == 0
    assert [command[1:4] for command in shell.commands] == [["-m", "pip", "install"]]


def test_an_environment_without_pip_gets_one(python: Path) -> None:
    shell = Shell("find_spec")

    script.Installer(python, {}, shell).ensure_pip()

    assert shell.commands[-1][1:] == ["-m", "ensurepip"]


def test_every_target_installs_by_the_same_script_and_says_what() -> None:
    text = (REPOSITORY / "Makefile").read_text(encoding="utf-8")

    lines = [line for line in text.splitlines() if "$(INSTALL)" in line]
    assert len(lines) >= 7
    assert all(re.search(r'--step "[^"]+; [^"]+" -- ', line) for line in lines)
    # The generator of the messages has an environment of its own.
    assert text.count("pip install") == 1
