"""From what a service says to a prediction: words, tags, emoji and pairs become the canonical emotions.

Sources of the words: SenseVoice's tags and the emoji that its own text form replaces them with; emotion2vec's
Chinese/English pairs; the adjectives and nouns that services use.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from sv_eval.answer_words import AnswerWords, canonical_of, meaning_given
from sv_eval.backends.remote.errors import NOT_UNDERSTOOD, RemoteError
from sv_eval.backends.remote.typed_fields import (
    mapping_in,
    needed_number,
    numbers_in,
    objects_in,
    share_in,
    text_in,
)
from sv_eval.backends.sensevoice.tokens import EVENT_PIECES, LANGUAGE_PIECES
from sv_eval.common_words import COMMON_VERSION, COMMON_WORDS
from sv_eval.dimensions import those_in
from sv_eval.emotions import EMOTIONS, OTHER, PREDICTION_LABELS, UNKNOWN
from sv_eval.errors import ConfigError, nearest
from sv_eval.finer_words import FINE, NEVER_A_CLASS, SPELLINGS
from sv_eval.records import Passage, Prediction, Segment

_TAG = re.compile(r"<\|([^<>|]*)\|>")
_LANGUAGES = frozenset(LANGUAGE_PIECES)
_EVENTS = {name.casefold(): name for name in EVENT_PIECES}
_NO_SPEECH = "nospeech"
_SUM_SLACK = 0.02
_ROUNDING = 1e-4
_MOST_KNOWN = 10_000
"""Words that are remembered: a service may answer with ever new ones."""
LONGEST_WORD = 200
"""A service's word is kept to this length."""
_LONGEST_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedAnswer:
    """What a service answered, in its own words."""

    emotion: str | None = None
    """Its word for the emotion; None or empty where it has none outside of the text."""
    text: str = ""
    """The transcript; tags and emoji in it are read where there is no word."""
    scores: Mapping[str, float] | None = None
    """Its scores by its own words."""
    confidence: float | None = None
    """How sure it is of the emotion, 0 to 1."""
    language: str | None = None
    event: str | None = None
    segments: tuple[Segment, ...] = ()
    """Stretches, with canonical labels already."""
    no_speech: bool = False
    """Whether it said that there is no speech."""
    unread: str | None = None
    """Of an answer in words of which none is an emotion: why, as `Prediction` has it."""
    raw_answer: str | None = None
    """Such an answer as it came."""
    outside: float | None = None
    """How much of a first word's probability was on none of the options."""
    dimensions: Mapping[str, float | None] | None = None
    """Arousal, valence and dominance, those that it has."""
    tokens: Mapping[str, int] | None = None
    """The tokens that it says it took, as `Prediction` has them."""
    sent: str | None = None
    """What the request's body hashes to, as `Prediction` has it."""
    model: str | None = None
    """The model that it says has answered."""
    server_ms: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds by its own stages, where the answer holds them."""
    where: str = "the answer"
    """Which part of the answer the emotion was looked for in."""
    excerpt: str = ""
    """That part, shortened, for messages."""


@dataclass(frozen=True, slots=True)
class _Tags:
    """What the tags of a text say."""

    emotion: str | None
    language: str | None
    event: str | None
    no_speech: bool
    found: bool
    """Whether there was any tag at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerParser:
    """What the words of a service mean, and how its answers are read.

    words: what they mean. emoji: whether emoji in a text are read, and taken out of it. further: the meanings
    beside the emotions that a user's own words lead to. cut_off: from what on the service tells the score of an
    emotion; None where its scores are a posterior.
    """

    words: AnswerWords
    emoji: Mapping[str, str] = field(default_factory=dict)
    further: tuple[str, ...] = ()
    cut_off: float | None = None
    _known: dict[str, str | None] = field(default_factory=dict)

    def prediction(
        self,
        parsed: ParsedAnswer,
        stages_ms: Mapping[str, float],
        passage: Callable[[], Passage | None] = lambda: None,
    ) -> Prediction:
        """The prediction that the answer amounts to; `passage` is called once it is read.

        A word that no map holds is kept and is no label. Raises RemoteError, kind `not_understood`, for a part of
        the answer of a type that it can't have.
        """
        parsed = in_types(parsed)
        tags = self._tags(parsed.text)
        text = _TAG.sub("", parsed.text).strip() if tags.found else parsed.text
        said = parsed.emotion or tags.emotion
        if said is None and self.emoji:
            said = self._signs(text)
        label = None if said is None else self.canonical(said)
        if self.emoji:
            text = _without(text, self.emoji)
        if parsed.no_speech or (said is None and tags.no_speech):
            return Prediction(no_speech=True, stages_ms=dict(stages_ms), passage=passage())
        scores = self._scores(parsed.scores)
        return Prediction(
            label=label,
            raw_label=None if said is None else said.strip()[:LONGEST_WORD],
            forced=_forced(label, scores),
            scores=scores,
            cut_off=None if scores is None else self.cut_off,
            confidence=_confidence(label, scores, parsed.confidence),
            # An answer in words is no transcript.
            text=text if parsed.raw_answer is None else None,
            language=parsed.language or tags.language,
            event=parsed.event or tags.event,
            segments=parsed.segments,
            stages_ms=dict(stages_ms),
            unread=parsed.unread if label is None else None,
            raw_answer=parsed.raw_answer,
            outside=parsed.outside,
            dimensions=dimensions_in(parsed.dimensions) or None,
            tokens=parsed.tokens,
            sent=parsed.sent,
            passage=passage(),
        )

    def by_emoji(self, parsed: ParsedAnswer) -> bool:
        """Whether nothing but an emoji tells the emotion of an answer."""
        parsed = in_types(parsed)
        if parsed.emotion or not self.emoji or self._tags(parsed.text).emotion is not None:
            return False
        return self._signs(parsed.text) is not None

    def canonical(self, raw: str) -> str | None:
        """The canonical name of a word, a tag or a pair such as `生气/angry`; None where no map holds it."""
        if raw not in self._known:
            meaning = self.words.meaning(raw)
            found = None if meaning is None else canonical_of(meaning)
            if len(self._known) >= _MOST_KNOWN:
                return found
            self._known[raw] = found
        return self._known[raw]

    def _tags(self, text: str) -> _Tags:
        names = _TAG.findall(text)
        if not names:
            return _Tags(None, None, None, no_speech=False, found=False)
        language = next((name for name in names if name in _LANGUAGES), None)
        event = next((_EVENTS[name.casefold()] for name in names if name.casefold() in _EVENTS), None)
        labels = _by_stretch(names, self._is_emotion)
        silent = not labels and _NO_SPEECH in names
        return _Tags(self._most_frequent(labels), language, event, no_speech=silent, found=True)

    def _is_emotion(self, name: str) -> bool:
        return name not in _LANGUAGES and name.casefold() not in _EVENTS and self.canonical(name) is not None

    def _most_frequent(self, words: list[str]) -> str | None:
        """The word of most stretches, of equals the first; one for `unknown` only where nothing else was said."""
        named = [word for word in words if self.canonical(word) != UNKNOWN]
        counted = Counter(map(self.canonical, named or words)).most_common(1)
        return next((word for word in words if self.canonical(word) == counted[0][0]), None) if counted else None

    def _signs(self, text: str) -> str | None:
        """The emoji that tell emotions, in order, with blanks between them; None without any.

        SenseVoice's text form leaves one sign for stretches of one emotion that follow each other. Where all signs
        are of one emotion they are that sign; others can't tell how many stretches were of which.
        """
        telling = {sign for sign, label in self.emoji.items() if label}
        found = [character for character in text if character in telling]
        return " ".join(found[:1] if len(set(found)) == 1 else found) or None

    def _scores(self, raw: Mapping[str, float] | None) -> dict[str, float] | None:
        """The posterior by canonical names; None where the numbers are no distribution.

        With a cut-off they are of each emotion by itself, and none is a distribution.
        """
        if self.cut_off is not None:
            return None if raw is None else self._by_themselves(raw)
        if not raw:
            return None
        found: dict[str, float] = {}
        for word, value in raw.items():
            name = self.canonical(word) or OTHER
            found[name] = found.get(name, 0.0) + float(value)
        total = sum(found.values())
        if min(found.values()) < 0 or total <= 0:
            return None
        if abs(total - 1) <= _ROUNDING:
            return found
        shares_or_percent = any(abs(total / whole - 1) <= _SUM_SLACK for whole in (1.0, 100.0))
        return {name: value / total for name, value in found.items()} if shares_or_percent else None

    def _by_themselves(self, raw: Mapping[str, float]) -> dict[str, float] | None:
        """Scores of each emotion, of words of one emotion the highest; None where one is no share."""
        found: dict[str, float] = {}
        for word, value in raw.items():
            name = self.canonical(word) or OTHER
            found[name] = max(found.get(name, 0.0), float(value))
        return found if all(0 <= value <= 1 for value in found.values()) else None


