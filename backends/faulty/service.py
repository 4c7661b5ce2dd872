"""A real service on a port of its own, in front of any backend, with at most one fault in its wiring."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any, Self

import numpy as np
from aiohttp import WSMsgType, web

from sv_eval.backend import Adjustments, Backend, Request
from sv_eval.backends.faulty.exchange import Around, Asked, Said
from sv_eval.backends.faulty.faults import FAULTS, Fault
from sv_eval.backends.faulty.streams import joined
from sv_eval.data.audio.decoding import decode
from sv_eval.data.conditions.step import Float32
from sv_eval.errors import AudioError, ConfigError, nearest
from sv_eval.records import Failure, Prediction, Waveform

_MOST_BYTES = 64 << 20
_ALL = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


class FaultyService:
    """Speaks as this project's service does: `POST /analyze` with a form, `POST /v1/emotion` with JSON, streams.

    inner: the backend behind it; entered by whoever opened it. fault: one of FAULTS; None for a sound one. noise:
    the standard deviation of what is added to log-probabilities at each request. seed: of that noise. remembered:
    where the inner backend's answers are kept, so that services after each other share them.
    """

    def __init__(
        self,
        inner: Backend,
        fault: str | None = None,
        *,
        noise: float = 0.0,
        seed: int = 0,
        remembered: dict[bytes, Prediction] | None = None,
    ) -> None:
        if fault is not None and fault not in FAULTS:
            raise ConfigError(f"fault '{fault}' is not known; {nearest(fault, FAULTS)}")
        self._inner, self._noise = inner, noise
        self._fault: Fault | None = None if fault is None else FAULTS[fault]
        self._around: Around | None = None if self._fault is None else self._fault.around()
        self._rng = np.random.default_rng(seed)
        self._known: dict[bytes, Prediction] = {} if remembered is None else remembered
        self._runner: web.AppRunner | None = None
        self.url = ""
        """Where it listens, once it is entered."""

    async def __aenter__(self) -> Self:
        """Listen."""
        app = web.Application(client_max_size=_MOST_BYTES)
        app.add_routes(
            [
                web.post("/analyze", self._form),
                web.post("/v1/emotion", self._json),
                web.get("/v1/emotion/stream", self._stream),
            ]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *reason: object) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _form(self, request: web.Request) -> web.Response:
        form = await request.post()
        file = form["file"]
        assert isinstance(file, web.FileField)
        fields = {key: value for key, value in form.items() if isinstance(value, str)}
        asked = Asked(
            data=file.file.read(),
            name=file.filename,
            language=fields.get("language"),
            use_itn=json.loads(fields["use_itn"]) if "use_itn" in fields else None,
            connection=id(request.transport),
        )
        return await self._answer(asked)

    async def _json(self, request: web.Request) -> web.Response:
        body = await request.json()
        text: str = body["audio"]
        if self._fault is not None and self._fault.alphabet is not None:
            text = text.encode().translate(bytes.maketrans(_ALL, self._fault.alphabet)).decode()
        asked = Asked(
            data=base64.b64decode(text),
            language=body.get("language"),
            use_itn=body.get("use_itn"),
            connection=id(request.transport),
        )
        return await self._answer(asked)

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        """Float samples piece by piece; without partial answers, which no certificate asks for."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        start, pieces = await socket.receive_json(), list[Float32]()
        async for message in socket:
            if message.type is not WSMsgType.BINARY:
                break
            pieces.append(np.frombuffer(message.data, "<f4").astype(np.float32))
        asked = Asked(
            data=b"",
            language=start.get("language"),
            use_itn=start.get("use_itn"),
            connection=id(request.transport),
            samples=joined(pieces),
            pieces=tuple(pieces),
        )
        try:
            await socket.send_json({"type": "final", "success": True, "data": await self._said(asked)})
        except AudioError as error:
            await socket.send_json({"type": "error", "error": {"code": error.kind, "detail": str(error)}})
        await socket.close()
        return socket

    async def _said(self, asked: Asked) -> Said:
        return await (self.judge(asked) if self._around is None else self._around(asked, self.judge))

    async def _answer(self, asked: Asked) -> web.Response:
        try:
            said = await self._said(asked)
        except AudioError as error:
            problem: dict[str, Any] = {"code": error.kind, "detail": str(error), "success": False}
            return web.json_response(problem, status=422)
        except ConnectionAbortedError:
            return web.json_response({"code": "overloaded", "detail": "come again"}, status=503)
        return web.json_response({"success": True, "data": said})

    async def judge(self, asked: Asked) -> Said:
        """The sound answer."""
        samples = decode(asked.data).samples if asked.samples is None else asked.samples
        if not len(samples):
            raise AudioError("empty", "no samples are left")
        language = None if asked.language in (None, "auto") else asked.language
        key = hashlib.blake2b(samples.tobytes() + f"{language} {asked.use_itn}".encode()).digest()
        if key not in self._known:
            adjustments = Adjustments(language=language, use_itn=asked.use_itn)
            waveform = Waveform(samples=np.ascontiguousarray(samples, dtype=np.float32))
            request = Request(clip_id="asked", waveform=waveform, adjustments=adjustments)
            (answer,) = await self._inner.recognize([request])
            if isinstance(answer, Failure):
                raise AudioError(answer.kind, answer.message)
            self._known[key] = answer
        return self._told(self._known[key])

    def _told(self, answer: Prediction) -> Said:
        scores = dict(answer.scores or {})
        label = answer.label
        if self._noise and scores:
            logits = np.log(np.maximum(list(scores.values()), 1e-12))
            logits += self._rng.normal(0, self._noise, len(logits))
            raised = np.exp(logits - logits.max())
            scores = dict(zip(scores, (raised / raised.sum()).tolist(), strict=True))
            label = max(scores, key=lambda name: scores[name])
        return {
            "emotion": label,
            "confidence": scores.get(label or ""),
            "scores": scores,
            "text": answer.text,
            "language": answer.language,
            "event": answer.event,
        }
