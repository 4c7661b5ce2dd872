"""Any HTTP service, described by configuration alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sv_eval.backend import Adjustments
from sv_eval.backends.remote.answer_parsing import ParsedAnswer, expect, own_meaning
from sv_eval.backends.remote.dialect import TAG_EMOJI, Traits
from sv_eval.backends.remote.errors import API_ERROR, RemoteError
from sv_eval.backends.remote.http_messages import HttpMessage, HttpReply, multipart
from sv_eval.backends.remote.http_transport import HttpDialect
from sv_eval.backends.remote.sound import ORIGINAL, WAV, Sound
from sv_eval.backends.remote.typed_fields import list_in, needed_number, number_in, numbers_in, text_in
from sv_eval.dimensions import DIMENSIONS
from sv_eval.emotions import EMOTIONS
from sv_eval.errors import ConfigError, nearest

_ENCODINGS = ("json", "multipart", "raw")
_PLACES = ("{audio_base64}", "{format}", "{media_type}", "{language}")


class Generic(HttpDialect):
    """A service whose request and answer are described piece by piece.

    method: of the request. headers: more of them; `{api_key}` stands for the key.
    encoding: `json` (`body` with `{audio_base64}`, `{format}`, `{media_type}` and `{language}` filled in),
        `multipart` (`body` holds the fields, `file_field` names the file's) or `raw` (the body is the file).
    emotion, scores, text, confidence, language, event, server_ms, arousal, valence, dominance: JSONPath (RFC 9535)
        to where the answer has them; scores may be an object, or a list whose words `score_labels` leads to
        (`$.top[*].score` and `$.top[*].label` for a list of objects).
    failed: JSONPath; the answer is a failure where it finds something that is not false, 0, null or empty.
    failure_message: JSONPath to what is said then.
    says: the emotions that can come out of it. emoji: read SenseVoice's emoji in the text.
    """

    def __init__(
        self,
        *,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        encoding: str = "json",
        body: Any = None,
        file_field: str = "file",
        emotion: str | None = None,
        scores: str | None = None,
        score_labels: str | None = None,
        text: str | None = None,
        confidence: str | None = None,
        language: str | None = None,
        event: str | None = None,
        server_ms: str | None = None,
        arousal: str | None = None,
        valence: str | None = None,
        dominance: str | None = None,
        failed: str | None = None,
        failure_message: str | None = None,
        says: Sequence[str] = EMOTIONS,
        emoji: bool = False,
    ) -> None:
        if encoding not in _ENCODINGS:
            hint = nearest(encoding, _ENCODINGS)
            raise ConfigError(f"backend.dialect.encoding={encoding} is not known; {hint}")
        if not any((emotion, text, scores, arousal, valence, dominance)):
            raise ConfigError(
                "backend.dialect: say where the emotion is, with one of emotion, scores, text and the dimensions "
                "(JSONPath)"
            )
        said = tuple(own_meaning("backend.dialect.says", str(word), str(word)) for word in says)
        self._method, self._encoding, self._field = method.upper(), encoding, file_field
        if encoding == "json" and body is None:
            body = {"audio": "{audio_base64}"}
        self._body = _checked_body(encoding, body)
        self.headers = dict(headers or {})
        paths = {
            "emotion": emotion, "scores": scores, "score_labels": score_labels, "text": text,
            "confidence": confidence, "language": language, "event": event, "server_ms": server_ms,
            "failed": failed, "failure_message": failure_message, "arousal": arousal, "valence": valence,
            "dominance": dominance,
        }  # fmt: skip
        self._written = {name: path for name, path in paths.items() if path is not None}
        self._paths = {name: _compiled(name, path) for name, path in self._written.items()}
        asks = ("language",) if "{language}" in json.dumps(body) else ()
        self.traits = Traits(
            name="generic",
            schemes=("http", "https"),
            forms=(ORIGINAL, WAV),
            asks=asks,
            labels=said,
            emoji=TAG_EMOJI if emoji else {},
            lossy="emoji" if emoji and emotion is None and scores is None else None,
        )

    def message(self, sound: Sound, asked: Adjustments) -> HttpMessage:
        """The request as described."""
        if self._encoding == "raw":
            return HttpMessage(body=sound.file, headers={"Content-Type": sound.media_type}, method=self._method)
        values = {
            "{format}": sound.format,
            "{media_type}": sound.media_type,
            "{language}": asked.language or "auto",
        }
        if self._encoding == "multipart":
            fields = [(name, _text(_filled(value, values))) for name, value in (self._body or {}).items()]
            made = multipart(
                fields,
                name=self._field,
                file=sound.file,
                filename=sound.file_name,
                media_type=sound.media_type,
            )
            return HttpMessage(body=made.body, headers=made.headers, method=self._method)
        values["{audio_base64}"] = base64.b64encode(sound.file).decode()
        body = json.dumps(_filled(self._body, values)).encode()
        return HttpMessage(body=body, headers={"Content-Type": "application/json"}, method=self._method)

    def read(self, reply: HttpReply) -> ParsedAnswer:
        """What the paths lead to."""
        content = reply.json()
        if self._first(content, "failed"):
            said = self._first(content, "failure_message")
            raise RemoteError(API_ERROR, f"the answer says that it failed: {str(said or reply.excerpt)[:120]}")
        emotion, text = self._first(content, "emotion"), self._first(content, "text")
        scores = self._scores(content)
        if emotion is None and scores:
            emotion = max(scores, key=lambda word: scores[word])
        looked = [
            f"{name} at {self._written[name]}"
            for name in ("emotion", "scores", "text", *DIMENSIONS)
            if name in self._written
        ]
        return ParsedAnswer(
            emotion=text_in(emotion, "emotion"),
            text=text_in(text, "text") or "",
            scores=scores,
            confidence=number_in(self._first(content, "confidence"), "confidence"),
            language=text_in(self._first(content, "language"), "language"),
            event=text_in(self._first(content, "event"), "event"),
            where=", ".join(looked),
            excerpt=reply.excerpt[:80],
            dimensions={name: self._first(content, name) for name in DIMENSIONS if name in self._written},
            server_ms=_milliseconds(self._first(content, "server_ms")),
        )

    def _first(self, content: Any, name: str) -> Any:
        path = self._paths.get(name)
        if path is None:
            return None
        match = path.match(content)
        return None if match is None else match.obj

    def _all(self, content: Any, name: str) -> Any:
        """What a path leads to: the one thing, or all of several as a list."""
        path = self._paths.get(name)
        found = [] if path is None else path.findall(content)
        return (found[0] if found else None) if len(found) < 2 else found

    def _scores(self, content: Any) -> dict[str, float] | None:
        values = self._all(content, "scores")
        if not isinstance(values, list):
            return numbers_in(values, "scores")
        labels = list_in(self._all(content, "score_labels"), "score_labels")
        expect(len(labels) == len(values), f"the answer has {len(values)} scores and {len(labels)} words for them")
        words = [text_in(label, "score_labels") or "" for label in labels]
        return numbers_in(dict(zip(words, values, strict=True)), "scores")


def _checked_body(encoding: str, body: Any) -> Any:
    if encoding == "json" and "{audio_base64}" not in json.dumps(body):
        raise ConfigError(
            "backend.dialect.body holds no {audio_base64}, so nothing would be sent to judge; what is filled in: "
            + ", ".join(_PLACES)
        )
    if encoding == "multipart" and not isinstance(body, Mapping | None):
        raise ConfigError("backend.dialect.body: a form's fields are a mapping of names to values")
    return body


def _compiled(name: str, path: str) -> Any:
    import jsonpath

    try:
        return jsonpath.compile(path)
    except jsonpath.JSONPathError as error:
        raise ConfigError(
            f"backend.dialect.{name}={path}: no JSONPath ({' '.join(str(error).split())[:80]}); e.g. $.data.emotion"
        ) from error


def _filled(template: Any, values: Mapping[str, str]) -> Any:
    if isinstance(template, str):
        for place, value in values.items():
            template = value if template == place else template.replace(place, value)
        return template
    if isinstance(template, Mapping):
        return {key: _filled(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, values) for value in template]
    return template


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _milliseconds(value: Any) -> dict[str, float]:
    if isinstance(value, Mapping):
        return {
            str(name): needed_number(one, f"server_ms.{name}") for name, one in value.items() if one is not None
        }
    number = number_in(value, "server_ms")
    return {} if number is None else {"total": number}
