"""A label map as a file of its own, and how a label is mapped on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sv_eval.answer_words import meaning_given
from sv_eval.config.overrides import typed
from sv_eval.data.corpus.card import read_yaml
from sv_eval.emotions import OTHER, REFERENCE_LABELS, UNKNOWN
from sv_eval.errors import CorpusError, nearest


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
    """How a user says what a raw label means, in words that can be copied into a shell."""
    return f"map it: {typed('dataset.labels', {raw: OTHER})} (an emotion's name instead of {OTHER}, if it is one)"


def _raw(file: Path, raw: object) -> str:
    if not isinstance(raw, str):
        raise CorpusError(f"{file}: the raw label {raw!r} isn't text; put it in quotes")
    if raw != raw.strip() or not raw:
        raise CorpusError(f"{file}: the raw label {raw!r} should have no blanks around it; raw labels never do")
    return raw


def _emotion(file: Path, raw: object, emotion: object) -> str:
    if not isinstance(emotion, str):
        raise CorpusError(f"{file}: '{raw}' leads to {emotion!r}; give an emotion's name or other")
    if meaning_given(str(raw), emotion) in (None, UNKNOWN):
        raise CorpusError(
            f"{file}: '{raw}' leads to '{emotion}', which is no emotion name; {nearest(emotion, REFERENCE_LABELS)}"
        )
    return emotion
