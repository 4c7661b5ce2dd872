"""A directory in SenseVoice's format: which files it holds and what they say."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from sv_eval.backends.frontend import Cmvn, FrontendConfig, read_cmvn
from sv_eval.backends.sensevoice.tokens import TokenVocabulary, read_vocabulary
from sv_eval.errors import ModelError, nearest

BUNDLED = "bundled"
"""The name of the demonstration model that travels with the package."""

GRAPH_FILES: Mapping[str, str] = {"fp32": "model.onnx", "fp16": "model_fp16.onnx", "int8": "model_quant.onnx"}
"""Precision to the name of its graph; the first and the last are the names that funasr_onnx knows."""
PRECISIONS = tuple(GRAPH_FILES)
"""The precisions that a directory may hold a graph of."""
_SUFFIXES_OF_TOKENIZERS = ("*.bpe.model", "tokens.json")


def bundled_model() -> Path:
    """The demonstration model's directory."""
    return Path(__file__).resolve().parent / "tiny"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDirectory:
    """What was found in a model's directory, read and checked."""

    path: Path
    """The directory."""
    frontend: FrontendConfig
    """The front end's settings."""
    cmvn: Cmvn
    """The feature normalisation."""
    vocabulary: TokenVocabulary
    """The pieces and tags."""
    card: Mapping[str, Any]
    """`model_card.yaml`, or empty; its training corpora and speakers are what overlap warnings rest on."""

    def graph(self, precision: str) -> Path:
        """The ONNX file of this precision (`fp32`, `fp16` or `int8`)."""
        if precision not in GRAPH_FILES:
            raise ModelError(f"backend.precision={precision} is not known; {nearest(precision, GRAPH_FILES)}")
        path = self.path / GRAPH_FILES[precision]
        if path.is_file():
            return path
        present = self.precisions()
        hint = f"this directory has {', '.join(present)}" if present else "this directory has no ONNX graph"
        raise ModelError(f"{path}: not there, so backend.precision={precision} can't be run; {hint}")

    def precisions(self) -> tuple[str, ...]:
        """The precisions that the directory has a graph of."""
        return tuple(precision for precision, name in GRAPH_FILES.items() if (self.path / name).is_file())


def open_model(where: str | Path) -> ModelDirectory:
    """Read the directory `where` (or the `bundled` model): configuration, normalisation, vocabulary, card."""
    path = bundled_model() if str(where) == BUNDLED else Path(where).expanduser()
    if not path.is_dir():
        raise ModelError(
            f"backend.model={where}: no such directory; give a SenseVoice-format directory, or '{BUNDLED}'"
        )
    cmvn, config = path / "am.mvn", path / "config.yaml"
    for needed in (cmvn, config):
        if not needed.is_file():
            raise ModelError(
                f"{path}: {needed.name} is missing; a SenseVoice directory holds model.onnx, am.mvn, "
                "config.yaml and a *.bpe.model"
            )
    return ModelDirectory(
        path=path,
        frontend=_frontend_config(config),
        cmvn=read_cmvn(cmvn),
        vocabulary=read_vocabulary(_tokenizer(path)),
        card=_yaml(path / "model_card.yaml") if (path / "model_card.yaml").is_file() else {},
    )


def directory_state(where: str | Path) -> Hashable:
    """Equal for two looks at a directory between which none of its files changed, by their sizes and times."""
    path = bundled_model() if str(where) == BUNDLED else Path(where).expanduser()
    if not path.is_dir():
        return (str(path),)
    stats = ((file.name, file.stat()) for file in sorted(path.iterdir()) if file.is_file())
    return (str(path.resolve()), *((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats))


def content_hash(path: Path) -> str:
    """The first 16 hex digits of a SHA-256 over a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _tokenizer(path: Path) -> Path:
    for pattern in _SUFFIXES_OF_TOKENIZERS:
        found = sorted(path.glob(pattern))
        if found:
            return found[0]
    raise ModelError(f"{path}: no vocabulary found; expected one of {', '.join(_SUFFIXES_OF_TOKENIZERS)}")


def _frontend_config(path: Path) -> FrontendConfig:
    settings = _yaml(path).get("frontend_conf") or {}
    if not isinstance(settings, Mapping):
        raise ModelError(f"{path}: frontend_conf should hold settings, not {settings!r}")
    names = {field.name for field in fields(FrontendConfig)}
    try:
        return FrontendConfig(**{key: value for key, value in settings.items() if key in names})
    except TypeError as error:
        raise ModelError(f"{path}: frontend_conf can't be read ({error})") from error


def _yaml(path: Path) -> dict[str, Any]:
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from error
    if not isinstance(data, dict):
        raise ModelError(f"{path}: a mapping is expected")
    return data