@cache
def common_words() -> AnswerWords:
    """The map that every dialect starts from; finer words are in it in all of their spellings."""
    return AnswerWords(name="common", version=COMMON_VERSION, entries={**SPELLINGS, **COMMON_WORDS})


def answer_parser(own: Mapping[str, str] | None, *, emoji: Mapping[str, str] | None = None) -> AnswerParser:
    """The common words with `own` ones before them; raises ConfigError for what a word can't mean."""
    common = common_words()
    if emoji:
        signs = {sign: label for sign, label in emoji.items() if label}
        common = replace(common, entries={**common.entries, **signs})
    if not own:
        return AnswerParser(words=common, emoji=emoji or {})
    meant = {str(raw).strip(): own_meaning("backend.labels", str(raw), target) for raw, target in own.items()}
    words = replace(common.with_own(meant), name=f"{common.name}+own")
    further = tuple(sorted({*meant.values()} - {*PREDICTION_LABELS}))
    return AnswerParser(words=words, emoji=emoji or {}, further=further)


def own_meaning(where: str, raw: str, target: object) -> str:
    """What a user leads a service's word to; raises ConfigError that names the key `where`."""
    meaning = meaning_given(raw, target) if isinstance(target, str) else None
    if meaning is None:
        known = [*PREDICTION_LABELS, *(word for word in FINE if word not in NEVER_A_CLASS)]
        raise ConfigError(
            f"{where}: '{raw}' leads to '{target}', which is no emotion name and no finer word; "
            f"{nearest(str(target), known)} (`own` makes the word a meaning of its own)"
        )
    return meaning


