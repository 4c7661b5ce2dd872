"""The flat answer of the article that this project began with: `POST /analyze-emotion`, no levels, no posterior."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sv_eval.backends.remote.answer_parsing import ParsedAnswer, expect
from sv_eval.backends.remote.dialect import Traits
from sv_eval.backends.remote.dialects.service import ASKS, JsonDialect
from sv_eval.backends.remote.http_messages import HttpReply
from sv_eval.backends.remote.sound import ORIGINAL, WAV


class FlatDialect(JsonDialect):
    """JSON with the file in base64, answered by `text`, `emotion`, `confidence` and `duration`."""

    traits = Traits(
        name="service_flat",
        schemes=("http", "https"),
        path="/analyze-emotion",
        forms=(ORIGINAL, WAV),
        asks=ASKS,
    )
    extra: Mapping[str, Any] = {}

    def read(self, reply: HttpReply) -> ParsedAnswer:
        """The members."""
        content = reply.json()
        expect(isinstance(content, dict) and "emotion" in content, "the answer has no `emotion`")
        return ParsedAnswer(
            emotion=content["emotion"],
            text=content.get("text"),
            confidence=content.get("confidence"),
            scores=content.get("scores"),
            dimensions=content.get("dimensions"),
            where="emotion",
            excerpt=str(content["emotion"])[:80],
        )
