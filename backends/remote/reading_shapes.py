"""Where an answer that nobody has described holds the emotion, its scores, the text and the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sv_eval.answer_words import AnswerWords

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DEPTH = 6
_MOST = 2000
_EMOTION = (
    "emotion",
    "predicted_emotion",
    "dominant_emotion",
    "top_emotion",
    "emo",
    "mood",
    "sentiment",
    "feeling",
)
_LABEL = ("label", "prediction", "predicted", "class", "category", "result")
_CONFIDENCE = ("confidence", "score", "probability", "prob", "certainty")
_TEXT = ("text", "transcript", "transcription", "sentence", "asr", "utterance")
_LANGUAGE = ("language", "lang")
_EVENT = ("event", "audio_event")
_DURATION = ("duration", "audio_duration", "duration_s", "length", "audio_length")
_SERVER_MS = ("processing_time_ms", "processing_ms", "latency_ms", "elapsed_ms", "inference_ms", "took_ms")
_TAGS = re.compile(r"<\|[A-Z]")


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A value of an answer, with the names that lead to it."""

    path: str
    name: str
    value: Any
    depth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What an answer holds, as JSONPath, by the names that a generic dialect has for it."""

    paths: Mapping[str, str] = field(default_factory=dict)
    """`emotion`, `scores`, `score_labels`, `confidence`, `text`, `language`, `event`, `server_ms`."""
    duration: str | None = None
    """Where the audio's length stands; nothing reads it."""
    word: str | None = None
    """The emotion's word."""
    emoji: bool = False
    """Whether nothing but emoji in the text tells the emotion."""

    @property
    def tells_emotions(self) -> bool:
        """Whether an emotion was found."""
        return self.word is not None


def shape_of(content: Any, words: AnswerWords) -> Shape:
    """What a JSON answer holds, by the names of its members and by what `words` know.

    >>> shape_of({"data": {"mood": "sad", "score": 0.9}}, AnswerWords(name="w", entries={"sad": "sad"})).paths
    {'emotion': '$.data.mood', 'confidence': '$.data.score'}
    """
    leaves = list(_leaves(content))
    paths: dict[str, str] = {}
    emotion = _emotion(leaves, words)
    scores = _scores(leaves, words)
    text = _named(leaves, _TEXT, lambda value: isinstance(value, str))
    word, emoji = None, False
    if emotion is not None:
        paths["emotion"], word = emotion.path, str(emotion.value)
    paths |= scores
    if emotion is None and scores:
        word = "the highest score"
    confidence = _named(leaves, _CONFIDENCE, lambda value: _is_number(value) and 0 <= value <= 1)
    if confidence is not None and not any(confidence.path.startswith(path) for path in scores.values()):
        paths["confidence"] = confidence.path
    if text is not None and (emotion is None or text.path != emotion.path):
        paths["text"] = text.path
        if word is None and _TAGS.search(text.value):
            word = "a tag in the text"
        elif word is None and any(words.meaning(sign) for sign in text.value if not sign.isalnum()):
            word, emoji = "an emoji in the text", True
    for part, names, fits in (
        ("language", _LANGUAGE, lambda value: isinstance(value, str)),
        ("event", _EVENT, lambda value: isinstance(value, str)),
        ("server_ms", _SERVER_MS, _is_number),
    ):
        found = _named(leaves, names, fits)
        if found is not None:
            paths[part] = found.path
    duration = _named(leaves, _DURATION, _is_number)
    return Shape(paths=paths, duration=duration.path if duration else None, word=word, emoji=emoji)


def _leaves(content: Any) -> Iterator[_Leaf]:
    """Every value, objects and lists too, the nearest first; of a list the first member."""
    waiting = [_Leaf("$", "", content, 0)]
    count = 0
    while waiting and count < _MOST:
        leaf = waiting.pop(0)
        count += 1
        yield leaf
        if leaf.depth >= _DEPTH:
            continue
        if isinstance(leaf.value, Mapping):
            waiting += [
                _Leaf(f"{leaf.path}{_step(str(name))}", str(name).lower(), value, leaf.depth + 1)
                for name, value in leaf.value.items()
            ]
        elif isinstance(leaf.value, list) and leaf.value:
            waiting.append(_Leaf(f"{leaf.path}[0]", leaf.name, leaf.value[0], leaf.depth + 1))


def _step(name: str) -> str:
    """A member's name as a step of a path (RFC 9535).

    >>> _step("mood"), _step("the mood"), _step("it's")
    ('.mood', "['the mood']", "['it\\\\'s']")
    """
    if _PLAIN_NAME.fullmatch(name):
        return f".{name}"
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


def _emotion(leaves: list[_Leaf], words: AnswerWords) -> _Leaf | None:
    """The text that is most likely the emotion: by its name and by what it says."""
    best, most = None, 0
    for leaf in leaves:
        if not isinstance(leaf.value, str) or not leaf.value.strip():
            continue
        known = words.meaning(leaf.value) is not None
        named = 2 if leaf.name in _EMOTION or "emotion" in leaf.name else 1 if leaf.name in _LABEL else 0
        likely = 4 * known + named if known or named == 2 else 0
        if leaf.name in _TEXT:
            likely = 0
        if likely > most:
            best, most = leaf, likely
    return best


def _scores(leaves: list[_Leaf], words: AnswerWords) -> dict[str, str]:
    """An object of numbers by words that are known, two lists side by side, or a list of objects."""
    for leaf in leaves:
        value = leaf.value
        if isinstance(value, Mapping) and len(value) > 1 and all(map(_is_number, value.values())):
            known = sum(words.meaning(str(name)) is not None for name in value)
            if 2 * known >= len(value):
                return {"scores": leaf.path}
        if isinstance(value, list) and len(value) > 1 and all(isinstance(one, Mapping) for one in value):
            first = value[0]
            word = next((str(n) for n, v in first.items() if isinstance(v, str) and words.meaning(v)), None)
            number = next(
                (str(n) for n, v in first.items() if _is_number(v) and str(n).lower() in _CONFIDENCE), None
            )
            if word is not None and number is not None:
                every = f"{leaf.path}[*]"
                return {"scores": every + _step(number), "score_labels": every + _step(word)}
    texts = [one for one in leaves if _is_list_of(one.value, lambda v: isinstance(v, str) and words.meaning(v))]
    for leaf in leaves:
        if _is_list_of(leaf.value, _is_number):
            beside = next((one for one in texts if len(one.value) == len(leaf.value)), None)
            if beside is not None:
                return {"scores": leaf.path, "score_labels": beside.path}
    return {}


def _is_list_of(value: Any, fits: Callable[[Any], object]) -> bool:
    return isinstance(value, list) and len(value) > 1 and all(fits(one) for one in value)


def _named(leaves: list[_Leaf], names: tuple[str, ...], fits: Callable[[Any], object]) -> _Leaf | None:
    """The nearest value of one of these names, in the names' order."""
    found = [leaf for leaf in leaves if leaf.name in names and fits(leaf.value)]
    return min(found, key=lambda leaf: (names.index(leaf.name), leaf.depth), default=None)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
