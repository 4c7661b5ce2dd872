"""Croissant: what a manifest holds, as JSON-LD that data catalogues and loaders read."""

from __future__ import annotations

import csv
import hashlib
import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sv_eval.data.corpus.schema import Card
from sv_eval.dimensions import DIMENSIONS
from sv_eval.errors import MissingPackageError, RunDirectoryError
from sv_eval.written_files import write_whole

_CLIPS = "clips"
_NUMBERS = frozenset({"start", "end", *DIMENSIONS})
_SAYS = {
    "id": "The clip's name, unique within the corpus.",
    "path": "Where the audio is, relative to the corpus's folder.",
    "emotion": "The emotion that is taken for true, by its canonical name.",
    "speaker": "Who speaks.",
    "sex": "The speaker's: female or male.",
    "age": "The speaker's, years.",
    "accent": "The speaker's, in the corpus's own word.",
    "language": "BCP 47 tag.",
    "transcript": "The words spoken.",
    "start": "Where the utterance begins in its file, seconds.",
    "end": "Where it ends, seconds.",
    "split": "Which part of the corpus it is in.",
    "channel": "Which channel of its file is heard, from 1.",
    "votes": "What raters said, as JSON.",
    "emotions": "All that is true of it, as JSON.",
    "raw_label": "The corpus's own word for the emotion.",
    **{name: f"The clip's {name}, in the range that the corpus declares." for name in DIMENSIONS},
}


def croissant_beside(manifest: Path) -> Path:
    """The file that describes a manifest; raises RunDirectoryError where it is there already.

    Raises MissingPackageError where it could not be written.
    """
    _package()
    file = manifest.with_suffix(".croissant.json")
    if file.exists():
        raise RunDirectoryError(f"{file}: is there already; remove it, or give another file=FILE")
    return file


def write_croissant(card: Card, manifest: Path, file: Path) -> None:
    """Describe a manifest that lies in the same folder: licence, citation, columns and their meaning.

    Columns in which no clip has anything are left out.
    """
    content = _metadata(card, manifest).to_json()
    write_whole(file, json.dumps(content, indent=1, ensure_ascii=False, default=_day) + "\n")


def _package() -> Any:
    try:
        import mlcroissant
    except ImportError as error:
        raise MissingPackageError(
            "table.croissant needs another package; pip install 'sv-eval[croissant]'"
        ) from error
    return mlcroissant


def _metadata(card: Card, manifest: Path) -> Any:
    mlc = _package()
    table = mlc.FileObject(
        id=manifest.name,
        name=manifest.name,
        description="A row for each clip.",
        content_url=manifest.name,
        encoding_formats=[mlc.EncodingFormat.CSV],
        sha256=hashlib.sha256(manifest.read_bytes()).hexdigest(),
    )
    fields = [
        mlc.Field(
            id=f"{_CLIPS}/{column}",
            name=column,
            description=_SAYS.get(column, column),
            data_types=[mlc.DataType.FLOAT if column in _NUMBERS else mlc.DataType.TEXT],
            source=mlc.Source(file_object=manifest.name, extract=mlc.Extract(column=column)),
        )
        for column in _used_columns(manifest)
    ]
    clips = mlc.RecordSet(
        id=_CLIPS, name=_CLIPS, description="The clips of the corpus.", key=[f"{_CLIPS}/id"], fields=fields
    )
    return mlc.Metadata(
        name=card.name,
        description=" ".join((card.title, *card.notes)),
        license=[card.licence.url or card.licence.id],
        url=card.source.url,
        cite_as=card.citation,
        in_language=[card.language] if card.language else None,
        keywords=["speech emotion recognition", *card.label_order],
        distribution=[table],
        record_sets=[clips],
    )


def _used_columns(manifest: Path) -> list[str]:
    with manifest.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream)
        columns = list(rows.fieldnames or ())
        used: set[str] = set()
        for row in rows:
            used |= {name for name in columns if row[name]}
            if len(used) == len(columns):
                break
    return [name for name in columns if name in used]


def _day(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} is no JSON")
