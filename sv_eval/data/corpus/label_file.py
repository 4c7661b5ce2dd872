"""A label map as a file of its own, for words that Hydra's command line can't carry."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

from sv_eval.data.corpus.card import read_yaml
from sv_eval.emotions import REFERENCE_LABELS
from sv_eval.errors import CorpusError, nearest

_TYPEABLE = re.compile(
    r"(?!(?:true|false|null|nan|inf)\Z)[a-z][a-z0-9_./-]*|0|[1-9][0-9]*", re.IGNORECASE | re.ASCII
)
"""Keys that Hydra 1.3 reads as they stand; it takes no quotes round a key and few letters beyond ASCII's."""


def labels_from_file(path: str) -> dict[str, str]:
    """Raw label to emotion, as the YAML file has it; raises CorpusError that names the file and the entry."""
    file = Path(path).expanduser()
    if not file.is_file():
        raise CorpusError(
            f"dataset.labels_file={path}: there is no such file; give a YAML file, `raw: emotion` a line"
        )
    data = read_yaml(file)
    if not isinstance(data, Mapping) or not data:
        raise CorpusError(f"{file} should hold raw labels with emotions, `raw: emotion` a line")
    return {_raw(file, raw): _emotion(file, raw, emotion) for raw, emotion in data.items()}


def how_to_map(raw: str) -> str:
    """How a user says what a raw label means, in a way that works for this very label."""
    if _TYPEABLE.fullmatch(raw):
        return f"map it: 'dataset.labels={{{raw}: <emotion or other>}}'"
    import yaml

    key = yaml.safe_dump(raw, default_style='"', allow_unicode=True, width=math.inf).strip()
    return (
        f"map it in a YAML file with the line `{key}: <emotion or other>`, and give that: dataset.labels_file=FILE"
    )


def _raw(file: Path, raw: object) -> str:
    if not isinstance(raw, str):
        raise CorpusError(f"{file}: the raw label {raw!r} isn't text; put it in quotes")
    if raw != raw.strip() or not raw:
        raise CorpusError(f"{file}: the raw label {raw!r} should have no blanks around it; raw labels never do")
    return raw


def _emotion(file: Path, raw: object, emotion: object) -> str:
    if not isinstance(emotion, str):
        raise CorpusError(f"{file}: '{raw}' leads to {emotion!r}; give an emotion's name or other")
    if emotion not in REFERENCE_LABELS:
        raise CorpusError(
            f"{file}: '{raw}' leads to '{emotion}', which is no emotion name; {nearest(emotion, REFERENCE_LABELS)}"
        )
    return emotion
