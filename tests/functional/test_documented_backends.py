"""The backends of docs/adding_a_backend.md, taken from the page and run as it says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sv_eval.config.places import house

PAGE = (house() / "docs" / "adding_a_backend.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```(?:python|yaml)\n# (my_package/\S+)\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = re.findall(r"^python -m sv_eval (?!\.).*$", PAGE, re.MULTILINE)


@pytest.fixture
def run(tmp_path: Path, environment: dict[str, str], write_tone: Callable[..., Path]) -> Callable[..., Any]:
    """Runs one of the page's commands, with more words, on a little corpus."""
    for name, text in BLOCKS.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    for package in ("my_package", "my_package/conf"):
        (tmp_path / package / "__init__.py").touch()
    for speaker in ("03", "12"):
        for letter in "WN":
            write_tone(tmp_path / "db" / f"{speaker}a01{letter}a.wav")

    def go(backend: str, *more: str) -> subprocess.CompletedProcess[str]:
        (command,) = [one for one in COMMANDS if f"backend={backend} " in one]
        words = [word.strip("'") for word in command.split()[3:] if not word.startswith("backend.model")]
        return subprocess.run(
            [sys.executable, "-m", "sv_eval", *words, "dataset=emodb", f"dataset.root={tmp_path / 'db'}", *more],
            cwd=tmp_path,
            env={**environment, "PYTHONPATH": f"{house()}:{tmp_path}"},
            capture_output=True,
            text=True,
            check=False,
        )

    return go


def weights(file: Path, **more: Any) -> None:
    arrays = {"labels": np.array(["angry", "neutral"]), "weights": np.eye(2, 4), "bias": np.zeros(2)}
    np.savez(file, **{**arrays, **more})


def test_the_page_shows_both_with_their_settings() -> None:
    assert set(BLOCKS) == {
        "my_package/emotion.py", "my_package/conf/backend/loudness.yaml",
        "my_package/linear.py", "my_package/conf/backend/linear.yaml",
    }  # fmt: skip


def test_the_first_one_runs(run: Callable[..., Any]) -> None:
    done = run("loudness", "hydra.run.dir=run")

    assert done.returncode == 0, done.stderr


def test_a_model_with_weights_runs_and_its_card_warns(
    run: Callable[..., Any], tmp_path: Path, metrics_of: Callable[[Path], dict[str, Any]]
) -> None:
    weights(tmp_path / "weights.npz")

    done = run("linear", "backend.model=weights.npz", "hydra.run.dir=run")

    assert done.returncode == 0, done.stderr
    caveats = {caveat["code"]: caveat for caveat in metrics_of(tmp_path / "run")["caveats"]}
    assert caveats["training_overlap"]["speakers"] == ["03"]
    assert metrics_of(tmp_path / "run")["run"]["n_failed"] == 0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "backend.model"),
        (["backend.model=none.npz"], "none.npz: there is no such file; give the .npz with the weights"),
        (["backend.model=bare.npz"], "bare.npz lacks bias; save the model anew"),
    ],
)
def test_what_a_user_can_mend_is_said_in_a_line(
    run: Callable[..., Any], tmp_path: Path, more: list[str], said: str
) -> None:
    np.savez(tmp_path / "bare.npz", labels=np.array(["angry"]), weights=np.zeros((1, 4)))

    done = run("linear", *more, "hydra.run.dir=run")

    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
