"""Small servers that behave as the real ones do, each in its own thread, over a recogniser of known answers."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from aiohttp import WSMsgType, web

from sv_eval.backend import Request
from sv_eval.data.audio.decoding import decode

EMOJI = {
    "happy": "😊",
    "sad": "😔",
    "angry": "😡",
    "neutral": "",
    "fearful": "😰",
    "disgusted": "🤢",
    "surprised": "😮",
}
PLANTED = (*EMOJI, "unknown")
PATIENT = "backend.connection={connect_s: 120, read_s: 120, total_s: 300, preflight_s: 120}"
"""For a service on a busy machine."""


class Recogniser:
    """Knows clips by their samples, and answers to each what was planted: one of the seven emotions, or unknown."""

    def __init__(self, paths: list[Path]) -> None:
        self.known = {path.stem: decode(path).samples for path in paths}
        self.labels = {name: PLANTED[index % len(PLANTED)] for index, name in enumerate(self.known)}
        self.rates: set[int] = set()

    def __call__(self, samples: np.ndarray[Any, Any], rate_hz: int) -> tuple[str, str]:
        """The label and the text of a clip; anything that is not one of the clips is an error."""
        self.rates.add(rate_hz)
        samples = samples.mean(axis=1) if samples.ndim > 1 else samples
        for name, known in self.known.items():
            # Whatever came over the wire must be the clip, to the last bit of 16.
            if len(known) == len(samples) and np.abs(known - samples).max() <= 1.01 / 32768:
                return self.labels[name], f"this is {name}"
        raise LookupError(f"{len(samples)} samples at {rate_hz} Hz are none of the clips")

    def tagged(self, samples: np.ndarray[Any, Any], rate_hz: int) -> str:
        """What SenseVoice would print."""
        label, text = self(samples, rate_hz)
        tag = "EMO_UNKNOWN" if label == "unknown" else label.upper()
        return f"<|en|><|{tag}|><|Speech|><|woitn|>{text}"


def of_file(data: bytes) -> tuple[np.ndarray[Any, Any], int]:
    """The samples of a file."""
    samples, rate_hz = soundfile.read(io.BytesIO(data), dtype="float32")
    return samples, rate_hz


class Running:
    """An application on a port of its own."""

    def __init__(self, app: web.Application, context: ssl.SSLContext | None = None) -> None:
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._app, self._context = app, context
        self.port = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._ready.wait(120)

    def address(self, scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}"

    def stop(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(120)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = web.AppRunner(self._app, shutdown_timeout=0.1)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._context)
        self._loop.run_until_complete(site.start())
        self.port = runner.addresses[0][1]
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Running]]:
    """`serve(app)` runs it until the test ends."""
    running: list[Running] = []

    def start(app: web.Application, context: ssl.SSLContext | None = None) -> Running:
        running.append(Running(app, context))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture(scope="module")
def service(serving: Callable[..., Any]) -> Iterator[Any]:
    """Our own, over HTTP and gRPC."""
    with serving("serve.grpc_port=0") as it:
        yield it


def address(service: Any, scheme: str) -> str:
    """Where one answers, for a backend of that scheme."""
    said = service.event("listening")
    return f"grpc://{said['grpc']}" if scheme == "grpc" else said["http"].replace("http", scheme, 1)


@pytest.fixture(scope="session")
def clips(demo_clips: list[Path]) -> list[Path]:
    """Sixteen clips of different lengths."""
    return demo_clips[:16]


@pytest.fixture
def recogniser(clips: list[Path]) -> Recogniser:
    return Recogniser(clips)


def application(*routes: Any) -> web.Application:
    app = web.Application(client_max_size=64 << 20)
    app.add_routes(routes)
    return app


async def posted(request: web.Request, name: str) -> tuple[Any, dict[str, str]]:
    """The file field of a form, and its other fields."""
    form = await request.post()
    file = form.get(name)
    fields = {key: value for key, value in form.items() if isinstance(value, str)}
    return file, fields


@pytest.fixture
def sensevoice_api(recogniser: Recogniser) -> web.Application:
    """As SenseVoice's api.py: form `files`, `keys`, `lang`; FastAPI's errors; nothing is resampled."""
    app = application()

    async def asr(request: web.Request) -> web.Response:
        file, fields = await posted(request, "files")
        if file is None or "keys" not in fields:
            return web.json_response({"detail": [{"msg": "Field required", "type": "missing"}]}, status=422)
        if fields.get("lang", "auto") not in ("auto", "zh", "en", "yue", "ja", "ko", "nospeech"):
            return web.json_response({"detail": [{"msg": "Input should be 'auto', 'zh', ..."}]}, status=422)
        raw = recogniser.tagged(*of_file(file.file.read()))
        label, text = raw.split("|>")[1].removeprefix("<|").lower(), raw.rpartition("|>")[2]
        shown = text + EMOJI.get(label, "")
        key = fields["keys"].split(",")[0]
        result = [{"key": key, "text": shown, "raw_text": raw, "clean_text": text}]
        return web.json_response({"result": result})

    app.router.add_post("/api/v1/asr", asr)
    return app


@pytest.fixture
def openai(recogniser: Recogniser) -> web.Application:
    """OpenAI-shaped; the model's name decides how the emotion is told: `tags`, `emoji`, `field` or `dropped`."""

    async def transcribe(request: web.Request) -> web.Response:
        file, fields = await posted(request, "file")
        if fields.get("model") not in ("tags", "emoji", "field", "dropped"):
            error = {
                "message": f"The model `{fields.get('model')}` does not exist",
                "type": "invalid_request_error",
            }
            return web.json_response({"error": error}, status=404)
        raw = recogniser.tagged(*of_file(file.file.read()))
        label, text = recogniser(*of_file(file_bytes(file)))
        answers: dict[str, dict[str, Any]] = {
            "tags": {"text": raw},
            "emoji": {"text": text + EMOJI.get(label, "")},
            "field": {"text": text, "emotion": "<unk>" if label == "unknown" else f"某/{label}"},
            "dropped": {"text": text},
        }
        return web.json_response(answers[fields["model"]])

    return application(web.post("/v1/audio/transcriptions", transcribe))


