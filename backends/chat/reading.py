"""How a chat model's answer is read: nothing is ever guessed.

First what was asked for (a JSON object, a letter, a word, alone), then an exact word in a sentence, after Unicode
folding, from a lexicon of the protocol's language. A word that is denied ("not happy"), supposed, or one of several
is no answer. No random choice, no edit distance, no judge.
"""

from __future__ import annotations

import json
import re
import string
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sv_eval.backends.chat.protocol import JSON, LETTERS, Protocol
from sv_eval.config.foreign_yaml import read_yaml

READER_VERSION = 1
"""Raised where the same answer would be read otherwise."""
UNPARSED, REFUSED, HEDGED = "unparsed", "refused", "hedged"
"""Why an answer names no emotion: none can be read in it; it declines to answer; it names several."""
LONGEST_READ = 4000
"""Characters of an answer that are looked at."""

_LEXICA = Path(__file__).parent / "lexicon"
_REASONING = re.compile(
    r"<(think|thinking|thought|reasoning|reflection)>.*?</\1>|◁think▷.*?◁/think▷|"
    r"<\|channel\|>(?:analysis|commentary)<\|message\|>.*?(?=<\|(?:start|channel|end)\|>)",
    re.DOTALL | re.IGNORECASE,
)
_OPEN_REASONING = re.compile(r"<(?:think|thinking|thought|reasoning|reflection)>|◁think▷", re.IGNORECASE)
_SPECIAL = re.compile(r"<\|[^<>|]{0,40}\|>")
_FENCE = re.compile(r"```[a-z]*\n?|```", re.IGNORECASE)
_MARKS = re.compile(r"[*_`#>~]+")
_WORDS = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?", re.UNICODE)
_SENTENCES = re.compile(r"[.!\n。！;；]+|(?<=[?？])")
_CLAUSES = re.compile(
    r"[,，、:：()（）\"“”«»「」—–]+|(?<!anything )\bbut\b|\byet\b|\bhowever\b|但是|但|而是|却", re.IGNORECASE
)
_LEAD = (
    r"(?:the\s+)?(?:(?:correct|right|best|final|my)\s+)?(?:answer|option|choice|letter|emotion)(?:\s+is)?\s*[:：]?\s*"
    r"(?:option\s+)?|"
    r"(?:正确)?(?:答案|选项|選項|选择|選擇)(?:是|为|為)?\s*[:：]?\s*"
)
_LETTER = re.compile(
    rf"(?:{_LEAD})?[(（\[]?\s*([a-z])\s*[)）\]]?\s*(?:[.:：、,，)\-–]\s*(.*?))?\s*[.。!！]?", re.IGNORECASE
)
_ALONE = re.compile(rf"(?:{_LEAD})?[\"'“”「」\[(（]*\s*(.*?)\s*[\"'“”「」\])）]*\s*[.。!！,，]?", re.IGNORECASE)
_BESIDE = re.compile(r"([a-z])\s+(\S+?)\s*[.。!！]?")
_NAMED = re.compile(
    r"(?:(?i:answer|option|choice|letter)(?:\s+(?i:is|would be))?\s*:?\s*|(?:答案|选项|選項)(?:是|为|為)?\s*:?\s*)"
    r"[(\[]?\s*([A-Z])(?![A-Za-z'])[)\]]?"
)
_JSON = re.compile(r"\{[^{}]*\}")
_CJK, _KANA, _HANGUL = (re.compile(f"[{one}]") for one in ("\u4e00-\u9fff", "\u3040-\u30ff", "\uac00-\ud7af"))
_MOSTLY = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read in an answer."""

    emotion: str | None
    """The emotion, or `unknown` where that is an option; None where none can be read."""
    why: str | None = None
    """Without one: UNPARSED, REFUSED or HEDGED."""
    word: str | None = None
    """The word or letter that decided, as it stands in the answer."""


_NOTHING = Reading(emotion=None, why=UNPARSED)


def read_answer(text: str, protocol: Protocol, order: Sequence[str]) -> Reading:
    """What `text` answers to the options in `order`.

    >>> from sv_eval.backends.chat.protocol import protocol_of
    >>> letters = protocol_of("letters_en")
    >>> order = tuple(letters.options)
    >>> [read_answer(one, letters, order).emotion for one in ("B", "(B) sad", "Not happy.", "The speaker is sad.")]
    ['sad', 'sad', None, 'sad']
    """
    plain = _plain(text[:LONGEST_READ])
    if plain is None or not plain:
        return _NOTHING
    lexicon = _lexicon(protocol.language)
    options = {_folded(word): name for name, word in protocol.options.items()}
    if protocol.form == JSON and (found := _in_json(plain, protocol, options, lexicon)) is not None:
        return found
    flat = _folded(_MARKS.sub(" ", _FENCE.sub(" ", plain)))
    if protocol.form == LETTERS and (found := _by_letter(flat, order, options, lexicon)) is not None:
        return found
    if protocol.form == LETTERS and (found := _by_named_letter(plain, flat, order, options, lexicon)) is not None:
        return found
    alone = _ALONE.fullmatch(flat)
    if alone is not None and (name := _means(alone[1], options, lexicon)) is not None:
        return Reading(emotion=name, word=alone[1])
    return _in_prose(flat, options, lexicon)


@dataclass(frozen=True, slots=True)
class _Lexicon:
    """The words of a language."""

    words: Mapping[str, str]
    denials: tuple[str, ...]
    alternatives: tuple[str, ...]
    frames: tuple[str, ...]
    refusals: tuple[str, ...]
    common: frozenset[str]
    spaced: bool
    """Whether blanks stand between words."""


@cache
def _lexicon(language: str) -> _Lexicon:
    data: Mapping[str, Any] = read_yaml((_LEXICA / f"{language}.yaml").read_text(encoding="utf-8"))
    return _Lexicon(
        words={_folded(word): name for name, words in data["words"].items() for word in words},
        denials=tuple(_folded(str(word)) for word in data["denials"]),
        alternatives=tuple(_folded(str(word)) for word in data["alternatives"]),
        frames=tuple(_folded(word) for word in data["frames"]),
        refusals=tuple(_folded(word) for word in data["refusals"]),
        common=frozenset(_folded(str(word)) for word in data["common"]),
        spaced=language != "zh",
    )


def _plain(text: str) -> str | None:
    """The answer without what the model told itself and a server's marks; None where it never came to an answer."""
    told = _REASONING.sub(" ", text)
    if _OPEN_REASONING.search(told):
        return None
    return _SPECIAL.sub(" ", told).strip()


