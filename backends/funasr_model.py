"""Directories loaded by FunASR's AutoModel, quietly, with one line when it can't be done."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

from sv_eval.backends.foreign_code import ALLOW, NO_OTHER_MODELS, refuse_code, weights_alone
from sv_eval.backends.quiet import quiet
from sv_eval.errors import ModelError
from sv_eval.machine.terminal import note

WEIGHTS = "model.pt"
"""FunASR's weights in a directory."""
_MISSING_WEIGHT = re.compile(r"miss key in ckpt: ([\w.]+)")


def load_auto_model(
    directory: Path,
    *,
    asked: str,
    device: str,
    threads: int = 0,
    trust_remote_code: bool = False,
) -> Any:
    """An AutoModel of a directory with `model.pt` and `config.yaml`, dither 0.

    asked: what errors begin with, such as `backend.model=DIR`. threads: torch's, for the whole process; 0 leaves
    them. trust_remote_code: whether the directory may have code of its own run, packages installed and other models
    loaded; what it will run is said on stderr. Raises ModelError when a package, a file, a weight or the memory is
    missing, and when it asks for what it may not.
    """
    for name in ("config.yaml", WEIGHTS):
        if not (directory / name).is_file():
            raise ModelError(f"{asked}: {name} is missing there; FunASR needs config.yaml, {WEIGHTS} and am.mvn")
    foreign = refuse_code(directory, asked=asked, allowed=trust_remote_code)
    for one in foreign:
        note(f"sv_eval: {ALLOW}: {asked}: {one}")
    refuse_missing_packages(asked)
    import torch

    try:
        with quiet() as said, weights_alone(allowed=trust_remote_code):
            from funasr import AutoModel

            model = AutoModel(
                model=str(directory.resolve()),
                device=device,
                ncpu=threads or torch.get_num_threads(),
                disable_update=True,
                disable_pbar=True,
                # Weights of another shape are an error; else FunASR leaves them random and says so in its log only.
                ignore_init_mismatch=False,
                frontend_conf={"dither": 0.0},
                trust_remote_code=bool(foreign),
                **({} if foreign else NO_OTHER_MODELS),
            )
    except _failures() as error:
        raise ModelError(_reason(directory, asked, error)) from error
    absent = _MISSING_WEIGHT.findall(said.getvalue())
    if absent:
        # These, too, would stay random.
        raise ModelError(
            f"{asked}: {WEIGHTS} lacks {len(absent)} of the network's weights ({absent[0]}, ...); it is not whole, "
            "or belongs to another config.yaml"
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


def _reason(directory: Path, asked: str, error: Exception) -> str:
    words = " ".join(str(error).split())
    short = words if len(words) <= 160 else words[:157] + "..."
    lower = words.lower()
    if isinstance(error, MemoryError) or "out of memory" in lower or "can't allocate memory" in lower:
        return f"{asked}: there is not enough memory to load it ({short})"
    hint = "are its files whole and of one model?"
    if not (directory / "configuration.json").is_file():
        hint = "it has no configuration.json, which tells FunASR the names of the other files"
    return f"{asked}: FunASR can't load it ({type(error).__name__}: {short}); {hint}"
