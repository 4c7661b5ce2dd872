"""How many words or characters of each clip were recognised wrongly.

Transcripts are brought to one form before they are compared, so that spelling habits do not count as errors.
Version 1 of it, in this order:

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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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


WER = "wer"
"""Word error rate: `(substitutions + deletions + insertions) / words spoken`."""
CER = "cer"
"""The same of characters, for languages that put no reliable spaces between words."""
BY_CHARACTER = frozenset(("zh", "cmn", "yue", "wuu", "nan", "hak", "ja", "ko"))
"""The languages that are measured by characters: Chinese in its kinds, Japanese, Korean."""
_SCRIPTS = ("CJK UNIFIED", "HIRAGANA", "KATAKANA", "HANGUL")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipErrors:
    """The least edits that make what was recognised into what was spoken, in columns; one entry a clip."""

    substitutions: NDArray[np.int64]
    """Words, or characters, taken for others."""
    deletions: NDArray[np.int64]
    """Spoken and not recognised."""
    insertions: NDArray[np.int64]
    """Recognised and not spoken."""
    units: NDArray[np.int64]
    """Words, or characters, spoken; at least 1."""

    @property
    def edits(self) -> NDArray[np.int64]:
        """All three together."""
        return self.substitutions + self.deletions + self.insertions


def primary(language: str) -> str:
    """The language of a tag, without region or script.

    >>> primary("zh-Hant-TW"), primary("EN_gb")
    ('zh', 'en')
    """
    return language.replace("_", "-").partition("-")[0].casefold()


def measure_of(language: str | None, transcript: str) -> str:
    """What a clip's transcript is measured by: its language decides, or its script where that is not known.

    >>> measure_of("de", "Der Lappen"), measure_of("yue", ""), measure_of(None, "\\u4eca\\u5929")
    ('wer', 'cer', 'cer')
    """
    if language is not None:
        return CER if primary(language) in BY_CHARACTER else WER
    named = (unicodedata.name(letter, "") for letter in transcript)
    return CER if any(name.startswith(_SCRIPTS) for name in named) else WER


def normalised(text: str, measure: str) -> str:
    """The text as the measure compares it, a space between each two units."""
    return words(text) if measure == WER else characters(text)


def clip_errors(spoken: Sequence[str], recognised: Sequence[str]) -> ClipErrors:
    """The errors of texts that are already normalised; none that was spoken may be empty."""
    import jiwer

    counts = np.zeros((len(spoken), 4), dtype=np.int64)
    if len(spoken):
        found = jiwer.process_words(list(spoken), list(recognised))
        for row, chunks, reference in zip(counts, found.alignments, found.references, strict=True):
            row[3] = len(reference)
            for chunk in chunks:
                if chunk.type == "substitute":
                    row[0] += chunk.ref_end_idx - chunk.ref_start_idx
                elif chunk.type == "delete":
                    row[1] += chunk.ref_end_idx - chunk.ref_start_idx
                elif chunk.type == "insert":
                    row[2] += chunk.hyp_end_idx - chunk.hyp_start_idx
    substitutions, deletions, insertions, units = counts.T
    return ClipErrors(substitutions=substitutions, deletions=deletions, insertions=insertions, units=units)
