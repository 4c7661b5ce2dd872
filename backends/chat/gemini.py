"""Gemini's `generateContent`."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sv_eval.backends.chat.dialect import ChatDialect, Said, counted
from sv_eval.backends.chat.protocol import JSON
from sv_eval.backends.remote.answer_parsing import expect
from sv_eval.backends.remote.dialect import Traits
from sv_eval.backends.remote.http_messages import HttpReply
from sv_eval.backends.remote.sound import ORIGINAL, WAV, Sound
from sv_eval.backends.remote.typed_fields import mapping_in, needed_number, objects_in, text_in
from sv_eval.errors import ConfigError

_DECLINED = ("SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "RECITATION")


class GeminiChat(ChatDialect):
    """`POST /v1beta/models/MODEL:generateContent`, the key as `x-goog-api-key`.

    structured: holds a protocol of the form json to its schema. extra: further keys of `generationConfig`.
    """

    traits = Traits(name="gemini", schemes=("http", "https"), forms=(WAV, ORIGINAL))
    headers: Mapping[str, str] = {"x-goog-api-key": "{api_key}"}

    def __init__(
        self, *, structured: bool = False, extra: Mapping[str, Any] | None = None, **protocol: Any
    ) -> None:
        super().__init__(**protocol)
        if not self._model:
            raise ConfigError("backend.model: Gemini needs the model's name, which is part of the address")
        if structured and self.protocol.form != JSON:
            form = self.protocol.form
            raise ConfigError(f"backend.structured: {self.protocol.name} is of the form {form}, not {JSON}")
        self.traits = replace(type(self).traits, path=f"/v1beta/models/{self._model}:generateContent")
        self._structured, self._extra = structured, dict(extra or {})

    def body(self, order: Sequence[str], sound: Sound | None, words: str | None = None) -> dict[str, Any]:
        """The conversation and the settings."""
        protocol = self.protocol
        settings: dict[str, Any] = {
            "temperature": protocol.temperature, "maxOutputTokens": protocol.max_tokens, "seed": protocol.seed,
        }  # fmt: skip
        if self._logprobs:
            settings |= {"responseLogprobs": True, "logprobs": self._logprobs}
        if self._samples > 1:
            settings["candidateCount"] = self._samples
        if self._structured:
            schema = protocol.json_schema(order)
            del schema["additionalProperties"]
            settings |= {"responseMimeType": "application/json", "responseSchema": schema}
        told = {"system_instruction": {"parts": [{"text": protocol.system}]}} if protocol.system else {}
        parts = [*_audio(sound), {"text": protocol.asked(order, words)}]
        given = {name: value for name, value in settings.items() if value is not None}
        return {**told, "contents": [{"role": "user", "parts": parts}], "generationConfig": given | self._extra}

    def said(self, reply: HttpReply) -> Said:
        """The first candidate, or what the prompt was blocked for."""
        content = reply.json()
        expect(isinstance(content, dict), "the answer is no JSON object")
        candidates = objects_in(content.get("candidates"), "candidates")
        blocked = (mapping_in(content.get("promptFeedback"), "promptFeedback") or {}).get("blockReason")
        expect(candidates or blocked, "the answer has no `candidates`")
        first = candidates[0] if candidates else {}
        return Said(
            text=_text(first),
            more=tuple(_text(one) for one in candidates[1:]),
            tokens=_tokens(content.get("usageMetadata")),
            model=text_in(content.get("modelVersion"), "modelVersion"),
            first=_first(first.get("logprobsResult")),
            refused=bool(blocked) or first.get("finishReason") in _DECLINED,
        )


def _audio(sound: Sound | None) -> list[dict[str, Any]]:
    if sound is None:
        return []
    data = base64.b64encode(sound.file).decode("ascii")
    return [{"inline_data": {"mime_type": sound.media_type, "data": data}}]


def _text(candidate: Mapping[str, Any]) -> str:
    """What a candidate says; a part of thought is what the model told itself."""
    parts = objects_in((mapping_in(candidate.get("content"), "content") or {}).get("parts"), "parts")
    return "".join(text_in(part.get("text"), "text") or "" for part in parts if not part.get("thought"))


def _tokens(usage: Any) -> dict[str, int] | None:
    """What the answer says it took, thoughts with the output; None where it doesn't."""
    told = mapping_in(usage, "usageMetadata") or {}
    kinds = objects_in(told.get("promptTokensDetails"), "promptTokensDetails")
    audio = [one.get("tokenCount") for one in kinds if one.get("modality") == "AUDIO"]
    out = counted(input=told.get("candidatesTokenCount"), output=told.get("thoughtsTokenCount"))
    return counted(
        input=told.get("promptTokenCount"),
        audio=audio[0] if audio else None,
        cached=told.get("cachedContentTokenCount"),
        output=sum(out.values()) if out else None,
    )


def _first(told: Any) -> dict[str, float] | None:
    """The likeliest tokens in the place of the first; None where they were not told."""
    places = objects_in((mapping_in(told, "logprobsResult") or {}).get("topCandidates"), "topCandidates")
    if not places:
        return None
    listed = objects_in(places[0].get("candidates"), "topCandidates' candidates")
    return {str(one.get("token")): needed_number(one.get("logProbability"), "logProbability") for one in listed}
