"""SenseVoice's own `api.py`: a form with files and keys, tags in `raw_text`."""

from __future__ import annotations

from collections.abc import Mapping

from sv_eval.backend import Adjustments
from sv_eval.backends.remote.answer_parsing import ParsedAnswer, expect
from sv_eval.backends.remote.dialect import Traits
from sv_eval.backends.remote.http_messages import HttpMessage, HttpReply, multipart
from sv_eval.backends.remote.http_transport import HttpDialect
from sv_eval.backends.remote.sound import ORIGINAL, WAV, Sound
from sv_eval.backends.remote.typed_fields import text_in

_KEY = "clip"


class SenseVoiceApi(HttpDialect):
    """`POST /api/v1/asr`. It resamples nothing, so 16 kHz wav is what is sent unless told otherwise."""

    traits = Traits(
        name="sensevoice_api",
        schemes=("http", "https"),
        path="/api/v1/asr",
        forms=(WAV, ORIGINAL),
        asks=("language", "use_itn"),
    )

    def message(self, sound: Sound, asked: Adjustments) -> HttpMessage:
        """A form with one file and its key."""
        fields = [("keys", _KEY), ("lang", asked.language or "auto")]
        if asked.use_itn is not None:
            fields.append(("use_itn", str(asked.use_itn).lower()))
        return multipart(
            fields, name="files", file=sound.file, filename=sound.file_name, media_type=sound.media_type
        )

    def read(self, reply: HttpReply) -> ParsedAnswer:
        """The result with our key; a list without it is what the service makes of a clip without speech."""
        content = reply.json()
        expect(
            isinstance(content, dict) and isinstance(content.get("result"), list), "the answer has no `result` list"
        )
        found = [one for one in content["result"] if isinstance(one, Mapping)]
        mine = next((one for one in found if one.get("key") == _KEY), found[0] if len(found) == 1 else None)
        if mine is None:
            expect(not found, f"the answer's `result` has no item with the key '{_KEY}'")
            return ParsedAnswer(no_speech=True, where="result", excerpt="[]")
        raw = text_in(mine.get("raw_text"), "result[0].raw_text")
        text = text_in(mine.get("text"), "result[0].text") or "" if raw is None else raw
        where = "result[0].text" if raw is None else "result[0].raw_text"
        return ParsedAnswer(text=text, no_speech=not text.strip(), where=where, excerpt=text[:80])