def file_bytes(file: Any) -> bytes:
    file.file.seek(0)
    data: bytes = file.file.read()
    return data


@pytest.fixture
def funasr(recogniser: Recogniser) -> web.Application:
    """FunASR's websocket runtime in offline mode; says nothing at all to a clip that it can't make anything of."""

    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("binary",), max_msg_size=64 << 20)
        await socket.prepare(request)
        opening: dict[str, Any] = {}
        samples = b""
        async for message in socket:
            content = {} if message.type is WSMsgType.BINARY else json.loads(message.data)
            opening |= content
            # The Python server reads this with every message, whatever the mode, and falls over without it.
            assert opening["chunk_size"][1]
            if message.type is WSMsgType.BINARY:
                samples += message.data
            elif content.get("is_speaking") is False:
                assert opening["mode"] == "offline"
                assert opening["audio_fs"] == 16_000
                floats = np.frombuffer(samples, "<i2").astype(np.float32) / 32768
                text = recogniser.tagged(floats, 16_000)
                answer = {"mode": "offline", "text": text, "wav_name": opening["wav_name"], "is_final": False}
                await socket.send_json(answer)
        return socket

    return application(web.get("/", talk))


@pytest.fixture
def sherpa(recogniser: Recogniser) -> web.Application:
    """sherpa-onnx's C++ offline server: rate, byte count and float samples; closes with a reason."""

    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=64 << 20)
        await socket.prepare(request)
        held, rate_hz, expected = b"", 0, 0
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                reason = "Done" if message.data == "Done" else f"Invalid payload: {message.data}"
                await socket.close(message=reason[:120].encode())
                break
            if not expected:
                rate_hz, expected = struct.unpack("<ii", message.data[:8])
                held = message.data[8:]
            else:
                held += message.data
            if len(held) == expected:
                label, text = recogniser(np.frombuffer(held, "<f4"), rate_hz)
                tag = "EMO_UNKNOWN" if label == "unknown" else label.upper()
                answer = {"lang": "<|en|>", "emotion": f"<|{tag}|>", "event": "<|Speech|>", "text": text}
                await socket.send_json({**answer, "timestamps": [0.1], "tokens": ["x"], "words": []})
                held, expected = b"", 0
        return socket

    return application(web.get("/", talk))


