"""This project's service over HTTP: JSON with base64, and forms."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from sv_eval.backend import Adjustments
from sv_eval.backends.remote.answer_parsing import ParsedAnswer, expect
from sv_eval.backends.remote.dialect import NOTHING_SAID, ServedModel, Traits
from sv_eval.backends.remote.errors import RemoteError
from sv_eval.backends.remote.http_messages import HttpMessage, HttpReply, multipart, retry_after_s, said_in
from sv_eval.backends.remote.http_transport import HttpDialect, HttpTransport
from sv_eval.backends.remote.service_words import answer_from_data, kind_of_code, silent
from sv_eval.backends.remote.sound import ORIGINAL, WAV, Sound
from sv_eval.backends.remote.typed_fields import number_in
from sv_eval.config.foreign_json import read_json
from sv_eval.dimensions import ranges_from

ASKS = ("language", "use_itn", "vad_threshold", "chunk_size")


class _OverHttp(HttpDialect):
    """What the forms over HTTP share."""

    def read(self, reply: HttpReply) -> ParsedAnswer:
        """The answer's `data`."""
        content = reply.json()
        expect(isinstance(content, dict), "the answer is no JSON object")
        if content.get("success") is False:
            raise problem_error(content, reply)
        return answer_from_data(content.get("data"))

    def refusal(self, reply: HttpReply) -> RemoteError:
        """A problem document's own code is the kind."""
        content = _content(reply)
        return problem_error(content, reply) if "code" in content else super().refusal(reply)

    def silence(self, reply: HttpReply) -> bool:
        """Whether the code says so."""
        return silent(_content(reply).get("code"))

    async def served(self, transport: HttpTransport) -> ServedModel:
        """The first model's card."""
        try:
            (listed, *_) = (await transport.get("/v1/models")).json()["data"]
            reply = await transport.get(f"/v1/models/{listed['id']}")
            card = reply.json() if reply.status == 200 else listed
            return ServedModel(
                model=card["title"],
                model_hash=card["model_hash"],
                precision=card["precision"],
                device=card["device"],
                labels=tuple(card["labels"]),
                dimensions=ranges_from("dimensions", card.get("dimensions") or {}),
                card={**(card.get("card") or {}), **_decided(card)},
            )
        except (RemoteError, KeyError, TypeError, ValueError):
            return NOTHING_SAID


def _decided(card: Mapping[str, Any]) -> dict[str, Any]:
    """What the service's answers are under, beside the model's own card; empty for nothing."""
    told = {name: card[name] for name in ("calibration", "thresholds") if card.get(name)}
    return {"service": told} if told else {}


class JsonDialect(_OverHttp):
    """`POST /v1/emotion`: the file in base64."""

    extra: Mapping[str, Any] = {"return_all_emotions": True}
    """What is asked for whatever the run asks for."""

    traits = Traits(
        name="service",
        schemes=("http", "https"),
        path="/v1/emotion",
        forms=(ORIGINAL, WAV),
        asks=ASKS,
        deterministic=True,
    )

    def message(self, sound: Sound, asked: Adjustments) -> HttpMessage:
        """A JSON object; base64 needs no escaping, so the long member is put in as it is."""
        rest = json.dumps(wishes_of(asked, ASKS) | dict(self.extra)).encode()
        body = b'{"audio":"%b"%b%b' % (base64.b64encode(sound.file), b"," if len(rest) > 2 else b"", rest[1:])
        return HttpMessage(body=body, headers={"Content-Type": "application/json"})


class FormDialect(_OverHttp):
    """`POST /analyze`: the file as it is."""

    traits = Traits(
        name="service_form",
        schemes=("http", "https"),
        path="/analyze",
        forms=(ORIGINAL, WAV),
        asks=ASKS,
        deterministic=True,
    )

    def message(self, sound: Sound, asked: Adjustments) -> HttpMessage:
        """A form."""
        wishes = wishes_of(asked, ASKS) | {"return_all_emotions": True}
        fields = [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in wishes.items()]
        return multipart(
            fields, name="file", file=sound.file, filename=sound.file_name, media_type=sound.media_type
        )


def wishes_of(asked: Adjustments, names: tuple[str, ...]) -> dict[str, Any]:
    """What is asked for, of these names."""
    return {name: value for name in names if (value := getattr(asked, name)) is not None}


def _content(reply: HttpReply) -> dict[str, Any]:
    try:
        content = read_json(reply.body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def problem_error(content: Mapping[str, Any], reply: HttpReply | None) -> RemoteError:
    """The error of a problem document."""
    code = str(content.get("code", "internal"))
    header = None if reply is None else retry_after_s(reply.headers)
    try:
        waits = number_in(content.get("retry_after_s"), "retry_after_s")
    except RemoteError:
        # The refusal itself is understood; how long to wait is not.
        waits = None
    said = content.get("detail") or (said_in(reply) if reply else "")
    return RemoteError(
        kind_of_code(code), f"{code}: {said}"[:300], retry_after_s=header if waits is None else waits
    )
