"""sherpa-onnx's offline websocket server: rate, size and float samples in, JSON out."""

from __future__ import annotations

import struct
import time
from typing import Any

from sv_eval.backend import Adjustments
from sv_eval.backends.remote.answer_parsing import ParsedAnswer
from sv_eval.backends.remote.dialect import Traits
from sv_eval.backends.remote.sound import Sound
from sv_eval.backends.remote.timeline import Timeline
from sv_eval.backends.remote.typed_fields import text_in
from sv_eval.backends.remote.websocket_transport import Socket, WebsocketDialect
from sv_eval.config.foreign_json import read_json
from sv_eval.records import SAMPLE_RATE_HZ


class SherpaWebsocket(WebsocketDialect):
    """The C++ server tells language, emotion and event; the Python server only a text, without the emotion."""

    traits = Traits(name="sherpa_websocket", schemes=("ws", "wss"), path="/", forms=())

    def message(self, sound: Sound, asked: Adjustments) -> bytes:
        """Sample rate and byte count as int32, little endian, then the samples."""
        samples = sound.pcm_f32le
        return struct.pack("<ii", SAMPLE_RATE_HZ, len(samples)) + samples

    async def converse(self, socket: Socket, message: Any, timeline: Timeline) -> ParsedAnswer:
        """Send the clip, read one answer, say goodbye."""
        await socket.send(message)
        timeline.sent_s = time.perf_counter()
        answer = await socket.receive()
        timeline.all_came()
        await socket.send("Done")
        return _parsed(answer if isinstance(answer, str) else answer.decode("utf-8", "replace"))


def _parsed(answer: str) -> ParsedAnswer:
    try:
        content = read_json(answer)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        return ParsedAnswer(text=answer, where="the text", excerpt=answer[:80])
    emotion, event, language, text = (
        text_in(content.get(name), name) or "" for name in ("emotion", "event", "lang", "text")
    )
    return ParsedAnswer(
        emotion=emotion or None,
        # Tags are read off texts; this one brings the language and the event along.
        text=f"{language}{event}{text}",
        where="emotion",
        excerpt=f"emotion={emotion!r}, text={text[:60]!r}",
    )
