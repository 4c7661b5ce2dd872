"""A clip as a question to a chat model, and its answer: what all wires share."""

from __future__ import annotations

import json
import math
import string
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sv_eval.backend import Adjustments
from sv_eval.backends.chat.protocol import LETTERS, Protocol, protocol_of
from sv_eval.backends.chat.reading import read_answer
from sv_eval.backends.remote.answer_parsing import ParsedAnswer
from sv_eval.backends.remote.dialect import Traits
from sv_eval.backends.remote.http_messages import HttpMessage, HttpReply
from sv_eval.backends.remote.http_transport import HttpDialect
from sv_eval.backends.remote.sound import Sound
from sv_eval.errors import ConfigError

LONGEST_KEPT = 2000
"""Characters of an answer that a record keeps."""
_MOST_LOGPROBS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(HttpMessage):
    """A request that knows in which order the options stand in it."""

    order: tuple[str, ...]
    """Emotions, as the options stand."""


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


class ChatDialect(HttpDialect):
    """A protocol over one wire.

    protocol: a shipped one's name, a YAML file of your own, or its settings. model: the name that the server knows
    its model by. logprobs: how many of the likeliest first tokens to ask for, 20 at most; 0 asks for none.
    order_seed: another draw of which options come first for which clip.
    """

    traits: Traits

    def __init__(
        self,
        *,
        protocol: str | Mapping[str, Any] = "word_en",
        model: str | None = None,
        logprobs: int = 0,
        order_seed: int = 0,
    ) -> None:
        if not 0 <= logprobs <= _MOST_LOGPROBS:
            raise ConfigError(f"backend.dialect.logprobs={logprobs}: from 0, for none, to {_MOST_LOGPROBS}")
        self.protocol: Protocol = protocol_of(protocol)
        self._model, self._logprobs, self._seed = model, logprobs, order_seed

    @abstractmethod
    def body(self, order: Sequence[str], sound: Sound) -> dict[str, Any]:
        """The request's JSON."""

    @abstractmethod
    def said(self, reply: HttpReply) -> Said:
        """What a good answer says; raises RemoteError for one of another form."""

    def message(self, sound: Sound, asked: Adjustments) -> Question:
        """A question with the options as the protocol has them."""
        return self._question(tuple(self.protocol.options), sound)

    def message_about(self, clip_id: str, sound: Sound, asked: Adjustments) -> Question:
        """A question with the options in this clip's order."""
        return self._question(self.protocol.order_of(clip_id, self._seed), sound)

    def read(self, reply: HttpReply) -> ParsedAnswer:
        """What an answer to the options as they stand in the protocol says."""
        return self._parsed(tuple(self.protocol.options), reply)

    def read_of(self, message: HttpMessage, reply: HttpReply) -> ParsedAnswer:
        """What an answer says to the options as they stood in the question."""
        return self._parsed(message.order, reply) if isinstance(message, Question) else self.read(reply)

    def _question(self, order: tuple[str, ...], sound: Sound) -> Question:
        return Question(
            body=json.dumps(self.body(order, sound), ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json"},
            order=order,
        )

    def _parsed(self, order: Sequence[str], reply: HttpReply) -> ParsedAnswer:
        said = self.said(reply)
        found = read_answer(said.text, self.protocol, order)
        why = "refused" if said.refused and found.emotion is None else found.why
        scores, outside = option_scores(said.first, self.protocol, order)
        return ParsedAnswer(
            emotion=found.emotion,
            scores=scores,
            outside=outside,
            model=said.model or self._model,
            unread=why,
            raw_answer=said.text[:LONGEST_KEPT],
            where="the answer's words",
            excerpt=" ".join(said.text[:200].split()),
        )


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
