"""`labels=FILE.yaml`: a label map of the user's own, laid into the words of a command line.

What the file holds becomes part of the configuration, so that a finished run is scored again without the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sv_eval.config.foreign_yaml import read_yaml
from sv_eval.config.overrides import as_override
from sv_eval.errors import ConfigError

_KEY = "labels="
_ENDINGS = (".yaml", ".yml")
_PARTS = ("name", "version", "classes", "merges", "words", "quadrants")


def with_own_label_map(words: Sequence[str]) -> list[str]:
    """The words of a command line with what the file of a label map holds in the place of its name.

    Raises ConfigError for a file that is none, or that holds something else.
    """
    found: list[str] = []
    for word in words:
        if word.startswith(_KEY) and word.lower().endswith(_ENDINGS):
            found += _laid_out(word.removeprefix(_KEY))
        else:
            found.append(word)
    return found


def _laid_out(name: str) -> list[str]:
    content = read_label_map_file(Path(name).expanduser())
    whole = {key: content[key] for key in ("name", "version") if key in content}
    merges = content.get("merges") or {}
    if not isinstance(merges, dict):
        raise ConfigError(f"{name}: merges should be a mapping of finer words to emotions")
    return [
        "labels=_own",
        *(as_override(f"labels.{key}", value, literal=True) for key, value in whole.items()),
        as_override("+labels.classes", content.get("classes"), literal=True),
        as_override("++labels.merges", merges, literal=True),
        as_override("++labels.words", content.get("words") or {}, literal=True),
        as_override("++labels.quadrants", content.get("quadrants"), literal=True),
    ]


def read_label_map_file(path: Path) -> dict[str, Any]:
    """What the file of a label map holds; raises ConfigError."""
    import yaml

    if not path.is_file():
        raise ConfigError(f"labels={path}: there is no such file; give a label map's name or a YAML file")
    try:
        data = read_yaml(path.read_text(encoding="utf-8-sig"))
    except (yaml.YAMLError, OSError, ValueError) as error:
        raise ConfigError(f"{path} can't be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict) or "classes" not in data:
        raise ConfigError(f"{path} should hold a label map: {', '.join(_PARTS)}")
    strange = [str(key) for key in data if key not in (*_PARTS, "defaults")]
    if strange:
        raise ConfigError(f"{path}: {', '.join(strange)} is no part of a label map; those are {', '.join(_PARTS)}")
    return {str(key): value for key, value in data.items() if key != "defaults"}