def in_types(parsed: ParsedAnswer) -> ParsedAnswer:
    """The answer with every field of the type that it must have; raises RemoteError, kind `not_understood`.

    Dialects take fields out of JSON that anybody may have written.
    """
    return replace(
        parsed,
        emotion=text_in(parsed.emotion, "emotion"),
        text=text_in(parsed.text, "text") or "",
        scores=numbers_in(parsed.scores, "scores"),
        dimensions=dimensions_in(parsed.dimensions),
        confidence=share_in(parsed.confidence, "confidence"),
        language=text_in(parsed.language, "language"),
        event=text_in(parsed.event, "event"),
        model=text_in(parsed.model, "model"),
        server_ms=numbers_in(parsed.server_ms, "server's times") or {},
    )


def dimensions_in(value: Any) -> dict[str, float]:
    """Emotional dimensions by name, each a number; those that are not there are left out."""
    found = mapping_in(value, "dimensions") or {}
    return {name: needed_number(one, f"dimensions.{name}") for name, one in those_in(found).items()}


def segments_in(value: Any, canonical: Callable[[str], str | None]) -> tuple[Segment, ...]:
    """A list of stretches with `start`, `end`, `emotion`, `scores` and `text`, each of its type."""
    found = []
    for place, one in enumerate(objects_in(value, "segments")):
        what = f"segments[{place}]"
        word = text_in(one.get("emotion"), f"{what}.emotion")
        found.append(
            Segment(
                start_s=needed_number(one.get("start"), f"{what}.start"),
                end_s=needed_number(one.get("end"), f"{what}.end"),
                label=None if word is None else canonical(word),
                scores=numbers_in(one.get("scores"), f"{what}.scores"),
                text=text_in(one.get("text"), f"{what}.text"),
            )
        )
    return tuple(found)


@contextmanager
def understood(excerpt: Callable[[], str] = str) -> Iterator[None]:
    """Within it an answer is taken apart; what Python raises of one that is of another form is `not_understood`.

    excerpt: the answer's beginning, for the message; without it the error is told.
    """
    try:
        yield
    except (KeyError, TypeError, IndexError, AttributeError, ValueError, OverflowError) as error:
        shown = excerpt() or f"{error!r}"[:_LONGEST_SHOWN]
        raise RemoteError(NOT_UNDERSTOOD, f"the answer is not of the expected form ({shown})") from error


def expect(condition: object, what: str) -> None:
    """Raise RemoteError, kind `not_understood`, unless the answer is as it should be."""
    if not condition:
        raise RemoteError(NOT_UNDERSTOOD, what)


def _by_stretch(names: Iterable[str], is_emotion: Callable[[str], bool]) -> list[str]:
    """The first emotion's tag of each stretch; a language's tag begins a stretch."""
    found: list[str] = []
    open_stretch = True
    for name in names:
        if name in _LANGUAGES:
            open_stretch = True
            continue
        if open_stretch and is_emotion(name):
            found.append(name)
            open_stretch = False
    return found


def _forced(label: str | None, scores: Mapping[str, float] | None) -> str | None:
    named = {name: value for name, value in (scores or {}).items() if name in EMOTIONS}
    if named:
        return max(named, key=lambda name: named[name])
    return label if label in EMOTIONS else None


def _confidence(label: str | None, scores: Mapping[str, float] | None, said: float | None) -> float | None:
    if label is None:
        return None
    if said is not None:
        return said
    return None if scores is None else scores.get(label)


def _without(text: str, signs: Iterable[str]) -> str:
    for sign in signs:
        text = text.replace(sign, "")
    return " ".join(text.split())
