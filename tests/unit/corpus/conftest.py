"""Small corpora in a temporary folder, and a shorthand for reading them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from sv_eval.corpus.reading import Corpus, dataset_config_from, read_corpus

EMODB = Path(__file__).resolve().parents[4] / "shared" / "data" / "emodb"


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
