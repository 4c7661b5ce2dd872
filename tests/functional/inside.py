"""Commands within this process: for what they do, where how they are started and ended is no matter."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from sv_eval.cli.main import main


def inside(
    *words: object, module: str = "sv_eval", cwd: Path, path: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """What `python -m MODULE WORDS` in that folder says and ends with, without the seconds that its imports take.

    path: a folder more to import from.
    """
    given = [str(word) for word in words]
    command = module.partition(".")[2] or None
    with pytest.MonkeyPatch.context() as changed, redirect_stdout(io.StringIO()) as out:
        changed.setattr(sys, "argv", [module, *given])
        for name, value in {"HF_HUB_OFFLINE": "1", "COLUMNS": "120", **environment}.items():
            changed.setenv(name, value)
        if path is not None:
            changed.syspath_prepend(path)
        changed.chdir(cwd)
        with redirect_stderr(io.StringIO()) as err:
            try:
                code = main(given, command=command)
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
    return subprocess.CompletedProcess([module, *given], code, out.getvalue(), err.getvalue())
