"""FunASR's websocket runtime in offline mode: settings, samples, answers with tags in their texts."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from sv_eval.backend import Adjustments
from sv_eval.backends.remote.answer_parsing import ParsedAnswer, expect
from sv_eval.backends.remote.dialect import Traits
from sv_eval.backends.remote.errors import API_ERROR, RESET, RemoteError
from sv_eval.backends.remote.sound import Sound
from sv_eval.backends.remote.timeline import Timeline
from sv_eval.backends.remote.typed_fields import text_in
from sv_eval.backends.remote.websocket_transport import Socket, WebsocketDialect
from sv_eval.errors import ConfigError
from sv_eval.records import SAMPLE_RATE_HZ

_CLOSING = json.dumps({"is_speaking": False})


class FunAsrWebsocket(WebsocketDialect):
    """`mode=offline`.

    The C++ runtime sends one message. The Python runtime sends one for each stretch of speech, `is_final` true in
    all but the last (it says there whether the client still speaks), and newer ones a message with `is_end`. So
    messages are read until `is_final` is false or `is_end` true; after one that says it is final `settle_s` seconds
    are waited for another, which is no part of the latency. The stretches' texts together are the answer.

    A runtime that finds no speech may answer nothing, which ends in a timeout.

    settle_s: seconds.
    """

    traits = Traits(
        name="funasr_websocket", schemes=("ws", "wss"), path="/", forms=(), asks=("language", "use_itn")
    )
    subprotocols = ("binary",)

    def __init__(self, *, settle_s: float = 1.0) -> None:
        if not settle_s > 0:
            raise ConfigError(f"backend.dialect.settle_s={settle_s}: give seconds above 0")
        self._settle_s = settle_s

    def message(self, sound: Sound, asked: Adjustments) -> tuple[str, bytes]:
        """The opening message and the samples."""
        opening = {
            "mode": "offline",
            "wav_name": "clip",
            "wav_format": "pcm",
            "audio_fs": SAMPLE_RATE_HZ,
            "is_speaking": True,
            # The Python server asks for both in every mode; they matter to its streaming modes only.
            "chunk_size": [5, 10, 5],
            "chunk_interval": 10,
            "svs_lang": asked.language or "auto",
            "svs_itn": asked.use_itn if asked.use_itn is not None else False,
        }
        return json.dumps(opening), sound.pcm_s16le

    async def converse(self, socket: Socket, message: Any, timeline: Timeline) -> ParsedAnswer:
        """Send everything and read the texts of the offline pass."""
        opening, samples = message
        await socket.send(opening)
        if samples:
            await socket.send(samples)
        await socket.send(_CLOSING)
        timeline.sent_s = time.perf_counter()
        texts: list[str] = []
        more = True
        while more:
            content = await socket.receive_json() if not texts else await self._next(socket, timeline)
            if content is None:
                break
            expect(isinstance(content, dict), "the answer is no JSON object")
            if "error" in content or content.get("status") == "error":
                raise RemoteError(API_ERROR, str(content.get("error") or content.get("message") or content)[:120])
            ended = content.get("is_end") is True
            if content.get("mode", "offline") in ("offline", "2pass-offline"):
                timeline.all_came()
                expect("text" in content or ended, "the answer has no `text`")
                texts.append(text_in(content.get("text"), "text") or "")
            more = not ended and content.get("is_final") is True
        text = "".join(texts)
        return ParsedAnswer(text=text, no_speech=not text.strip(), where="text", excerpt=text[:80])

    async def _next(self, socket: Socket, timeline: Timeline) -> Any:
        """One more message; None when none comes in time, or the runtime hangs up."""
        begin_s = time.perf_counter()
        try:
            async with asyncio.timeout(self._settle_s):
                return await socket.receive_json()
        except TimeoutError:
            pass
        except RemoteError as error:
            if error.kind != RESET:
                raise
        timeline.outside_s += time.perf_counter() - begin_s
        return None
