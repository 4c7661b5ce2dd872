"""The flat answer of the article that this project began with: `POST /analyze-emotion`, no levels, no posterior."""

from __future__ import annotations

import base64
import json

from sv_eval.backend import Adjustments
from sv_eval.backends.remote.answer_parsing import ParsedAnswer, expect
from sv_eval.backends.remote.dialect import Traits
from sv_eval.backends.remote.dialects.service import OverHttp, wishes_of
from sv_eval.backends.remote.http_messages import HttpMessage, HttpReply
from sv_eval.backends.remote.sound import ORIGINAL, WAV, Sound

_ASKS = ("language", "use_itn", "vad_threshold", "chunk_size")


class FlatDialect(OverHttp):
    """JSON with the file in base64, answered by `text`, `emotion`, `confidence` and `duration`."""

    traits = Traits(
        name="service_flat",
        schemes=("http", "https"),
        path="/analyze-emotion",
        forms=(ORIGINAL, WAV),
        asks=_ASKS,
    )

    def message(self, sound: Sound, asked: Adjustments) -> HttpMessage:
        """A JSON object."""
        body = {"audio": base64.b64encode(sound.file).decode(), **wishes_of(asked, _ASKS)}
        return HttpMessage(body=json.dumps(body).encode(), headers={"Content-Type": "application/json"})

    def read(self, reply: HttpReply) -> ParsedAnswer:
        """The members."""
        content = reply.json()
        expect(isinstance(content, dict) and "emotion" in content, "the answer has no `emotion`")
        return ParsedAnswer(
            emotion=content["emotion"],
            text=content.get("text"),
            confidence=content.get("confidence"),
            scores=content.get("scores"),
            where="emotion",
            excerpt=str(content["emotion"])[:80],
        )
