"""A file's text, wherever that lies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import TextIO

from sv_eval.data.storage.place import Place, StorageError


@contextmanager
def opened_text(
    file: Path | Place, *, encoding: str = "utf-8", errors: str | None = None, newline: str | None = None
) -> Iterator[TextIO]:
    """The file as text, named as for `open`; raises CorpusError where one elsewhere can't be read."""
    if isinstance(file, Path):
        with file.open(encoding=encoding, errors=errors, newline=newline) as text:
            yield text
        return
    try:
        with TextIOWrapper(BufferedReader(file.open()), encoding=encoding, errors=errors, newline=newline) as text:
            yield text
    except StorageError as error:
        raise error.as_corpus_error() from error


def is_file(file: Path | Place) -> bool:
    """Whether it is there; raises CorpusError where nobody can say."""
    try:
        return file.is_file()
    except StorageError as error:
        raise error.as_corpus_error() from error
