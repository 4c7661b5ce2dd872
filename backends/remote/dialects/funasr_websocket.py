"""FunASR's websocket runtime in offline mode: settings, samples, one answer with tags in its text."""

from __future__ import annotations

import json
import time
from typing import Any

from sv_eval.backend import Adjustments
from sv_eval.backends.remote.answer_parsing import ParsedAnswer, expect
from sv_eval.backends.remote.dialect import Traits
from sv_eval.backends.remote.errors import API_ERROR, RemoteError
from sv_eval.backends.remote.sound import Sound
from sv_eval.backends.remote.timeline import Timeline
from sv_eval.backends.remote.websocket_transport import Socket, WebsocketDialect
from sv_eval.records import SAMPLE_RATE_HZ

_CLOSING = json.dumps({"is_speaking": False})


class FunAsrWebsocket(WebsocketDialect):
    """`mode=offline`. The runtime answers nothing where it finds no speech, which ends in a timeout."""

    traits = Traits(
        name="funasr_websocket", schemes=("ws", "wss"), path="/", forms=(), asks=("language", "use_itn")
    )
    subprotocols = ("binary",)

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
        """Send everything and read the text of the offline pass."""
        opening, samples = message
        await socket.send(opening)
        if samples:
            await socket.send(samples)
        await socket.send(_CLOSING)
        timeline.sent_s = time.perf_counter()
        while True:
            content = await socket.receive_json()
            expect(isinstance(content, dict), "the answer is no JSON object")
            if "error" in content or content.get("status") == "error":
                raise RemoteError(API_ERROR, str(content.get("error") or content.get("message") or content)[:120])
            if content.get("mode", "offline") in ("offline", "2pass-offline"):
                break
        timeline.all_came()
        expect("text" in content, "the answer has no `text`")
        text = str(content["text"])
        return ParsedAnswer(text=text, no_speech=not text.strip(), where="text", excerpt=text[:80])
