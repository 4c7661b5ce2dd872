"""A clip as a question to a chat model, and its answer: what all wires share."""

from __future__ import annotations

import hashlib
import json
import math
import string
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sv_eval.backend import Adjustments
from sv_eval.backends.chat.protocol import LETTERS, Protocol, protocol_of
from sv_eval.backends.chat.reading import LONGEST_READ
from sv_eval.backends.chat.votes import read_all
from sv_eval.backends.remote.answer_parsing import ParsedAnswer
from sv_eval.backends.remote.dialect import Traits
from sv_eval.backends.remote.http_messages import HttpMessage, HttpReply
from sv_eval.backends.remote.http_transport import HttpDialect
from sv_eval.backends.remote.sound import Sound
from sv_eval.backends.remote.typed_fields import number_in
from sv_eval.errors import ConfigError, InferenceError
from sv_eval.option_orders import orders_from

LONGEST_KEPT = LONGEST_READ
"""Characters of an answer that a record keeps: what is read, so that another reader reads no less."""
_MOST_LOGPROBS = 20
MOST_SAMPLES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(HttpMessage):
    """A request that knows in which order the options stand in it."""

    order: tuple[str, ...]
    """Emotions, as the options stand."""
    sent: str
    """What the body hashes to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a model said, taken out of its wire."""

    text: str
    """All of the answer."""
    model: str | None = None
    """The model that says it has answered."""
    first: Mapping[str, float] | None = None
    """Tokens that the answer might have begun with, to the logarithm of their probability; None where not told."""
    refused: bool = False
    """Whether the wire itself says that the model declined."""
    more: tuple[str, ...] = ()
    """Where several answers were asked for: the others."""
    tokens: Mapping[str, int] | None = None
    """What it took, by `records.TOKENS`; None where it isn't told."""


class ChatDialect(HttpDialect):
    """A protocol over one wire.

    protocol: a shipped one's name, a YAML file of your own, or its settings. model: the name that the server knows
    its model by. logprobs: how many of the likeliest first tokens to ask for, 20 at most; 0 asks for none.
    order_seed: another draw of which options come first for which clip. temperature: another than the protocol's.
    samples: how many answers to ask for each time; several are counted as votes.
    """

    traits: Traits

    def __init__(
        self,
        *,
        protocol: str | Mapping[str, Any] = "word_en",
        model: str | None = None,
        logprobs: int = 0,
        order_seed: int = 0,
        temperature: float | None = None,
        samples: int = 1,
    ) -> None:
        if not 0 <= logprobs <= _MOST_LOGPROBS:
            raise ConfigError(f"backend.logprobs={logprobs}: from 0, for none, to {_MOST_LOGPROBS}")
        told = protocol_of(protocol)
        self.protocol: Protocol = told if temperature is None else replace(told, temperature=temperature)
        if not 1 <= samples <= MOST_SAMPLES:
            raise ConfigError(f"backend.samples={samples}: from 1 to {MOST_SAMPLES}")
        if samples > 1 and self.protocol.temperature == 0:
            raise ConfigError(
                f"backend.samples={samples}: at a temperature of 0 they would all be alike; give "
                "backend.temperature=0.7, say, or a protocol that has one"
            )
        if samples > 1 and logprobs:
            raise ConfigError("backend.samples, backend.logprobs: scores are votes or probabilities; leave one out")
        self._model, self._logprobs, self._seed, self._samples = model, logprobs, order_seed, samples

    @abstractmethod
    def body(self, order: Sequence[str], sound: Sound | None, words: str | None = None) -> dict[str, Any]:
        """The request's JSON: about a sound, or about `words` alone."""

    @abstractmethod
    def said(self, reply: HttpReply) -> Said:
        """What a good answer says; raises RemoteError for one of another form."""

    def message(self, sound: Sound, asked: Adjustments) -> Question:
        """A question with the options as the protocol has them."""
        return self._question(tuple(self.protocol.options), sound)

    def message_about(self, clip_id: str, sound: Sound, asked: Adjustments) -> Question:
        """A question with the options in this clip's order, or another one that is asked for."""
        own = self.protocol.order_of(clip_id, self._seed)
        orders = (own,) if not asked.option_order else orders_from(own)
        number = asked.option_order or 0
        if not 0 <= number < len(orders):
            raise InferenceError("bad_setting", f"option_order={number}: from 0 to {len(orders) - 1}")
        order = orders[number]
        return self._question(order, None if asked.transcript is not None else sound, asked.transcript)

    def read(self, reply: HttpReply) -> ParsedAnswer:
        """What an answer to the options as they stand in the protocol says."""
        return self._parsed(tuple(self.protocol.options), reply)

    def read_of(self, message: HttpMessage, reply: HttpReply) -> ParsedAnswer:
        """What an answer says to the options as they stood in the question."""
        if not isinstance(message, Question):
            return self.read(reply)
        return replace(self._parsed(message.order, reply), sent=message.sent)

    def _question(self, order: tuple[str, ...], sound: Sound | None, words: str | None = None) -> Question:
        body = json.dumps(self.body(order, sound, words), ensure_ascii=False).encode()
        return Question(
            body=body,
            headers={"Content-Type": "application/json"},
            order=order,
            sent=hashlib.sha256(body).hexdigest()[:16],
        )

    def _parsed(self, order: Sequence[str], reply: HttpReply) -> ParsedAnswer:
        said = self.said(reply)
        texts = [text[:LONGEST_KEPT] for text in (said.text, *said.more)]
        found = read_all(texts, self.protocol, order, refused=said.refused)
        scores, outside = found.scores, found.outside
        if len(texts) == 1:
            scores, outside = option_scores(said.first, self.protocol, order)
        return ParsedAnswer(
            emotion=found.emotion,
            scores=scores,
            confidence=found.confidence,
            outside=outside,
            model=said.model or self._model,
            unread=found.why,
            raw_answer=texts[0] if len(texts) == 1 else json.dumps(texts, ensure_ascii=False),
            tokens=said.tokens,
            where="the answer's words",
            excerpt=" ".join(said.text[:200].split()),
        )