@pytest.fixture
def api4sensevoice(recogniser: Recogniser) -> web.Application:
    """Emoji at the end of the text; every failure is an HTTP 200 with a code."""

    async def transcribe(request: web.Request) -> web.Response:
        file, _ = await posted(request, "file")
        try:
            assert file.content_type.startswith("audio/wav"), "400: Unsupported audio format"
            label, text = recogniser(*of_file(file.file.read()))
        except (AssertionError, LookupError, RuntimeError) as error:
            return web.json_response({"code": 1, "msg": str(error), "data": ""})
        done = "success, transcription time: 0.03 seconds"
        return web.json_response({"code": 0, "msg": done, "data": text + EMOJI.get(label, "")})

    return application(web.post("/transcribe", transcribe))


@pytest.fixture
def dashscope(recogniser: Recogniser) -> web.Application:
    """qwen3-asr-flash: bearer key, data URL, annotations."""

    async def generate(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer sk-good":
            error = {"code": "InvalidApiKey", "message": "Invalid API-key provided.", "request_id": "r"}
            return web.json_response(error, status=401)
        content = await request.json()
        assert content["model"] == "qwen3-asr-flash"
        (part,) = content["input"]["messages"][-1]["content"]
        head, _, data = part["audio"].partition(";base64,")
        assert head.startswith("data:audio/")
        label, text = recogniser(*of_file(base64.b64decode(data)))
        message = {
            "annotations": [{"language": "en", "type": "audio_info", "emotion": label}],
            "content": [{"text": text}],
            "role": "assistant",
        }
        output = {"choices": [{"finish_reason": "stop", "message": message}]}
        return web.json_response({"output": output, "usage": {"seconds": 1}, "request_id": "r"})

    path = "/api/v1/services/aigc/multimodal-generation/generation"
    return application(web.post(path, generate))


@pytest.fixture
def kserve(recogniser: Recogniser) -> web.Application:
    """Triton with FunASR's ensemble: four inputs, TRANSCRIPTS out; samples as JSON or as binary tensor."""

    async def infer(request: web.Request) -> web.Response:
        body = await request.read()
        size = request.headers.get("Inference-Header-Content-Length")
        head = json.loads(body if size is None else body[: int(size)])
        inputs = {one["name"]: one for one in head["inputs"]}
        if set(inputs) != {"WAV", "WAV_LENS", "LANGUAGE", "TEXT_NORM"}:
            return web.json_response({"error": f"expected 4 inputs but got {len(inputs)}"}, status=400)
        wav = inputs["WAV"]
        samples = np.array(wav["data"], np.float32) if size is None else np.frombuffer(body[int(size) :], "<f4")
        assert wav["shape"] == [1, len(samples)]
        assert inputs["WAV_LENS"]["data"] == [len(samples)]
        assert inputs["LANGUAGE"]["data"] == [0]
        text = recogniser.tagged(samples, 16_000)
        output = {"name": "TRANSCRIPTS", "datatype": "BYTES", "shape": [1], "data": [text]}
        return web.json_response({"model_name": "sensevoice", "outputs": [output]})

    return application(web.post("/v2/models/sensevoice/infer", infer))


@pytest.fixture
def lists_of_scores(recogniser: Recogniser) -> web.Application:
    """A service of nobody's: a header of its own, labels and scores as emotion2vec has them, failures in a 200."""

    async def judge(request: web.Request) -> web.Response:
        if request.headers.get("X-Token") != "good":
            return web.json_response({"status": "error", "why": "bad token"}, status=403)
        content = await request.json()
        label, text = recogniser(*of_file(base64.b64decode(content["sound"]["data"])))
        if label == "unknown":
            return web.json_response({"status": "error", "why": "model crashed"})
        chinese = dict(zip(EMOJI, ("开心", "难过", "生气", "中立", "恐惧", "厌恶", "吃惊"), strict=True))
        words = [f"{word}/{name}" for name, word in chinese.items()]
        scores = [0.64 if name == label else 0.06 for name in chinese]
        result = {"labels": words, "scores": scores, "text": text, "took": {"model": 12.5}}
        return web.json_response({"status": "ok", "result": [result]})

    return application(web.put("/judge", judge))


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """Waits for a condition."""

    def wait(condition: Callable[[], bool], *, timeout_s: float = 120) -> None:
        end = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.02)

    return wait


@pytest.fixture
def request_(demo_clips: list[Path]) -> Request:
    """The first of the bundled clips, with its file's bytes."""
    return Request(clip_id="clip", waveform=decode(demo_clips[0], keep_encoded=True))
