"""Models loaded by FunASR's AutoModel, quietly, with one line when it can't be done."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sv_eval.errors import ModelError

_WEIGHTS = "model.pt"
_MISSING_WEIGHT = re.compile(r"miss key in ckpt: ([\w.]+)")


def load_auto_model(
    where: str, *, key: str, device: str, threads: int = 0, hub: str = "ms", revision: str | None = None
) -> Any:
    """An AutoModel of a directory or of a hub's model.

    where: a directory, or a hub id such as `iic/SenseVoiceSmall`. key: the setting it came from, for errors.
    hub: `ms` (ModelScope) or `hf` (Hugging Face). threads: torch's, for the whole process; 0 leaves them.
    Raises ModelError when a package, the directory, a file of it, a weight, the network or the memory is missing.
    """
    refuse_missing_packages(f"{key}={where}")
    _refuse_missing_files(where, key)
    import torch

    options: dict[str, Any] = {
        "model": _directory(where) or where,
        "device": device,
        "hub": hub,
        "ncpu": threads or torch.get_num_threads(),
        "disable_update": True,
        "disable_pbar": True,
        "disable_log": True,
        # Weights of another shape are an error; else FunASR leaves them random and says so in its log only.
        "ignore_init_mismatch": False,
    }
    if revision is not None:
        options["model_revision"] = revision
    said = io.StringIO()
    try:
        with _quiet(said):
            from funasr import AutoModel

            model = AutoModel(**options)
    except _failures() as error:
        raise ModelError(_reason(where, key, hub, error, said.getvalue())) from error
    folder = Path(str(model.kwargs.get("model_path", "")))
    if not (folder / _WEIGHTS).is_file():
        # FunASR goes on with random weights, and says so in its log only.
        raise ModelError(f"{key}={where}: {folder / _WEIGHTS} is missing, so there are no weights to load")
    absent = _MISSING_WEIGHT.findall(said.getvalue())
    if absent:
        # These, too, would stay random.
        raise ModelError(
            f"{key}={where}: {_WEIGHTS} lacks {len(absent)} of the network's weights ({absent[0]}, ...); "
            "it belongs to another config.yaml"
        )
    return model


def refuse_missing_packages(asked: str) -> None:
    """Raise ModelError when torch or FunASR is not installed; `asked` is the setting that needs them."""
    for package in ("torch", "funasr"):
        if importlib.util.find_spec(package) is None:
            raise ModelError(
                f"{asked} needs the package {package}: pip install 'sv-eval[local]', with the torch build that "
                "fits this machine"
            )


def _failures() -> tuple[type[Exception], ...]:
    """What FunASR and torch raise for a directory that is not as it should be."""
    import pickle

    import yaml

    of_python = (ImportError, OSError, EOFError, RuntimeError, ValueError, LookupError, TypeError, AttributeError)
    return (*of_python, AssertionError, MemoryError, pickle.UnpicklingError, yaml.YAMLError)


def _refuse_missing_files(where: str, key: str) -> None:
    folder = _directory(where)
    if folder is None and (where.startswith(("/", ".", "~")) or where.count("/") > 1):
        raise ModelError(f"{key}={where}: no such directory; give a model directory, or a hub id like owner/name")
    for name in ("config.yaml", _WEIGHTS):
        if folder is not None and not (Path(folder) / name).is_file():
            raise ModelError(
                f"{key}={where}: {name} is missing there; FunASR needs config.yaml, {_WEIGHTS} and am.mvn"
            )


def _directory(where: str) -> str | None:
    path = Path(where).expanduser()
    return str(path.resolve()) if path.is_dir() else None


def _reason(where: str, key: str, hub: str, error: Exception, said: str) -> str:
    failed = re.search(r"Download: .*? failed!: (.*)", said)
    if failed is not None and _directory(where) is None:
        name = {"ms": "ModelScope", "hf": "Hugging Face"}.get(hub, hub)
        return (
            f"{key}={where}: could not be had from {name} ({_short(failed[1])}); check the name and the "
            "network, or give the directory of a copy"
        )
    words = str(error).lower()
    if isinstance(error, MemoryError) or "out of memory" in words or "can't allocate memory" in words:
        return f"{key}={where}: there is not enough memory to load it ({_short(str(error))})"
    folder = _directory(where)
    hint = ""
    if folder is not None and not (Path(folder) / "configuration.json").is_file():
        hint = "; it has no configuration.json, which tells FunASR the names of the other files"
    return f"{key}={where}: FunASR can't load it ({type(error).__name__}: {_short(str(error))}){hint}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 160 else line[:157] + "..."


@contextlib.contextmanager
def _quiet(said: io.StringIO) -> Iterator[None]:
    """Keep FunASR's prints and warnings off the terminal; what it printed goes to `said`."""
    import logging

    # It logs through the root logger, and may set one up.
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    bars = os.environ.get("TQDM_DISABLE")
    os.environ["TQDM_DISABLE"] = "1"
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
        if bars is None:
            del os.environ["TQDM_DISABLE"]
        else:
            os.environ["TQDM_DISABLE"] = bars
