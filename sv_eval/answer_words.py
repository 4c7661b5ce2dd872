"""What the words of an answer mean: a recogniser says `disappointed`, `<|HAPPY|>` or `生气/angry`.

A word leads to a meaning: an emotion, `other`, `unknown`, or a word that is finer than the seven, which a label map
may make a class. The word itself is kept in the records, so that another map costs no inference.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sv_eval.emotions import EMOTIONS, OTHER, PREDICTION_LABELS
from sv_eval.finer_words import FINE, SPELLINGS

_TAG = re.compile(r"<\|([^<>|]*)\|>")
_BETWEEN = re.compile(r"[/|]")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerWords:
    """A recogniser's own words, with a version and a hash as a corpus's label map has them.

    Signs that stand for emotions may come several at once, `😊 😔`: the most frequent counts, of equals the first.
    Looking a word up ignores case and surrounding blanks; a tag's word is found without its signs, and of a pair
    such as `生气/angry` the halves that are known must mean the same.
    """

    name: str
    """Whose words these are, e.g. `common`."""
    version: int = 1
    """Raised by hand whenever an entry changes."""
    entries: Mapping[str, str] = field(default_factory=dict)
    """Raw word to an emotion, `other`, `unknown`, or a finer word."""

    def meaning(self, raw: str) -> str | None:
        """What a word means; None when no entry holds it."""
        word = raw.strip()
        tag = _TAG.fullmatch(word)
        word = tag[1].strip() if tag else word
        found = self._entry(word)
        if found is not None:
            return found
        signs = word.split()
        if self.is_mixed(word):
            return self._entry(Counter(signs).most_common(1)[0][0])
        halves = {self._entry(half.strip()) for half in _BETWEEN.split(word)} - {None}
        return halves.pop() if len(halves) == 1 else None

    def is_mixed(self, raw: str) -> bool:
        """Whether it is several signs that mean different things."""
        signs = raw.split()
        known = {self.entries.get(sign) for sign in signs if not sign.isalnum()}
        return len(signs) > 1 and None not in known and len(known) > 1

    def with_own(self, own: Mapping[str, str]) -> AnswerWords:
        """The same with a user's own words, which go before these in whatever capitals."""
        folded = {raw.casefold() for raw in own}
        kept = {raw: meaning for raw, meaning in self.entries.items() if raw.casefold() not in folded}
        return replace(self, entries={**kept, **own}) if own else self

    def _entry(self, word: str) -> str | None:
        if word in self.entries:
            return self.entries[word]
        folded = word.casefold()
        return next((to for raw, to in self.entries.items() if raw.casefold() == folded), None)

    @property
    def hash(self) -> str:
        """The first 12 hex digits of a SHA-256 over the entries; two maps with one hash mean alike."""
        content = json.dumps(sorted(self.entries.items()), ensure_ascii=False)
        return hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()[:12]


PLAIN = AnswerWords(
    name="canonical",
    entries=dict(SPELLINGS) | {word: word for word in FINE} | {name: name for name in PREDICTION_LABELS},
)
"""The canonical names and the finer words, for a recogniser that brings no words of its own."""


def canonical_of(meaning: str) -> str:
    """The emotion, `other` or `unknown` that a meaning counts as by default.

    >>> canonical_of("happy"), canonical_of("excited"), canonical_of("disappointment"), canonical_of("wistful")
    ('happy', 'happy', 'other', 'other')
    """
    if meaning in PREDICTION_LABELS:
        return meaning
    return FINE[meaning].default if meaning in FINE else OTHER


def meaning_given(raw: str, target: str) -> str | None:
    """What a user means who leads `raw` to `target`; None for a target that is no meaning.

    `own` and the word itself make it a meaning of its own; a finer word may be given in any of its spellings.

    >>> meaning_given("miffed", "angry"), meaning_given("miffed", "frustrated"), meaning_given("miffed", "own")
    ('angry', 'frustration', 'miffed')
    """
    if target in (*EMOTIONS, *PREDICTION_LABELS):
        return target
    folded = target.casefold()
    if folded in SPELLINGS or target in FINE:
        return SPELLINGS.get(folded, target)
    return raw.strip() if folded in ("own", raw.strip().casefold()) else None


if __name__ == "__main__":
    print(f"sv_eval.answer_words is no command, but for programs: import sv_eval.answer_words\n\n{__doc__}")
