"""From what a service says to a prediction: words, tags, emoji and pairs become the canonical emotions.

Sources of the words: SenseVoice's tags and the emoji that its own text form replaces them with; emotion2vec's
Chinese/English pairs; the adjectives and nouns that services use.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

import yaml

from sv_eval.backends.remote.errors import NOT_UNDERSTOOD, UNMAPPED, RemoteError
from sv_eval.backends.sensevoice.tokens import EVENT_PIECES, LANGUAGE_PIECES
from sv_eval.config.overrides import typed
from sv_eval.emotions import EMOTIONS, OTHER, PREDICTION_LABELS, UNKNOWN, LabelMap
from sv_eval.errors import ConfigError, nearest
from sv_eval.records import Passage, Prediction, Segment

_TAG = re.compile(r"<\|([^<>|]*)\|>")
_LANGUAGES = frozenset(LANGUAGE_PIECES)
_EVENTS = {name.casefold(): name for name in EVENT_PIECES}
_NO_SPEECH = "nospeech"
_SUM_SLACK = 0.02
_ROUNDING = 1e-4
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

    map: raw word to canonical name. emoji: whether emoji in a text are read, and taken out of it.
    """

    map: LabelMap
    emoji: Mapping[str, str] = field(default_factory=dict)
    _known: dict[str, str | None] = field(default_factory=dict)

    def prediction(
        self,
        parsed: ParsedAnswer,
        stages_ms: Mapping[str, float],
        passage: Callable[[], Passage | None] = lambda: None,
    ) -> Prediction:
        """The prediction that the answer amounts to; `passage` is called once it is read.

        Raises RemoteError, kind `unmapped_label`, for a word that the map does not hold.
        """
        tags = self._tags(parsed.text)
        text = _TAG.sub("", parsed.text).strip() if tags.found else parsed.text
        label = self.canonical(parsed.emotion) if parsed.emotion else tags.emotion
        if label is None and self.emoji:
            label = self._last_emoji(text)
        if self.emoji:
            text = _without(text, self.emoji)
        if parsed.no_speech or (label is None and tags.no_speech):
            return Prediction(no_speech=True, stages_ms=dict(stages_ms), passage=passage())
        scores = self._scores(parsed.scores)
        return Prediction(
            label=label,
            forced=_forced(label, scores),
            scores=scores,
            confidence=_confidence(label, scores, parsed.confidence),
            text=text,
            language=parsed.language or tags.language,
            event=parsed.event or tags.event,
            segments=parsed.segments,
            stages_ms=dict(stages_ms),
            passage=passage(),
        )

    def by_emoji(self, parsed: ParsedAnswer) -> bool:
        """Whether nothing but an emoji tells the emotion of an answer."""
        if parsed.emotion or not self.emoji or self._tags(parsed.text).emotion is not None:
            return False
        return self._last_emoji(parsed.text) is not None

    def canonical(self, raw: str) -> str:
        """The canonical name of a raw word, of a tag, or of a pair such as `生气/angry`.

        Raises RemoteError, kind `unmapped_label`.
        """
        found = self._find(raw)
        if found is None:
            raise RemoteError(
                UNMAPPED,
                f"the service's word '{raw[:40]}' is not in the label map; say what it means: "
                f"{typed('+backend.labels', {raw: OTHER})} (or an emotion's name, or unknown)",
            )
        return found

    def _find(self, raw: str) -> str | None:
        if raw not in self._known:
            self._known[raw] = self._look_up(raw)
        return self._known[raw]

    def _look_up(self, raw: str) -> str | None:
        word = raw.strip()
        tag = _TAG.fullmatch(word)
        word = tag[1] if tag else word
        whole = self.map.canonical(word)
        if whole is not None:
            return whole
        halves = {self.map.canonical(half) for half in re.split(r"[/|]", word)} - {None}
        return halves.pop() if len(halves) == 1 else None

    def _tags(self, text: str) -> _Tags:
        names = _TAG.findall(text)
        if not names:
            return _Tags(None, None, None, no_speech=False, found=False)
        language = next((name for name in names if name in _LANGUAGES), None)
        event = next((_EVENTS[name.casefold()] for name in names if name.casefold() in _EVENTS), None)
        labels = _by_stretch(names, self._tag_label)
        silent = not labels and _NO_SPEECH in names
        return _Tags(_most_frequent(labels), language, event, no_speech=silent, found=True)

    def _tag_label(self, name: str) -> str | None:
        if name in _LANGUAGES or name.casefold() in _EVENTS:
            return None
        return self._find(name)

    def _last_emoji(self, text: str) -> str | None:
        places = {text.rfind(sign): label for sign, label in self.emoji.items() if label}
        last = max(places, default=-1)
        return places[last] if last >= 0 else None

    def _scores(self, raw: Mapping[str, float] | None) -> dict[str, float] | None:
        """The posterior by canonical names; None where the numbers are no distribution."""
        if not raw:
            return None
        found: dict[str, float] = {}
        for word, value in raw.items():
            name = self.canonical(word)
            found[name] = found.get(name, 0.0) + float(value)
        total = sum(found.values())
        if min(found.values()) < 0 or total <= 0:
            return None
        if abs(total - 1) <= _ROUNDING:
            return found
        shares_or_percent = any(abs(total / whole - 1) <= _SUM_SLACK for whole in (1.0, 100.0))
        return {name: value / total for name, value in found.items()} if shares_or_percent else None


@cache
def common_words() -> LabelMap:
    """The map that every dialect starts from."""
    text = resources.files("sv_eval.backends.remote").joinpath("words.yaml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    entries = {str(word): label for label, words in data["words"].items() for word in words}
    return LabelMap(name=data["name"], version=data["version"], entries=entries, leads_to=PREDICTION_LABELS)


def answer_parser(own: Mapping[str, str] | None, *, emoji: Mapping[str, str] | None = None) -> AnswerParser:
    """The common words with `own` ones over and above; raises ConfigError for a name that is no emotion."""
    common = common_words()
    for raw, label in (own or {}).items():
        if label not in PREDICTION_LABELS:
            raise ConfigError(
                f"backend.labels: '{raw}' leads to '{label}', which is no emotion name; "
                f"{nearest(str(label), PREDICTION_LABELS)}"
            )
    if not own:
        return AnswerParser(map=common, emoji=emoji or {})
    entries = {**common.entries, **{str(raw): label for raw, label in own.items()}}
    changed = LabelMap(
        name=f"{common.name}+own", version=common.version, entries=entries, leads_to=PREDICTION_LABELS
    )
    return AnswerParser(map=changed, emoji=emoji or {})


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


def _by_stretch(names: Iterable[str], label_of: Callable[[str], str | None]) -> list[str]:
    """The first emotion of each stretch; a language's tag begins a stretch."""
    found: list[str] = []
    open_stretch = True
    for name in names:
        if name in _LANGUAGES:
            open_stretch = True
            continue
        label = label_of(name)
        if label is not None and open_stretch:
            found.append(label)
            open_stretch = False
    return found


def _most_frequent(labels: list[str]) -> str | None:
    """The label of most stretches, of equals the first; `unknown` only where nothing else was said."""
    named = [label for label in labels if label != UNKNOWN]
    counted = Counter(named or labels).most_common(1)
    return counted[0][0] if counted else None


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
