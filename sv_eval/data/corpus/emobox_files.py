"""The files of an EmoBox corpus: manifests of several forms, folds, and the speakers in a file of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sv_eval.data.corpus.tree import files_below
from sv_eval.data.storage.place import Place
from sv_eval.data.storage.text import is_file, opened_text
from sv_eval.errors import CorpusError

FOLD_PREFIX = "emobox_fold"
_AUDIO_MAP, _SPEAKERS = "data.seg.audmap", "data.seg.wrd.stm"
# A key may hold blanks, so the columns are counted from what surely is a number.
_MAP_LINE = re.compile(r"(?P<key>.+?) (?P<channel>\d+) (?P<start>[\d.]+) (?P<end>[\d.]+) (?P<path>\S.*)")
_STM_LINE = re.compile(r"<id=(?P<key>.*?),lang=[^,]*,spk=(?P<speaker>.*?),emotion=(?P<label>[^>]*)>")
_FOLD_FILE = re.compile(r"_(?P<part>train|valid|test\d*)_fold_?(?P<fold>\d+)\.(?P<form>jsonl|json)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A clip as a manifest has it."""

    key: str
    """EmoBox's name of the clip."""
    path: str
    """Its audio, beginning with `downloads/`."""
    label: str | None
    """EmoBox's word for its emotion."""
    start_s: float | None
    """Begin in its file, seconds; None for the whole file."""
    end_s: float | None
    """End in its file, seconds."""
    where: str
    """The file and line that said so."""


def whole_files(folder: Path | Place, name: str) -> list[Path | Place]:
    """The files that list the whole corpus: the manifest, else the map of audio, else all parts of one fold."""
    for single in (f"{name}.jsonl", f"{name}.json", _AUDIO_MAP):
        if is_file(folder / single):
            return [folder / single]
    folds = fold_files(folder, name)
    first = [file for split, file in folds.items() if split.split("_")[1] == "fold1"]
    if not first:
        raise CorpusError(f"{folder}: there is neither {name}.jsonl nor a fold; get EmoBox's manifests anew")
    return first


def fold_files(folder: Path | Place, name: str) -> dict[str, Path | Place]:
    """Split name to the file that lists it; the test part of fold 2 is `emobox_fold2`."""
    found: dict[str, tuple[bool, str, str]] = {}
    for path in sorted(path for path, _ in files_below(folder)):
        fold, _, file = path.partition("/")
        match = _FOLD_FILE.fullmatch(file.removeprefix(name)) if file.startswith(f"{name}_") else None
        if match is None or not fold.startswith("fold_"):
            continue
        part = "" if match["part"] == "test" else f"_{match['part']}"
        # EmoBox ships some lists twice: `_fold1` is the older form of `_fold_1`.
        rank = ("_fold_" not in file, "" if match["form"] == "jsonl" else match["form"], path)
        split = f"{FOLD_PREFIX}{int(match['fold'])}{part}"
        found[split] = min(rank, found.get(split, rank))
    return {split: folder / path for split, (_, _, path) in found.items()}


def speakers_of(folder: Path | Place) -> dict[str, str]:
    """Key to speaker, as the stm file has it; empty where there is none."""
    file = folder / _SPEAKERS
    if not is_file(file):
        return {}
    known: dict[str, str] = {}
    speakers: dict[str, str] = {}
    with opened_text(file, errors="surrogateescape") as lines:
        for line in lines:
            match = _STM_LINE.search(line)
            if match is not None:
                speaker = re.sub(r"_\s+", "_", match["speaker"].strip())
                speakers[match["key"]] = known.setdefault(speaker, speaker)
    return speakers


def rows_of(file: Path | Place) -> Iterator[Row]:
    """The clips that a manifest, a fold or a map of audio lists; raises CorpusError with file and line."""
    if file.name == _AUDIO_MAP:
        yield from _mapped(file)
        return
    with opened_text(file, errors="surrogateescape") as lines:
        if file.suffix == ".json":
            for key, value in _json(str(file), lines.read()).items():
                yield _row(f"{file}: {key}", {"key": key, **value} if isinstance(value, Mapping) else {})
            return
        for number, line in enumerate(lines, start=1):
            if line.strip():
                where = f"{file}:{number}"
                yield _row(where, _json(where, line))


def _json(where: str, text: str) -> Mapping[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{where} isn't JSON ({error}); get EmoBox's manifests anew") from error
    if not isinstance(data, Mapping):
        raise CorpusError(f"{where} is {type(data).__name__}, not an object; get EmoBox's manifests anew")
    return data


def _row(where: str, data: Mapping[str, Any]) -> Row:
    """One manifest calls the path `audio` and the label `label`, all others `wav` and `emo`."""
    key, path, label = data.get("key"), data.get("wav") or data.get("audio"), data.get("emo") or data.get("label")
    if not isinstance(key, str) or not isinstance(path, str):
        raise CorpusError(f"{where} lacks a key or a path (wav); it should be a line of EmoBox's manifests")
    return Row(
        key=key,
        path=path,
        label=None if label is None else str(label),
        start_s=_seconds(where, data.get("start_time")),
        end_s=_seconds(where, data.get("end_time")),
        where=where,
    )


def _seconds(where: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise CorpusError(f"{where}: {value!r} is no time in seconds; get EmoBox's manifests anew")
    return float(value)


def _mapped(file: Path | Place) -> Iterator[Row]:
    """A map of audio has no label: the stm file beside it does."""
    labels: dict[str, str] = {}
    stm = file.parent / _SPEAKERS
    if not is_file(stm):
        raise CorpusError(f"{stm} isn't there, and {file.name} alone has no labels; get EmoBox's manifests anew")
    with opened_text(stm, errors="surrogateescape") as lines:
        for line in lines:
            if match := _STM_LINE.search(line):
                labels[match["key"]] = match["label"]
    with opened_text(file, errors="surrogateescape") as lines:
        for number, line in enumerate(lines, start=1):
            match = _MAP_LINE.fullmatch(line.strip())
            if match is None:
                raise CorpusError(
                    f"{file}:{number} isn't `key channel start end path`; get EmoBox's manifests anew"
                )
            start_s = float(match["start"])
            cut = start_s > 0
            yield Row(
                key=match["key"],
                path=match["path"],
                label=labels.get(match["key"]),
                start_s=start_s if cut else None,
                end_s=float(match["end"]) if cut else None,
                where=f"{file}:{number}",
            )
