"""The emotion vocabulary and the maps that lead into it.

SenseVoice's seven emotions are the canonical names. `other` is a reference label outside the seven (boredom,
contempt); no recogniser is scored on it. `unknown` is a prediction: the model heard speech and declined.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from sv_eval.errors import CorpusError, nearest

EMOTIONS: tuple[str, ...] = ("happy", "sad", "angry", "neutral", "fearful", "disgusted", "surprised")
"""The seven emotions that SenseVoice can say, in its order of token ids."""

OTHER = "other"
UNKNOWN = "unknown"
NO_TAG = "no_tag"
NO_SPEECH = "no_speech"
UNREAD: tuple[str, ...] = ("unparsed", "refused", "hedged")
"""What an answer in words may be that names no emotion: none can be read in it; it declines; it names several."""

REFERENCE_LABELS: tuple[str, ...] = (*EMOTIONS, OTHER)
PREDICTION_LABELS: tuple[str, ...] = (*EMOTIONS, OTHER, UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMap:
    """A corpus's or a service's own words for emotions, led to the canonical names.

    Looking a word up ignores case and surrounding blanks unless `case_sensitive` is set. A token `<|HAPPY|>` is its
    word, and a pair such as `开心/happy` what its parts agree on.
    """

    name: str
    """Whose words these are, e.g. `emodb`."""
    version: int = 1
    """Raised by hand whenever an entry changes."""
    entries: Mapping[str, str] = field(default_factory=dict)
    """Raw word to canonical name."""
    leads_to: tuple[str, ...] = REFERENCE_LABELS
    """The names that entries may lead to; a service's words may mean `unknown`, a corpus's may not."""
    case_sensitive: bool = False
    """Whether `A` and `a` are different words (they are in some corpora's file names)."""

    def __post_init__(self) -> None:
        for raw, canonical in self.entries.items():
            if canonical not in self.leads_to:
                raise CorpusError(
                    f"label map '{self.name}': '{raw}' leads to '{canonical}', which is no emotion name; "
                    + nearest(canonical, self.leads_to)
                )

    def canonical(self, raw: str) -> str | None:
        """The canonical name for `raw`, or None when the map does not hold it."""
        word = raw.strip()
        found = self._word(word)
        if found is None and word.startswith("<|") and word.endswith("|>"):
            found = self._word(word[2:-2].strip())
        if found is None and "/" in word and not self.case_sensitive:
            found = self._pair([part.strip() for part in word.split("/")])
        return found

    def _word(self, word: str) -> str | None:
        if word in self.entries:
            return self.entries[word]
        if self.case_sensitive:
            return None
        folded = word.casefold()
        return next((v for k, v in self.entries.items() if k.casefold() == folded), None)

    def _pair(self, parts: list[str]) -> str | None:
        """What the words of two languages agree on; a word that isn't known may only be of another script."""
        known = {part: self._word(part) for part in parts}
        meant = {name for name in known.values() if name is not None}
        strange = [part for part, name in known.items() if name is None]
        if len(meant) != 1 or not all(part and not part.isascii() for part in strange):
            return None
        return meant.pop()

    @property
    def hash(self) -> str:
        """The first 12 hex digits of a SHA-256 over the entries; two maps with one hash map alike."""
        content = json.dumps([sorted(self.entries.items()), self.case_sensitive], ensure_ascii=False)
        return hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()[:12]


if __name__ == "__main__":
    print(f"sv_eval.emotions is no command, but for programs: import sv_eval.emotions\n\n{__doc__}")
