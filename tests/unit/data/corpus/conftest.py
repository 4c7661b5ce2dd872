"""Small corpora in a temporary folder, and a shorthand for reading them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from sv_eval.data.corpus.reading import Corpus, dataset_config_from, read_corpus

EMODB = Path(__file__).resolve().parents[5] / "shared" / "data" / "emodb"


@pytest.fixture
def read() -> Callable[..., Corpus]:
    """Reads a corpus by the values of its configuration."""

    def read_with(**values: Any) -> Corpus:
        return read_corpus(dataset_config_from({"name": "test", **values}))

    return read_with


@pytest.fixture
def sound(tmp_path: Path) -> Callable[..., Path]:
    """Writes a short wav below the temporary folder."""

    def write(path: str, seconds: float = 0.1, value: float = 0.1) -> Path:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(file, np.full(round(16_000 * seconds), value, np.float32), 16_000)
        return file

    return write


@pytest.fixture
def card(tmp_path: Path) -> Callable[..., Path]:
    """Writes a card that lacks nothing, with some of its lines replaced or added."""

    def write(text: str = "", layout: str = "kind: folder", labels: str = "map: {happy: happy, sad: sad}") -> Path:
        folder = tmp_path / "card"
        folder.mkdir(exist_ok=True)
        (folder / "dataset.yaml").write_text(
            "schema_version: 1\nname: mine\ntitle: My corpus\nlicence: {id: CC0-1.0}\n"
            f"source: {{how: Ask me.}}\nlayout: {{{layout}}}\nlabels: {{{labels}}}\n{text}\n",
            encoding="utf-8",
        )
        return folder

    return write


@pytest.fixture
def emodb() -> Path:
    """The real EmoDB recordings."""
    if not EMODB.is_dir():
        pytest.skip(f"the EmoDB recordings aren't here ({EMODB})")
    return EMODB


@pytest.fixture
def tree(tmp_path: Path) -> Callable[..., Path]:
    """Writes files below a folder of the temporary one: names alone are empty files, names with a text hold it."""

    def write(*names: str, encoding: str = "utf-8", folder: str = "root", **texts: str) -> Path:
        root = tmp_path / folder
        for name in names:
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        for name, text in texts.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode(encoding))
        return root

    return write


@pytest.fixture
def told() -> Callable[..., Any]:
    """What a corpus says of its clips, by their ids: some of their fields, or all that a card may know."""

    def tell(corpus: Corpus, *fields: str) -> dict[str, tuple[Any, ...]]:
        names = fields or ("raw_label", "reference", "speaker", "sex", "language", "transcript")
        return {clip.id: tuple(getattr(clip, name) for name in names) for clip in corpus.clips}

    return tell


@pytest.fixture
def codes() -> Callable[[Corpus], dict[str, Any]]:
    """A corpus's notes by their codes; those on single labels and on counts left out."""

    def by_code(corpus: Corpus) -> dict[str, Any]:
        passed = ("disputed", "outside", "outside_disputed", "differs_from_card", "speakers_differ", "text")
        passed += ("companion_absent", "companion_partial")
        return {note.code: dict(note.values) for note in corpus.notes if note.code not in passed}

    return by_code
