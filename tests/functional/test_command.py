"""The one command: its table, its help, its answers to what was misspelt, and its JSON."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sv_eval.cli.commands import COMMANDS
from sv_eval.cli.main import main
from sv_eval.version import __version__
from tests.functional.inside import inside

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "commands.md").read_text(encoding="utf-8")
Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """Runs `python -m MODULE WORDS` in an empty folder."""

    def run(*words: str, module: str = "sv_eval") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", module, *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    return run


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    under_command = capsys.readouterr().out
    assert main(["--help"], command=name) == 0

    assert capsys.readouterr().out == under_command
    assert len(under_command) > 200


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_a_module_of_its_own(name: str, call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0

    done = call("--help", module=f"sv_eval.{name}")

    assert done.returncode == 0
    assert done.stdout == capsys.readouterr().out


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_every_command_says_the_same_version(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*([name] if name else []), "--version"]) == 0

    assert capsys.readouterr().out == f"sv_eval {__version__}\n"


def test_the_table_of_commands_is_that_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0

    shown = capsys.readouterr().out
    for command in COMMANDS.values():
        assert re.search(rf"^  {command.name} +{re.escape(command.does)}$", shown, re.MULTILINE)
        assert f"| `{command.name}` | {command.does} |" in PAGE


@pytest.mark.parametrize("module", ["backend", "emotions", "errors", "frame", "library", "records", "testing"])
def test_a_module_that_is_no_command_says_what_it_is(module: str, call: Call) -> None:
    done = call("--help", module=f"sv_eval.{module}")

    assert done.returncode == 0, done.stderr
    assert f"import sv_eval.{module}" in done.stdout or f"sv_eval.{module}" in done.stdout


def misspelt() -> list[tuple[str, str]]:
    """The page's commands, each with its answer."""
    block = re.search(r"<!-- misspelt -->\n```console\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    lines = block[1].splitlines()
    return [(lines[i].removeprefix("$ sv-eval "), lines[i + 1]) for i in range(0, len(lines), 2)]


@pytest.mark.parametrize(("words", "answer"), misspelt(), ids=lambda value: value[:40])
def test_what_is_misspelt_is_answered_with_the_right_word(words: str, answer: str, tmp_path: Path) -> None:
    done = inside(*shlex.split(words), cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr.splitlines() == [answer]
    assert done.stdout == ""


def test_there_are_ten_of_them() -> None:
    assert len(misspelt()) >= 10


@pytest.mark.parametrize(
    "words",
    [
        ["compare", "A", "B"],
        ["probe", "http://127.0.0.1:9"],
        ["probe", "127.0.0.1:9"],
        ["serve", "nonsense"],
        ["tune", "nonsense"],
        ["--nonsense"],
        ["run", "+"],
        ["=3"],
        ["backend.x=[1,"],
        ["backend.x={a: }}"],
    ],
)
def test_nobody_is_shown_the_grammar(words: list[str], tmp_path: Path) -> None:
    done = inside(*words, cwd=tmp_path)

    assert done.returncode in (2, 5)
    assert len(done.stderr.splitlines()) == 1
    for word in ("mismatched", "LexerNoViable", "EOF", "Traceback", "extraneous"):
        assert word not in done.stderr


def test_a_value_of_any_letters_arrives(call: Call, tmp_path: Path) -> None:
    ours = [f"dataset.root={root}" for root in ("d/ep=3,lr=0.1", "with space", "a'b", 'a"b', "a\\b", "(x)[y]")]
    # What no code page has must pass through the operating system, too.
    foreign = "dataset.root=ünï/语音"
    for word, done in [
        *((word, inside(word, cwd=tmp_path)) for word in [*ours, foreign]),
        (foreign, call(foreign)),
    ]:
        assert done.returncode == 2
        assert f"{word} doesn't exist" in done.stderr


def test_a_former_name_of_a_setting_is_taken_and_told(call: Call) -> None:
    done = call("compare", "A", "B", "resamples=300")

    assert "resamples= is called scoring.resamples= now" in done.stderr


class TestJson:
    """`--json`: one document on stdout, everything else on stderr."""

    @pytest.fixture(scope="class")
    @staticmethod
    def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder = tmp_path_factory.mktemp("json")
        words = ["backend=fake", "dataset=simulated", "dataset.simulated.n_clips=40", "scoring.resamples=200"]
        for name in ("a", "b"):
            done = subprocess.run(
                [sys.executable, "-m", "sv_eval", *words, "--json", f"hydra.run.dir={folder / name}"],
                capture_output=True, text=True, check=True, cwd=folder,
            )  # fmt: skip
            (folder / f"{name}.json").write_text(done.stdout, encoding="utf-8")
        assert main(["baseline", "save", str(folder / "a"), str(folder / "a.kept")]) == 0
        return folder

    def test_a_run_gives_its_metrics(self, runs: Path) -> None:
        told = json.loads((runs / "a.json").read_text(encoding="utf-8"))
        metrics = json.loads((runs / "a" / "metrics.json").read_text(encoding="utf-8"))

        assert told["command"] == "run"
        assert told["exit_code"] == 0
        assert told["result"] == metrics
        assert told["directory"] == str(runs / "a")

    @pytest.mark.parametrize(
        ("words", "key"),
        [
            (["score", "{a}"], "accuracy"),
            (["compare", "{a}", "{b}", "scoring.resamples=200", "out={a}/compared"], "pairs"),
            (["gate", "candidate={b}", "baseline={a}", "gate=quality", "scoring.resamples=200"], "verdict"),
            (["baseline", "save", "{a}", "{a}.baseline"], "identity"),
            (["baseline", "show", "{a}.kept"], "accuracy"),
            (["export", "{a}", "csv"], "files"),
            (["labels", "diff", "{a}", "four", "native"], "moved"),
            (["labels", "show", "four"], "classes"),
            (["schema", "metrics.json"], "$schema"),
        ],
        ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else value,
    )
    def test_a_command_gives_its_result(
        self, words: list[str], key: str, runs: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        where = {"a": runs / "a", "b": runs / "b"}

        code = main([*(word.format(**where) for word in words), "--json"])

        told = json.loads(capfd.readouterr().out)
        assert told["exit_code"] == code
        assert "error" not in told
        assert told["command"] == words[0]
        assert code in (0, 3, 4)
        assert key in told["result"]

    @pytest.mark.parametrize(
        "words", [["labels", "list"], ["corpus", "list"], ["sweep", "list"], ["schema", "list"]]
    )
    def test_a_list_is_a_list(self, words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
        assert main([*words, "--json"]) == 0

        assert len(json.loads(capfd.readouterr().out)["result"]) >= 2

    def test_an_error_is_told_as_well(self, capfd: pytest.CaptureFixture[str]) -> None:
        assert main(["limit=5", "--json"]) == 2

        told = capfd.readouterr()
        assert json.loads(told.out) == {
            "command": "run",
            "exit_code": 2,
            "result": None,
            "error": "limit is not a setting here; did you mean dataset.limit?",
        }
        assert "did you mean dataset.limit?" in told.err


def test_a_reader_that_has_seen_enough_ends_nothing(tmp_path: Path) -> None:
    command = f"{shlex.quote(sys.executable)} -m sv_eval corpus list --json | head -n 1"

    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.stdout == "{\n"
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_a_misspelt_command_is_told_as_json_too(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["comapre", "--json"]) == 2

    told = json.loads(capfd.readouterr().out)
    assert told["command"] is None
    assert "did you mean compare" in told["error"]


def test_help_imports_neither_hydra_nor_numpy(tmp_path: Path) -> None:
    check = (
        "import sys; from sv_eval.cli.main import main; main(['--help']); "
        "sys.exit(any(name in sys.modules for name in ('hydra', 'numpy', 'pandas', 'omegaconf', 'yaml')))"
    )

    done = subprocess.run(
        [sys.executable, "-c", check], cwd=tmp_path, env={**os.environ}, capture_output=True, check=False
    )

    assert done.returncode == 0


def test_a_class_is_found_under_its_former_name_which_is_said(call: Call) -> None:
    words = ["backend._target_=backends.fake.FakeBackend", "dataset=simulated", "dataset.simulated.n_clips=20"]

    done = call("backend=fake", *words, "hydra.run.dir=run")

    assert done.returncode == 0, done.stderr
    assert "backends.fake.FakeBackend is called sv_eval.backends.fake.FakeBackend now" in done.stderr