def _folded(text: str) -> str:
    flat = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    return " ".join("".join(one for one in flat if unicodedata.category(one) != "Cf").split())


def _means(word: str, options: Mapping[str, str], lexicon: _Lexicon) -> str | None:
    """The option that a word is, whole; other words of the lexicon stand for options that were there."""
    if word in options:
        return options[word]
    name = lexicon.words.get(word)
    return name if name in options.values() else None


def _in_json(text: str, protocol: Protocol, options: Mapping[str, str], lexicon: _Lexicon) -> Reading | None:
    """By the one object that holds the key; None where there is none."""
    found = []
    for part in _JSON.findall(text):
        try:
            data = json.loads(part)
        except (ValueError, RecursionError):
            continue
        if protocol.key in data:
            found.append(data[protocol.key])
    if not found:
        return None
    said = [one for each in found for one in (each if isinstance(each, list) else [each])]
    words = [_folded(one) if isinstance(one, str) else None for one in said]
    names = [None if word is None else _means(word, options, lexicon) for word in words]
    if len({*names}) > 1 and None not in names:
        return Reading(emotion=None, why=HEDGED)
    if len({*names}) == 1 and names[0] is not None:
        return Reading(emotion=names[0], word=words[0])
    declined = any(word is not None and any(one in word for one in lexicon.refusals) for word in words)
    return Reading(emotion=None, why=REFUSED if declined else UNPARSED)


def _by_letter(flat: str, order: Sequence[str], options: Mapping[str, str], lexicon: _Lexicon) -> Reading | None:
    """By a letter, which the option's word may follow; None where the answer is something else."""
    by_letter = dict(zip(string.ascii_lowercase, order, strict=False))
    if several := _letters(flat):
        named = {by_letter.get(letter) for letter in several}
        return Reading(emotion=None, why=HEDGED) if None not in named and len(named) > 1 else _NOTHING
    match = _LETTER.fullmatch(flat)
    beside = _BESIDE.fullmatch(flat)
    if (
        beside is not None
        and beside[1] in by_letter
        and _means(beside[2], options, lexicon) == by_letter[beside[1]]
    ):
        return Reading(emotion=by_letter[beside[1]], word=beside[1])
    if match is None or match[1] not in by_letter:
        return None
    name, rest = by_letter[match[1]], (match[2] or "").strip(" .\"'")
    if rest:
        said = _means(rest, options, lexicon)
        if said is None:
            said = _claimed(rest, options, lexicon)
        # A letter and another option's word contradict each other.
        if said is not None and said != name:
            return Reading(emotion=None, why=HEDGED)
        if said is None:
            return None
    return Reading(emotion=name, word=match[1])


