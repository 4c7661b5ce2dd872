"""The words of pages, by language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml


@cache
def page_words(language: str) -> Mapping[str, Any]:
    """Those of `words/page_<language>.yaml`."""
    path = Path(__file__).parents[1] / "words" / f"page_{language}.yaml"
    words: Mapping[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return words
