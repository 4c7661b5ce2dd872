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
    # The same in a fifth of the time, where libyaml is there.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    words: Mapping[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    return words
