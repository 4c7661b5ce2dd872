"""Completion as somebody at a terminal has it: a real bash and a real zsh, and the Tab key."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from sv_eval.cli.completion import candidates

PATIENCE_S = 180
PROMPT = "ready> "
SHELLS = {
    "bash": (
        "bash",
        ["--norc", "--noprofile", "-i"],
        "bind 'set bell-style none'; bind 'set enable-bracketed-paste off'",
    ),
    "zsh": (
        "zsh",
        ["-f", "-i"],
        "autoload -Uz compinit && compinit -u -d $PWD/dump; unsetopt PROMPT_SP ZLE_REMOVE_SUFFIX",
    ),
}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[pexpect.spawn]:
    """A shell in which the README's line was run."""
    program, options, setup = SHELLS[request.param]
    assert shutil.which(program), f"the tests need: apt-get install {program}"
    # The command itself, wherever this environment keeps it.
    command = tmp_path / "bin" / "sv-eval"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sv_eval "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    environment = {
        **os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}", "TERM": "dumb", "HOME": str(tmp_path),
        "PS1": PROMPT, "PYTHONPATH": os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH")])),
    }  # fmt: skip
    child = pexpect.spawn(
        program,
        options,
        env=environment,
        cwd=str(tmp_path),
        encoding="utf-8",
        timeout=PATIENCE_S,
        dimensions=(50, 300),
    )
    child.expect_exact(PROMPT)
    child.sendline(f"PS1='{PROMPT}'; {setup}; eval \"$(sv-eval completion {program})\"; echo set''up")
    child.expect_exact("setup\r\n")
    child.expect_exact(PROMPT)
    yield child
    child.close(force=True)


@pytest.mark.parametrize(
    ("typed", "becomes"),
    [
        ("sv-eval compl", "sv-eval completion"),
        ("sv-eval backend=on", "sv-eval backend=onnx"),
        ("sv-eval backend.threa", "sv-eval backend.threads="),
        ("sv-eval serve serve.limits.max_batch", "sv-eval serve serve.limits.max_batch_items="),
        ("sv-eval backend=remote dataset=emodb backend.ur", "sv-eval backend=remote dataset=emodb backend.url="),
        ("sv-eval gate gate=qu", "sv-eval gate gate=quality"),
    ],
)
def test_the_tab_key_completes(shell: pexpect.spawn, typed: str, becomes: str) -> None:
    if not candidates(typed):
        pytest.fail(f"{typed}: nothing to complete")
    shell.send(f"{typed}\t")
    # What the shell adds is all that it writes; the line as a whole is asked for by running it behind an echo.
    shell.send("\x01echo \x05\n")

    shell.expect_exact(f"\n{becomes}")


def test_what_may_follow_is_listed() -> None:
    assert candidates("sv-eval ba") == ["baseline", "backend=", "backend."]
    assert candidates("sv-eval labels ") == ["list", "show", "diff"]
    assert {"dataset=emodb", "dataset=esd"} <= set(candidates("sv-eval dataset=e"))
    assert "backend.url=" in candidates("sv-eval backend=remote backend.")
    assert "backend.url=" not in candidates("sv-eval backend.")
    assert candidates("sv-eval nothing=") == []
    assert "scoring.resamples=" in candidates("sv-eval compare A B scoring.")
    assert candidates("sv-eval gate gate=q") == ["gate=quality"]
    assert "dataset=emodb" in candidates("sv-eval race onnx local dataset=e")
    assert candidates("sv-eval race onnx local backend") == []
    assert "labels.classes." in candidates("sv-eval score RUN labels.")
    assert not any(word.startswith("backend") for word in candidates("sv-eval score RUN "))
