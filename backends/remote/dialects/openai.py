"""The OpenAI-shaped transcription that funasr-server, Xinference, speaches and others offer."""

from __future__ import annotations

from sv_eval.backend import Adjustments
from sv_eval.backends.remote.answer_parsing import ParsedAnswer, expect
from sv_eval.backends.remote.dialect import TAG_EMOJI, Traits
from sv_eval.backends.remote.http_messages import HttpMessage, HttpReply, multipart
from sv_eval.backends.remote.http_transport import HttpDialect, HttpTransport
from sv_eval.backends.remote.sound import ORIGINAL, WAV, Sound
from sv_eval.backends.remote.typed_fields import text_in
from sv_eval.config.foreign_json import read_json

_MODELS = "/v1/models"
_USUAL = "sensevoice"
_OF_A_DIRECTORY = "custom"
"""funasr-server lists this name only where it was started with a model's directory, and has loaded nothing else."""


class OpenAiTranscriptions(HttpDialect):
    """`POST /v1/audio/transcriptions`.

    Most such services drop the emotion. It is looked for in a field of the answer (`emotion_field`), then as tags
    in `text`, then as the emoji that SenseVoice's text form has; neutral and unknown have no emoji.

    model: the name that the service knows its model by; without one the service is asked for its models, of which
    `custom` (of funasr-server), one called SenseVoice, or the first is taken. response_format: `json` or
    `verbose_json`.
    """

    traits = Traits(
        name="openai",
        schemes=("http", "https"),
        path="/v1/audio/transcriptions",
        forms=(ORIGINAL, WAV),
        asks=("language", "use_itn"),
        emoji=TAG_EMOJI,
    )

    def __init__(
        self, *, model: str | None = None, response_format: str = "json", emotion_field: str = "emotion"
    ) -> None:
        self._model, self._format, self._field = model, response_format, emotion_field

    async def prepare(self, transport: HttpTransport) -> None:
        """Ask for the models: some services try to load a name that they do not know, and hang."""
        if self._model is None:
            self._model = _chosen(await transport.get(_MODELS))

    def message(self, sound: Sound, asked: Adjustments) -> HttpMessage:
        """A form."""
        fields = [("model", self._model or _USUAL), ("response_format", self._format)]
        if asked.language is not None:
            fields.append(("language", asked.language))
        if asked.use_itn is not None:
            fields.append(("use_itn", str(asked.use_itn).lower()))
        return multipart(
            fields, name="file", file=sound.file, filename=sound.file_name, media_type=sound.media_type
        )

    def read(self, reply: HttpReply) -> ParsedAnswer:
        """The field, or the text."""
        content = reply.json()
        expect(isinstance(content, dict), "the answer is no JSON object")
        if content.get("error"):
            raise self.refusal(reply)
        expect("text" in content or self._field in content, "the answer has no `text`")
        text, emotion = text_in(content.get("text"), "text") or "", text_in(content.get(self._field), self._field)
        scores = content.get("scores")
        return ParsedAnswer(
            emotion=emotion,
            text=text,
            scores=scores if isinstance(scores, dict) else None,
            confidence=content.get("confidence"),
            language=content.get("language"),
            event=content.get("event"),
            model=self._model,
            no_speech=not emotion and not text.strip(),
            where=f"{self._field} and text",
            excerpt=f"{self._field}={emotion!r}, text={text[:60]!r}",
        )


def _chosen(reply: HttpReply) -> str:
    """The name of a model that the service lists; the usual one where it lists none."""
    try:
        content = read_json(reply.body) if reply.status < 300 else None
    except ValueError:
        content = None
    listed = content.get("data") if isinstance(content, dict) else None
    found = [one.get("id") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    names = [name for name in found if isinstance(name, str) and name.isprintable()]
    if _OF_A_DIRECTORY in names:
        return _OF_A_DIRECTORY
    return next((name for name in names if _USUAL in name.lower()), names[0] if names else _USUAL)