def _by_named_letter(
    plain: str, flat: str, order: Sequence[str], options: Mapping[str, str], lexicon: _Lexicon
) -> Reading | None:
    """By a capital letter that a sentence calls its answer; None where none does, or the sentence says more."""
    text = unicodedata.normalize("NFKC", _MARKS.sub(" ", plain))
    matches = list(_NAMED.finditer(text))
    denials = _pattern(lexicon.denials, spaced=lexicon.spaced)
    if any(denials.search(_folded(_SENTENCES.split(text[: match.start()])[-1])) for match in matches):
        return None
    named = {match[1].casefold() for match in matches}
    by_letter = dict(zip(string.ascii_lowercase, order, strict=False))
    if len(named) != 1 or not named <= set(by_letter) or any(one in flat for one in lexicon.refusals):
        return None
    (letter,) = named
    also = {name for name, _ in _claims(flat, options, lexicon)}
    if also - {by_letter[letter]}:
        return Reading(emotion=None, why=HEDGED)
    return Reading(emotion=by_letter[letter], word=letter)


def _letters(flat: str) -> list[str]:
    """Several letters and nothing else."""
    parts = re.split(r"\s*(?:,|/|&|、|，|\bor\b|\band\b|或|和)\s*", flat.strip(" .。"))
    letters = [part.strip("()（）[]") for part in parts]
    return letters if len(letters) > 1 and all(re.fullmatch("[a-z]", letter) for letter in letters) else []


def _claimed(text: str, options: Mapping[str, str], lexicon: _Lexicon) -> str | None:
    """The one emotion that a text claims; None for none and for several."""
    names = {name for name, _ in _claims(text, options, lexicon)}
    return names.pop() if len(names) == 1 else None


def _in_prose(flat: str, options: Mapping[str, str], lexicon: _Lexicon) -> Reading:
    """By the one emotion that sentences claim."""
    if any(one in flat for one in lexicon.refusals):
        return Reading(emotion=None, why=REFUSED)
    if not _speaks(flat, options, lexicon):
        return _NOTHING
    claims = list(_claims(_pattern(lexicon.frames, spaced=lexicon.spaced).sub(" ", flat), options, lexicon))
    names = {name for name, _ in claims}
    if len(names) > 1:
        return Reading(emotion=None, why=HEDGED)
    return Reading(emotion=claims[0][0], word=claims[0][1]) if names else _NOTHING


def _speaks(flat: str, options: Mapping[str, str], lexicon: _Lexicon) -> bool:
    """Whether a text is of the lexicon's language: a word of one is often a word of another, and means something
    else there."""
    if not lexicon.spaced:
        letters = [one for one in flat if one.isalpha()]
        chinese = sum(bool(_CJK.match(one)) for one in letters)
        return (
            bool(letters)
            and not _KANA.search(flat)
            and not _HANGUL.search(flat)
            and chinese > _MOSTLY * len(letters)
        )
    others = [word for word in _WORDS.findall(flat) if word not in lexicon.words and word not in options]
    known = sum(
        word in lexicon.common or word in lexicon.denials or word in lexicon.alternatives for word in others
    )
    return known >= _MOSTLY * len(others)


def _claims(flat: str, options: Mapping[str, str], lexicon: _Lexicon) -> Iterator[tuple[str, str]]:
    """Emotions that are said to be there, with their words: not denied in their clause, not asked about."""
    alternative = _pattern(lexicon.alternatives, spaced=lexicon.spaced)
    for sentence in _SENTENCES.split(flat):
        if sentence.rstrip().endswith(("?", "？", "吗", "嗎")):
            continue
        claimed = [one for clause in _CLAUSES.split(sentence) for one in _claimed_in(clause, options, lexicon)]
        # One of several of which the others are no options.
        if alternative.search(sentence) is None or len({name for name, _ in claimed}) > 1:
            yield from claimed


def _claimed_in(clause: str, options: Mapping[str, str], lexicon: _Lexicon) -> list[tuple[str, str]]:
    words = {**lexicon.words, **options}
    known = {word: name for word, name in words.items() if name in options.values()}
    pattern = _pattern(tuple(sorted(known, key=len, reverse=True)), spaced=lexicon.spaced)
    denied = _pattern(lexicon.denials, spaced=lexicon.spaced).search(clause)
    return [
        (known[match[0]], match[0])
        for match in pattern.finditer(clause)
        if denied is None or match.start() < denied.start()
    ]


@cache
def _pattern(words: tuple[str, ...], *, spaced: bool) -> re.Pattern[str]:
    either = "|".join(re.escape(word) for word in words)
    return re.compile(rf"(?<![\w'-])(?:{either})(?![\w'-])" if spaced else either)
