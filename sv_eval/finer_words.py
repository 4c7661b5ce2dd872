"""Words for emotions that are finer than SenseVoice's seven, and what they count as by default.

Cards use these words as the `meanings` of their raw labels, so that one switch, `labels.merges.calm=neutral`, means
the same in every corpus. A card's own map holds the default; a test keeps the cards and this table together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sv_eval.emotions import OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class FineWord:
    """A word outside the seven emotions."""

    default: str
    """The canonical name that cards lead it to."""
    alternatives: tuple[str, ...] = ()
    """What others count it as."""
    spellings: tuple[str, ...] = ()
    """How corpora without a card write it, in lower case."""


def _word(default: str, alternatives: str, spellings: str) -> FineWord:
    return FineWord(default=default, alternatives=tuple(alternatives.split()), spellings=tuple(spellings.split()))


FINE: Mapping[str, FineWord] = {
    "excited": _word("happy", "other", "excited excitement exc 兴奋 激动"),
    "pleasant_surprise": _word("surprised", "happy", "pleasant_surprise pleasant_surprised"),
    "calm": _word(OTHER, "neutral", "calm"),
    "boredom": _word(OTHER, "neutral", "boredom bored boredem 无聊"),
    "frustration": _word(OTHER, "angry", "frustration frustrated fru"),
    "contempt": _word(OTHER, "disgusted", "contempt contemptuous 轻蔑 鄙视"),
    "worry": _word(OTHER, "fearful", "worry worried 担心 担忧"),
    "anxiety": _word(OTHER, "fearful", "anxiety anxious 焦虑"),
    "disappointment": _word(OTHER, "sad", "disappointment disappointed 失望"),
    "amusement": _word(OTHER, "happy", "amusement amused"),
    "playfulness": _word(OTHER, "happy", "playfulness playful"),
    "enthusiasm": _word(OTHER, "happy", "enthusiasm enthusiastic"),
    "pleasure": _word(OTHER, "happy", "pleasure"),
    "sleepiness": _word(OTHER, "neutral", "sleepiness sleepy 困倦"),
    "sarcasm": _word(OTHER, "", "sarcasm sarcastic"),
    "apology": _word(OTHER, "", "apology apologetic"),
    "assertiveness": _word(OTHER, "", "assertiveness assertive"),
    "concern": _word(OTHER, "", "concern concerned"),
    "encouragement": _word(OTHER, "", "encouragement encouraging"),
    "pain": _word(OTHER, "", "pain"),
    "breath": _word(OTHER, "", "breath"),
    "no_agreement": _word(OTHER, "", "no_agreement xxx"),
    OTHER: _word(OTHER, "", "other oth"),
}
"""By word, in the order in which tables show them."""

NEVER_A_CLASS = ("no_agreement", OTHER)
"""Words that name the absence of a judgement; they never are a class of their own."""

SPELLINGS: Mapping[str, str] = {spelling: word for word, fine in FINE.items() for spelling in fine.spellings}
"""Spelling to word."""


if __name__ == "__main__":
    print(f"sv_eval.finer_words is no command, but for programs: import sv_eval.finer_words\n\n{__doc__}")
