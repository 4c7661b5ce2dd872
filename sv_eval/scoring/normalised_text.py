"""Transcripts brought to one form before they are compared, so that spelling habits do not count as errors.

Version 1, in this order:

1. Unicode NFKC: full-width letters and digits become narrow, ligatures and half-width kana whole.
2. Tags such as `<|zh|>` or `<|HAPPY|>` are dropped.
3. Case is folded (Unicode's full case folding, so `ß` is `ss`).
4. An apostrophe inside a word is dropped (`don't` is `dont`); so are invisible format characters.
5. All other punctuation and symbols, emoji among them, become spaces; several spaces one.
6. For character errors, all spaces are dropped.

Digits are left as they are: `3` and `three` differ. Nor are traditional and simplified characters, spellings
(`colour`, `color`), contractions (`it's`, `it is`) or fillers made equal.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

NORMALISATION: Mapping[str, str | int] = {"name": "nfkc-fold-words", "version": 1}
"""What stands in metrics.json; any change that can change a figure raises the version."""

_TAG = re.compile(r"<\|[^<>|]*\|>")
_INNER_APOSTROPHE = re.compile(r"(?<=\w)['\u2019\u02bc](?=\w)")
_PARTS_OF_EMOJI = {0xFE0E, 0xFE0F, 0x20E3}
"""Variation selectors and the keycap: marks by category, and no part of any word."""


class _Replacements(dict[int, int | str | None]):
    """What becomes of a code point, worked out when it is first met."""

    def __missing__(self, point: int) -> int | str | None:
        category = unicodedata.category(chr(point))
        found: int | str | None = point
        if point in _PARTS_OF_EMOJI or category == "Cf":
            found = None
        elif category[0] in "PSZC":
            found = " "
        self[point] = found
        return found


_REPLACEMENTS = _Replacements()


def words(text: str) -> str:
    """The words, a space between each two.

    >>> words("<|en|><|HAPPY|>Don't  go - it's\\uff13 o'clock!\\U0001F60A")
    'dont go its3 oclock'
    """
    text = _TAG.sub(" ", unicodedata.normalize("NFKC", text))
    text = unicodedata.normalize("NFKC", text.casefold())
    text = _INNER_APOSTROPHE.sub("", text).translate(_REPLACEMENTS)
    # What was dropped may have stood between a letter and its accent.
    return " ".join(unicodedata.normalize("NFKC", text).split())


def characters(text: str) -> str:
    """The characters, a space between each two, so that they can be compared as words are.

    >>> characters("\\u4eca\\u5929\\uff0c\\uff2f\\uff2b\\u3002")
    '今 天 o k'
    """
    return " ".join(words(text).replace(" ", ""))
