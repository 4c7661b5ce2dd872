"""`backend=chat`: an audio language model behind an endpoint, asked under one protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Self

from sv_eval.backend import Answer, BackendInfo, Capabilities
from sv_eval.backends.chat.dashscope import DashScopeChat
from sv_eval.backends.chat.dialect import ChatDialect
from sv_eval.backends.chat.gemini import GeminiChat
from sv_eval.backends.chat.listening import Listening, look
from sv_eval.backends.chat.openai_chat import INPUT_AUDIO, JSON_SCHEMA, OpenAiChat
from sv_eval.backends.chat.reading import READER_VERSION
from sv_eval.backends.remote.backend import RemoteBackend
from sv_eval.emotions import EMOTIONS
from sv_eval.errors import ConfigError, nearest

OPENAI, DASHSCOPE, GEMINI = "openai", "dashscope", "gemini"
WIRES = (OPENAI, DASHSCOPE, GEMINI)


class ChatBackend(RemoteBackend):
    """Asks a chat model which emotion it hears, and reads its answer without ever guessing.

    wire: `openai`, `dashscope` or `gemini`. model, protocol, logprobs, order_seed, temperature, samples: as
    `ChatDialect` has them; part, structured,
    stream, extra: as `OpenAiChat`. listening: ask first, forty times, whether the answers depend on the audio. All
    else is as of `RemoteBackend`.
    """

    def __init__(
        self,
        *,
        url: str,
        wire: str = OPENAI,
        model: str | None = None,
        protocol: str | Mapping[str, Any] = "word_en",
        logprobs: int = 0,
        order_seed: int = 0,
        temperature: float | None = None,
        samples: int = 1,
        part: str = "input_audio",
        structured: str | None = None,
        stream: bool = False,
        extra: Mapping[str, Any] | None = None,
        listening: bool = True,
        **remote: Any,
    ) -> None:
        dialect = dialect_of(
            wire, model=model, protocol=protocol, logprobs=logprobs, order_seed=order_seed, part=part,
            structured=structured, stream=stream, extra=extra, temperature=temperature, samples=samples,
        )  # fmt: skip
        super().__init__(url=url, dialect=dialect, **remote)
        self._protocol, self._chat, self._listening = dialect.protocol, dialect, listening
        self._order_seed, self._samples = order_seed, samples
        self._heard: Listening | None = None

    async def __aenter__(self) -> Self:
        """As a remote backend, and look whether the model listens; raises EndpointError where it does not."""
        await super().__aenter__()
        try:
            if self._listening:
                self._heard = await look(self._delivered, self._chat, self._endpoint.url, self._form)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    @property
    def capabilities(self) -> Capabilities:
        """As a remote backend's; it can say what it is offered."""
        words = () if self._protocol.words is None else ("transcript",)
        return replace(
            super().capabilities,
            labels=tuple(name for name in self._protocol.options if name in EMOTIONS),
            adjusts=("option_order", *words),
        )

    @property
    def info(self) -> BackendInfo:
        """As a remote backend's, with the protocol."""
        found, protocol = super().info, self._protocol
        told = {
            "protocol": f"{protocol.name} v{protocol.version} {protocol.hash}",
            "answers read by": f"reader v{READER_VERSION}",
            "listens": self._said_of_listening(),
            **({} if self._samples == 1 else {"scores": f"votes of {self._samples} answers at each question"}),
        }
        # Plain data may lose the order of an object's keys.
        told_apart = {"hash": protocol.hash, "option_order": list(protocol.options), "order_seed": self._order_seed}
        told_apart |= {"samples": self._samples, "reader": READER_VERSION}
        card = {**found.card, "protocol": {**asdict(protocol), **told_apart}}
        return replace(found, name="chat", details={**found.details, **told}, card=card)

    async def _delivered(self, message: Any) -> Answer:
        return await self._delivery.deliver(message, encode_ms=0.0)

    def _said_of_listening(self) -> str:
        found = self._heard
        if found is None:
            return "not looked at" if self._listening else "not looked at (backend.listening=false)"
        alike = f"{found.alike} of {found.asked} sounds answered alike when asked twice, p {found.p_value:.2g}"
        return "; ".join(
            [alike, *(f"to {what}: {said or 'nothing'}" for what, said in found.without_speech.items())]
        )


def dialect_of(
    wire: str, *, part: str = INPUT_AUDIO, structured: str | None = None, stream: bool = False, **shared: Any
) -> ChatDialect:
    """The dialect of a wire; raises ConfigError for what it has not."""
    if wire == DASHSCOPE:
        if part != INPUT_AUDIO:
            raise ConfigError("backend.part: DashScope takes input_audio alone; leave it out")
        return DashScopeChat(structured=structured, **shared)
    if wire == OPENAI:
        return OpenAiChat(part=part, structured=structured, stream=stream, **shared)
    if wire != GEMINI:
        raise ConfigError(f"backend.wire={wire} is not known; {nearest(wire, WIRES)}")
    if structured not in (None, JSON_SCHEMA):
        raise ConfigError(f"backend.structured={structured}: Gemini takes {JSON_SCHEMA} alone")
    if stream or part != INPUT_AUDIO:
        raise ConfigError("backend.stream, backend.part: Gemini's wire has neither; leave them out")
    return GeminiChat(structured=structured is not None, **shared)
