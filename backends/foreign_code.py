"""What a model directory would have FunASR run or fetch beside its weights, and whether it may.

FunASR merges the directory's own configuration into what it is called with: `trust_remote_code` and `remote_code`
there import a file or an address, `requirements.txt` is installed, `vad_model` and its kin load other models, and
some of its networks, tokenizers and front ends fetch and run what they name. None of it is needed for SenseVoice.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from sv_eval.errors import ModelError

ALLOW = "backend.trust_remote_code=true"
_OTHER_MODELS = ("vad_model", "punc_model", "spk_model", "lm_model", "forced_aligner")
NO_OTHER_MODELS: Mapping[str, None] = dict.fromkeys(_OTHER_MODELS[:3])
"""What AutoModel is called with, so that no configuration adds a model to the one that was asked for."""
_KNOWN: Mapping[str, Sequence[str]] = {
    "model": ("SenseVoiceSmall", "FsmnVADStreaming"),
    "tokenizer": ("SentencepiecesTokenizer", "CharTokenizer"),
    "frontend": ("WavFrontend", "WavFrontendOnline"),
}
"""FunASR's classes that only compute."""
_WEIGHTS_ONLY, _ANY_PICKLE = "TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"


def code_of(directory: Path) -> tuple[str, ...]:
    """What the directory asks to be run or fetched, a few words each; empty for one that is only a model.

    Raises ModelError for a configuration that can't be read.
    """
    found = (one for name in _configurations(directory) for one in _asked(directory / name))
    return tuple(dict.fromkeys(found))


def refuse_code(directory: Path, *, asked: str, allowed: bool) -> tuple[str, ...]:
    """What the directory asks to be run, where that is `allowed`; a ModelError where it is not."""
    found = code_of(directory)
    if found and not allowed:
        raise ModelError(
            f"{asked}: the directory asks to run more than a model: {'; '.join(found)}. Read it, and allow it with "
            f"{ALLOW}, or take it out"
        )
    return found


@contextmanager
def weights_alone(*, allowed: bool) -> Iterator[None]:
    """torch unpickles tensors and nothing that could run, whatever version and whoever calls it.

    Where it is `allowed`, or the environment says otherwise, it is as torch has it.
    """
    if allowed or os.environ.get(_ANY_PICKLE) or os.environ.get(_WEIGHTS_ONLY):
        yield
        return
    os.environ[_WEIGHTS_ONLY] = "1"
    try:
        yield
    finally:
        os.environ.pop(_WEIGHTS_ONLY, None)


def _configurations(directory: Path) -> list[str]:
    """The configurations that FunASR may read: its usual one, and one that configuration.json leads to."""
    names = ["config.yaml"]
    path = directory / "configuration.json"
    if path.is_file():
        for name, value in _file_names(path):
            if not _inside(value):
                raise ModelError(
                    f"{path}: file_path_metas.{name}={value} leads out of the directory; mend it, or take it out"
                )
            if PurePosixPath(value).suffix in (".yaml", ".yml"):
                names.append(value)
    return [name for name in dict.fromkeys(names) if (directory / name).is_file()]


def _file_names(path: Path) -> Iterator[tuple[str, str]]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: can't be read as JSON ({error})") from error
    waiting: list[tuple[str, Any]] = [("", data.get("file_path_metas") if isinstance(data, dict) else None)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += [(str(key) if not name else f"{name}.{key}", one) for key, one in value.items()]
        elif isinstance(value, str):
            yield name, value


def _inside(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return not path.is_absolute() and ".." not in path.parts


def _settings(path: Path) -> Mapping[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise ModelError(f"{path}: can't be read as YAML ({' '.join(str(error).split())[:160]})") from error
    return data if isinstance(data, Mapping) else {}


def _asked(path: Path) -> Iterator[str]:
    data = _settings(path)
    if data.get("trust_remote_code") or "remote_code" in data:
        yield f"{path.name} names code: {data.get('remote_code', 'model.py')}"
        if (path.parent / "requirements.txt").is_file():
            yield "requirements.txt is installed by pip"
    for name in _OTHER_MODELS:
        if data.get(name):
            yield f"{path.name} loads another model: {name}={data[name]}"
    for name, known in _KNOWN.items():
        if data.get(name) not in (None, *known):
            yield f"{path.name} has a {name} of its own: {data[name]}"
    weights = data.get("init_param")
    if isinstance(weights, str) and not _inside(weights):
        yield f"{path.name} takes weights from {weights}"
