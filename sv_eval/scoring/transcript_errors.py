"""How many words or characters of each clip were recognised wrongly."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.scoring.normalised_text import characters, words

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
