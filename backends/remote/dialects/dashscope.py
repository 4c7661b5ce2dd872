"""DashScope's qwen3-asr-flash: JSON with the audio as a data URL, the emotion among the annotations."""

from __future__ import annotations

import base64
import json
from typing import Any

from sv_eval.backend import Adjustments
from sv_eval.backends.remote.answer_parsing import ParsedAnswer, expect
from sv_eval.backends.remote.dialect import Traits
from sv_eval.backends.remote.http_messages import HttpMessage, HttpReply
from sv_eval.backends.remote.http_transport import HttpDialect
from sv_eval.backends.remote.sound import ORIGINAL, WAV, Sound
from sv_eval.backends.remote.typed_fields import objects_in, text_in


class DashScope(HttpDialect):
    """The synchronous call. model: which of the service's models."""

    traits = Traits(
        name="dashscope",
        schemes=("http", "https"),
        path="/api/v1/services/aigc/multimodal-generation/generation",
        forms=(ORIGINAL, WAV),
        asks=("language", "use_itn"),
    )

    def __init__(self, *, model: str = "qwen3-asr-flash") -> None:
        self._model = model

    def message(self, sound: Sound, asked: Adjustments) -> HttpMessage:
        """A conversation of one message."""
        options: dict[str, Any] = {"enable_itn": bool(asked.use_itn)}
        if asked.language not in (None, "auto"):
            options["language"] = asked.language
        audio = f"data:{sound.media_type};base64,{base64.b64encode(sound.file).decode()}"
        content = {
            "model": self._model,
            "input": {"messages": [{"role": "user", "content": [{"audio": audio}]}]},
            "parameters": {"asr_options": options},
        }
        return HttpMessage(body=json.dumps(content).encode(), headers={"Content-Type": "application/json"})

    def read(self, reply: HttpReply) -> ParsedAnswer:
        """The annotation of the type `audio_info`."""
        content = reply.json()
        if isinstance(content, dict) and content.get("code") and not content.get("output"):
            raise self.refusal(reply)
        try:
            message = content["output"]["choices"][0]["message"]
        except (KeyError, IndexError, TypeError):
            message = None
        expect(isinstance(message, dict), "the answer has no `output.choices[0].message`")
        told = objects_in(message.get("annotations"), "annotations")
        notes = [one for one in told if one.get("type") == "audio_info"]
        note = notes[0] if notes else {}
        parts = objects_in(message.get("content"), "content")
        text = "".join(text_in(part.get("text"), "content[].text") or "" for part in parts)
        return ParsedAnswer(
            emotion=note.get("emotion"),
            text=text,
            language=note.get("language"),
            model=self._model,
            no_speech=not notes and not text.strip(),
            where="output.choices[0].message.annotations[].emotion",
            excerpt=json.dumps(message.get("annotations"), ensure_ascii=False)[:80],
        )