def counted(**tokens: Any) -> dict[str, int] | None:
    """Tokens by what they are of, those that are told; None where none are.

    >>> counted(input=120, audio=None, output=3)
    {'input': 120, 'output': 3}
    """
    found = {name: number_in(count, f"tokens ({name})") for name, count in tokens.items()}
    return {name: int(count) for name, count in found.items() if count is not None and count >= 0} or None


def option_scores(
    first: Mapping[str, float] | None, protocol: Protocol, order: Sequence[str]
) -> tuple[dict[str, float] | None, float | None]:
    """The posterior over the options by the probabilities of an answer's first token, and what is on none of them.

    Spellings and case are summed. A token counts for the one option that it is, or begins; one that begins several,
    or a form of answer whose first token tells nothing (JSON), gives none.

    >>> from sv_eval.backends.chat.protocol import protocol_of
    >>> letters = protocol_of("letters_en")
    >>> scores, outside = option_scores({"B": -0.5, " b": -2.0, "The": -1.5}, letters, tuple(letters.options))
    >>> round(scores["sad"], 3), round(outside, 3)
    (1.0, 0.258)
    """
    if not first or protocol.form not in (LETTERS, "word"):
        return None, None
    if protocol.form == LETTERS:
        names = dict(zip(string.ascii_lowercase, order, strict=False))
    else:
        names = {protocol.options[name].casefold(): name for name in order}
    mass = dict.fromkeys(order, 0.0)
    for token, logarithm in first.items():
        plain = token.strip(" \t\n\"'*([▁Ġ").casefold()
        whose = {name for word, name in names.items() if plain and (word == plain or word.startswith(plain))}
        if len(whose) == 1:
            mass[whose.pop()] += math.exp(min(0.0, logarithm))
    inside = sum(mass.values())
    if inside <= 0:
        return None, 1.0
    return {name: value / inside for name, value in mass.items()}, max(0.0, 1.0 - inside)
