"""DashScope's omni models: OpenAI's chat completions at another path, answered piece by piece alone."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sv_eval.backends.chat.openai_chat import INPUT_AUDIO, OpenAiChat
from sv_eval.backends.remote.sound import Sound

_TEXT_ALONE: Mapping[str, Any] = {"modalities": ["text"]}


class DashScopeChat(OpenAiChat):
    """`POST /compatible-mode/v1/chat/completions`.

    These models answer no other way than in a stream, would speak unless they are told not to, and take a clip as a
    data URL without a media type.
    """

    traits = replace(OpenAiChat.traits, name="dashscope", path="/compatible-mode/v1/chat/completions")

    def __init__(self, *, extra: Mapping[str, Any] | None = None, **chat: Any) -> None:
        super().__init__(stream=True, extra={**_TEXT_ALONE, **(extra or {})}, **chat)

    def _audio(self, sound: Sound) -> dict[str, Any]:
        data = "data:;base64," + base64.b64encode(sound.file).decode("ascii")
        return {"type": INPUT_AUDIO, INPUT_AUDIO: {"data": data, "format": sound.format}}
