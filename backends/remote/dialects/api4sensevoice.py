"""api4sensevoice: a form in, text with emoji out, and failures that hide in a 200."""

from __future__ import annotations

from sv_eval.backend import Adjustments
from sv_eval.backends.remote.answer_parsing import ParsedAnswer, expect
from sv_eval.backends.remote.dialect import TAG_EMOJI, Traits
from sv_eval.backends.remote.errors import API_ERROR, RemoteError
from sv_eval.backends.remote.http_messages import HttpMessage, HttpReply, multipart
from sv_eval.backends.remote.http_transport import HttpDialect
from sv_eval.backends.remote.sound import Sound
from sv_eval.backends.remote.typed_fields import text_in
from sv_eval.emotions import EMOTIONS

_NO_SPEECH = "❓"


class Api4SenseVoice(HttpDialect):
    """`POST /transcribe`. It takes wav only, told by the part's Content-Type.

    Its emoji form has no sign for neutral, and none for a declined answer, so neither can be told from an answer
    without an emotion: such answers are NO_TAG, and neutral is not scored.
    """

    traits = Traits(
        name="api4sensevoice",
        schemes=("http", "https"),
        path="/transcribe",
        labels=tuple(label for label in EMOTIONS if label != "neutral"),
        lossy="emoji",
        emoji=TAG_EMOJI,
    )

    def message(self, sound: Sound, asked: Adjustments) -> HttpMessage:
        """A form."""
        return multipart((), name="file", file=sound.file, filename="clip.wav", media_type="audio/wav")

    def read(self, reply: HttpReply) -> ParsedAnswer:
        """`data`, if `code` is 0."""
        content = reply.json()
        expect(isinstance(content, dict) and "code" in content, "the answer has no `code`")
        if content["code"] != 0:
            raise RemoteError(API_ERROR, f"code {content['code']} in an HTTP 200: {str(content.get('msg'))[:120]}")
        text = text_in(content.get("data"), "data") or ""
        return ParsedAnswer(
            text=text, no_speech=not text.strip() or text.strip() == _NO_SPEECH, where="data", excerpt=text[:80]
        )
