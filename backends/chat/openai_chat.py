"""OpenAI's chat completions with audio, as vLLM, SGLang, llama.cpp's server and many others speak them."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sv_eval.backends.chat.dialect import ChatDialect, Said, counted
from sv_eval.backends.chat.protocol import JSON
from sv_eval.backends.remote.answer_parsing import expect
from sv_eval.backends.remote.dialect import Traits
from sv_eval.backends.remote.http_messages import HttpReply
from sv_eval.backends.remote.sound import ORIGINAL, WAV, Sound
from sv_eval.backends.remote.typed_fields import mapping_in, needed_number, number_in, objects_in, text_in
from sv_eval.config.foreign_json import read_json
from sv_eval.errors import ConfigError, nearest

INPUT_AUDIO, AUDIO_URL = "input_audio", "audio_url"
_PARTS = (INPUT_AUDIO, AUDIO_URL)
JSON_SCHEMA, CHOICE = "json_schema", "choice"
_STRUCTURED = (JSON_SCHEMA, CHOICE)
_EVENT, _DONE = b"data:", b"[DONE]"


class OpenAiChat(ChatDialect):
    """`POST /v1/chat/completions`.

    part: `input_audio` (OpenAI, vLLM, SGLang, llama.cpp) or `audio_url` with a data URL (vLLM, SGLang).
    structured: holds the model to its form: `json_schema` (OpenAI's `response_format`) for protocols of the form
        json, `choice` (vLLM's `structured_outputs`) for the other forms; None leaves it free.
    stream: asks for the answer piece by piece, which some servers insist on.
    extra: further keys of the request, such as `{modalities: [text]}`.
    """

    traits = Traits(name="chat", schemes=("http", "https"), path="/v1/chat/completions", forms=(WAV, ORIGINAL))

    def __init__(
        self,
        *,
        part: str = INPUT_AUDIO,
        structured: str | None = None,
        stream: bool = False,
        extra: Mapping[str, Any] | None = None,
        **protocol: Any,
    ) -> None:
        super().__init__(**protocol)
        if part not in _PARTS:
            raise ConfigError(f"backend.dialect.part={part} is not known; {nearest(part, _PARTS)}")
        if structured is not None and structured not in _STRUCTURED:
            raise ConfigError(
                f"backend.dialect.structured={structured} is not known; {nearest(structured, _STRUCTURED)}"
            )
        if structured is not None and (structured == JSON_SCHEMA) != (self.protocol.form == JSON):
            raise ConfigError(
                f"backend.dialect.structured={structured}: {JSON_SCHEMA} is for protocols of the form json, "
                f"{CHOICE} for the others; {self.protocol.name} is of the form {self.protocol.form}"
            )
        self._part, self._structured, self._stream, self._extra = part, structured, stream, dict(extra or {})

    def body(self, order: Sequence[str], sound: Sound | None, words: str | None = None) -> dict[str, Any]:
        """The conversation and the settings."""
        protocol = self.protocol
        told = [{"role": "system", "content": protocol.system}] if protocol.system else []
        audio = [] if sound is None else [self._audio(sound)]
        asked = [*audio, {"type": "text", "text": protocol.asked(order, words)}]
        settings: dict[str, Any] = {
            "model": self._model, "temperature": protocol.temperature, "max_tokens": protocol.max_tokens,
            "seed": protocol.seed,
        }  # fmt: skip
        if self._logprobs:
            settings |= {"logprobs": True, "top_logprobs": self._logprobs}
        if self._samples > 1:
            settings["n"] = self._samples
        if self._stream:
            # Without the options the tokens of a stream are not told.
            settings |= {"stream": True, "stream_options": {"include_usage": True}}
        if self._structured == JSON_SCHEMA:
            schema = {"name": "emotion", "strict": True, "schema": protocol.json_schema(order)}
            settings["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif self._structured == CHOICE:
            settings["structured_outputs"] = {"choice": list(protocol.answers(order))}
        given = {name: value for name, value in settings.items() if value is not None}
        return {"messages": [*told, {"role": "user", "content": asked}], **given, **self._extra}

    def said(self, reply: HttpReply) -> Said:
        """The first choice."""
        content = _joined(reply.body) if reply.media_type == "text/event-stream" else reply.json()
        expect(isinstance(content, dict), "the answer is no JSON object")
        if content.get("error"):
            raise self.refusal(reply)
        choices = objects_in(content.get("choices"), "choices")
        expect(choices, "the answer has no `choices`")
        first, *others = choices
        refusal = text_in((mapping_in(first.get("message"), "choices[0].message") or {}).get("refusal"), "refusal")
        return Said(
            text=_answer(first),
            model=text_in(content.get("model"), "model"),
            first=_first(first.get("logprobs")),
            refused=bool(refusal) or first.get("finish_reason") == "content_filter",
            more=tuple(_answer(one) for one in others),
            tokens=_tokens(content.get("usage")),
        )

    def _audio(self, sound: Sound) -> dict[str, Any]:
        data = base64.b64encode(sound.file).decode("ascii")
        if self._part == INPUT_AUDIO:
            return {"type": INPUT_AUDIO, INPUT_AUDIO: {"data": data, "format": sound.format}}
        return {"type": AUDIO_URL, AUDIO_URL: {"url": f"data:{sound.media_type};base64,{data}"}}


def _text(content: Any) -> str:
    """The content, which may be a list of parts."""
    if isinstance(content, list):
        return "".join(text_in(one.get("text"), "content's text") or "" for one in objects_in(content, "content"))
    return text_in(content, "content") or ""


def _answer(choice: Mapping[str, Any]) -> str:
    message = mapping_in(choice.get("message"), "choices' message") or {}
    return _text(message.get("content")) or text_in(message.get("refusal"), "refusal") or ""


def _tokens(usage: Any) -> dict[str, int] | None:
    """What the answer says it took; None where it doesn't."""
    told = mapping_in(usage, "usage") or {}
    details = mapping_in(told.get("prompt_tokens_details"), "prompt_tokens_details") or {}
    return counted(
        input=told.get("prompt_tokens"),
        audio=details.get("audio_tokens"),
        cached=details.get("cached_tokens"),
        output=told.get("completion_tokens"),
    )


def _first(told: Any) -> dict[str, float] | None:
    """The likeliest tokens in the place of the first; None where they were not told."""
    places = objects_in((mapping_in(told, "logprobs") or {}).get("content"), "logprobs.content")
    if not places:
        return None
    listed = [places[0], *objects_in(places[0].get("top_logprobs"), "top_logprobs")]
    return {str(one.get("token")): needed_number(one.get("logprob"), "logprob") for one in listed}


def _events(body: bytes) -> Iterator[dict[str, Any]]:
    for line in body.splitlines():
        data = line.removeprefix(_EVENT).strip() if line.startswith(_EVENT) else b""
        if data and data != _DONE:
            event = read_json(data)
            expect(isinstance(event, dict), "an event of the stream is no JSON object")
            yield event


def _joined(body: bytes) -> dict[str, Any]:
    """A stream's pieces as the answer that they make up."""
    texts, logprobs = dict[int, list[str]](), list[Mapping[str, Any]]()
    found, reason = dict[str, Any](), dict[int, Any]()
    for event in _events(body):
        if event.get("error"):
            return event
        found.setdefault("model", event.get("model"))
        found["usage"] = event.get("usage") or found.get("usage")
        for choice in objects_in(event.get("choices"), "choices"):
            place = int(number_in(choice.get("index"), "index") or 0)
            delta = mapping_in(choice.get("delta"), "delta") or {}
            texts.setdefault(place, []).append(_text(delta.get("content")))
            reason[place] = choice.get("finish_reason") or reason.get(place)
            if place == 0:
                told = mapping_in(choice.get("logprobs"), "logprobs") or {}
                logprobs += objects_in(told.get("content"), "logprobs")
    choices: list[dict[str, Any]] = [
        {"message": {"content": "".join(texts[place])}, "finish_reason": reason[place]} for place in sorted(texts)
    ]
    if choices:
        choices[0]["logprobs"] = {"content": logprobs}
    return {**found, "choices": choices}
