"""Services whose answers were damaged: each ends as a label or a failure of its clip, in a record that reads.

    python tests/endurance/mutate_answers.py --answers 20000 --seed 0

A server of this script's own answers as each kind of service does, with values that were changed, left out or put
elsewhere, bytes that are none of it, statuses and headers that are odd. The real client asks it through the guard
of a run. Looked for are exceptions, failures that no dialect accounts for, answers that take too long, and records
that are not JSON or don't read back.
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import json
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
from aiohttp import web

sys.path.insert(0, str(Path(__file__).parent))

from mutations import as_text, changed, with_bytes_changed

from sv_eval.backend import Request
from sv_eval.config.building import build_backend
from sv_eval.config.composing import composed
from sv_eval.data.audio.decoding import decode
from sv_eval.errors import InferenceError
from sv_eval.record_file.as_json import record_to_json
from sv_eval.record_file.line import read_line
from sv_eval.records import Clip, Failure, Outcome, Prediction, Record
from sv_eval.run.guard import Guard, around_one_clip
from sv_eval.run.plain_answers import plain_update
from sv_eval.wire import emotion_pb2 as pb

_CLIP = Path(__file__).parents[2] / "datasets" / "demo" / "clips" / "en_f1_happy_01.flac"
_LIMIT_S = 10.0
_DATA = {
    "emotion": "happy", "confidence": 0.93, "text": "so", "language": "en", "event": "Speech", "model": "m",
    "scores": {"happy": 0.93, "sad": 0.07}, "duration": 1.5,
    "segments": [{"start": 0.0, "end": 1.0, "emotion": "happy", "scores": {"happy": 1.0}, "text": "so"}],
}  # fmt: skip
_PARTIAL = {"type": "partial", "start": 0.0, "end": 1.0, "emotion": "happy", "scores": {"happy": 1.0}, "text": "s"}
_TAGGED = "<|en|><|HAPPY|><|Speech|><|woitn|>so"
_GENERIC = {
    "emotion": "$.a.e", "scores": "$.a.s", "score_labels": "$.a.l", "text": "$.t", "confidence": "$.c",
    "server_ms": "$.ms", "failed": "$.f", "failure_message": "$.m", "language": "$.lang", "event": "$.v",
}  # fmt: skip
_QWEN = {
    "output": {"choices": [{"message": {"content": [{"text": "so"}],
               "annotations": [{"type": "audio_info", "language": "en", "emotion": "happy"}]}}]},
}  # fmt: skip
_HTTP: Mapping[str, list[Any]] = {
    "remote": [{"success": True, "data": _DATA}, {"success": False, "code": "silence", "detail": "x"}],
    "remote/service_form": [{"success": True, "data": _DATA}, {"code": "too_long", "retry_after_s": 0.0}],
    "remote/api4sensevoice": [{"code": 0, "msg": "success", "data": "so 😊"}, {"code": 1, "msg": "no"}],
    "remote/sensevoice_api": [{"result": [{"key": "clip", "raw_text": _TAGGED, "text": "so 😊"}]}],
    "remote/openai": [
        {"text": _TAGGED, "emotion": "happy", "confidence": 0.5, "scores": {"happy": 1.0}},
        {"error": {"message": "no", "type": "x"}},
    ],
    "remote/kserve": [{"outputs": [{"name": "TRANSCRIPTS", "datatype": "BYTES", "data": [_TAGGED]}]}],
    "remote/dashscope": [_QWEN, {"code": "Throttling", "message": "later"}],
    "remote/generic": [{"a": {"e": "happy", "s": [0.5, 0.5], "l": ["happy", "sad"]}, "t": "so", "c": 0.5,
                        "ms": {"model": 5}, "f": None, "m": "", "lang": "en", "v": "Speech"}],
}  # fmt: skip
_SOCKETS: Mapping[str, list[list[Any]]] = {
    "remote/service_websocket": [[{"type": "ready"}, _PARTIAL, {"type": "final", "success": True, "data": _DATA}],
                                 [{"type": "error", "error": {"code": "silence"}}]],
    "remote/funasr_websocket": [[{"mode": "offline", "text": _TAGGED, "is_final": True}]],
    "remote/sherpa_websocket": [[{"text": "so", "lang": "<|en|>", "emotion": "<|HAPPY|>", "event": "<|Speech|>"}]],
}  # fmt: skip
_GRPC = ("remote/service_grpc", "remote/service_grpc_stream")
_KINDS_OF_HEADERS = ("Retry-After", "Server-Timing", "Content-Type", "Inference-Header-Content-Length", "Location")
_ODD_HEADERS = ("nan", "-1", "1e999", "x", "0", "inf", "99", "a;dur=nan", "a;dur=inf;b", '";dur=5', "text/html", "")


def sound_answer(emotion: int = pb.EMOTION_HAPPY) -> Any:
    """What a service says over gRPC."""
    scores = [pb.Score(emotion=pb.EMOTION_HAPPY, probability=0.9), pb.Score(emotion=2, probability=0.1)]
    segment = pb.Segment(start=0, end=1, emotion=emotion, scores=scores, text="so")
    return pb.RecognizeResponse(emotion=emotion, confidence=0.9, scores=scores, segments=[segment], text="so")


@dataclass
class Answerer:
    """The server: it answers the next clip with what `said` draws."""

    drawn: random.Random
    dialect: str = ""

    def damaged(self, content: Any) -> bytes:
        """JSON whose values, or whose bytes, were changed."""
        act = self.drawn.random()
        if act < 0.05:
            return as_text(content).encode()
        if act < 0.8:
            return as_text(changed(copy.deepcopy(content), self.drawn)).encode("utf-8", "surrogatepass")
        return with_bytes_changed(as_text(content).encode(), self.drawn)

    async def over_http(self, request: web.Request) -> web.Response:
        """An answer over HTTP."""
        await request.read()
        drawn = self.drawn
        body = self.damaged(drawn.choice(_HTTP[self.dialect]))
        status = drawn.choice((200,) * 12 + (201, 204, 301, 307, 400, 404, 422, 500))
        headers = {"Content-Type": "application/json"}
        if drawn.random() < 0.2:
            headers[drawn.choice(_KINDS_OF_HEADERS)] = drawn.choice(_ODD_HEADERS)
        return web.Response(body=body, status=status, headers=headers)

    async def over_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """A conversation: all that was planned is said once the clip is there, or before."""
        socket, drawn = web.WebSocketResponse(protocols=("binary",), max_msg_size=64 << 20), self.drawn
        await socket.prepare(request)
        planned = drawn.choice(_SOCKETS[self.dialect])
        if drawn.random() < 0.7:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    async for _ in socket:
                        continue
        for message in planned:
            data = self.damaged(message)
            with suppress(ConnectionError):
                if drawn.random() < 0.8:
                    await socket.send_str(data.decode("utf-8", "replace"))
                else:
                    await socket.send_bytes(data)
        await socket.close()
        return socket

    def over_grpc(self, *, stream: bool) -> list[bytes]:
        """Serialised answers."""
        drawn = self.drawn
        answers = [sound_answer(drawn.choice((1, 8, 9, 0, 77)))]
        answers[0].confidence = drawn.choice((0.5, 93.0, -1.0, float("nan"), float("inf")))
        answers[0].scores[0].probability = drawn.choice((0.9, 0.9, float("nan"), -5.0, 1e308))
        answers[0].segments[0].end = drawn.choice((1.0, float("nan"), float("inf")))
        if stream:
            partial = pb.PartialResult(start=0, end=drawn.choice((1.0, float("nan"))), emotion=1)
            answers = [
                pb.StreamingRecognizeResponse(partial=partial),
                pb.StreamingRecognizeResponse(final=answers[0]),
            ]
        data = [one.SerializeToString() for one in answers]
        return [with_bytes_changed(one, drawn) if drawn.random() < 0.4 else one for one in data]


def _grpc_methods(answerer: Answerer) -> Any:
    async def one(_: Any, context: Any) -> bytes:
        return answerer.over_grpc(stream=False)[0]

    async def many(requests: Any, context: Any) -> AsyncIterator[bytes]:
        async for _ in requests:
            continue
        for data in answerer.over_grpc(stream=True):
            yield data

    handlers = {
        "Recognize": grpc.unary_unary_rpc_method_handler(one),
        "StreamingRecognize": grpc.stream_stream_rpc_method_handler(many),
    }
    return grpc.method_handlers_generic_handler("sv.emotion.v1.EmotionRecognition", handlers)


@asynccontextmanager
async def served(answerer: Answerer) -> AsyncIterator[dict[str, int]]:
    """The ports of the server."""

    async def any_path(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await answerer.over_websocket(request)
        return await answerer.over_http(request)

    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{path:.*}", any_path)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    calls = grpc.aio.server()
    calls.add_generic_rpc_handlers((_grpc_methods(answerer),))
    port = calls.add_insecure_port("127.0.0.1:0")
    await calls.start()
    try:
        yield {"http": runner.addresses[0][1], "ws": runner.addresses[0][1], "grpc": port}
    finally:
        await calls.stop(None)
        await runner.cleanup()


def record_of(answer: Prediction | Failure) -> str | None:
    """What is wrong about the record of an answer; None for nothing."""
    clip = Clip(id="c", reference="happy")
    record = (
        Record(clip=clip, outcome=Outcome.FAILURE, failure=answer)
        if isinstance(answer, Failure)
        else Record(clip=clip, outcome=answer.outcome, prediction=answer, latency_ms=1.0, audio_s=1.0)
    )
    try:
        line = json.dumps(record_to_json(record), allow_nan=False).encode("ascii")
        read_line(line)
        json.loads(line)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return f"its record does not read: {error!r:.100}"
    if isinstance(answer, Failure) and answer.kind == "backend_error":
        return f"no dialect accounts for it: {answer.message[:120]}"
    return None


async def asked(backend: Any, request: Request, *, streams: bool) -> tuple[str, str | None]:
    """What one clip ended as, and what was wrong about that."""
    updates: list[Any] = []

    async def pieces() -> AsyncIterator[Any]:
        for place in range(0, len(request.waveform.samples), 8000):
            yield request.waveform.samples[place : place + 8000]

    try:
        async with asyncio.timeout(_LIMIT_S):
            if streams:
                with around_one_clip("backend_error") as failures:
                    answer: Any = await backend.stream(pieces(), chunk_size=1.0, callback=updates.append)
                    for update in updates:
                        with suppress(InferenceError):
                            plain_update(update)
                answer = failures[0] if failures else (await Guard(lambda _: _as_is([answer])).ask([request]))[0]
            else:
                (answer,) = await Guard(backend.recognize).ask([request])
    except TimeoutError:
        return "hang", f"no answer within {_LIMIT_S:g} s"
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        return "exception", f"{type(error).__name__}: {str(error)[:120]}"
    if isinstance(answer, Failure) and (len(answer.kind) > 40 or not answer.kind.isprintable()):
        return "odd kind", f"the kind is no word: {answer.kind[:40]!r}"
    how = answer.kind if isinstance(answer, Failure) else str(answer.outcome.value)
    return how, record_of(answer)


async def _as_is(answers: list[Any]) -> list[Any]:
    return answers


async def endured(count: int, seed: int, only: str) -> tuple[Counter[str], Counter[str], dict[str, int]]:
    """Ask every dialect in turn."""
    dialects = [name for name in (*_HTTP, *_SOCKETS, *_GRPC) if only in name]
    kinds, faults, first = Counter[str](), Counter[str](), dict[str, int]()
    waveform = decode(_CLIP, keep_encoded=True)
    request = Request(clip_id="c", waveform=replace(waveform, samples=waveform.samples[:16_000]))
    answerer = Answerer(random.Random(0))
    quick = ("attempts=1", "preflight=false", "lost_after=1000000000", "read_s=5", "total_s=8")
    async with served(answerer) as ports:
        for place, dialect in enumerate(dialects):
            scheme = "ws" if dialect in _SOCKETS else "grpc" if dialect in _GRPC else "http"
            words = [f"backend={dialect}", f"backend.url={scheme}://127.0.0.1:{ports[scheme]}"]
            words += [f"backend.connection.{word}" for word in quick]
            words += [f"backend.dialect.{name}={path}" for name, path in _GENERIC.items()] * (
                dialect.endswith("generic")
            )
            backend = build_backend(composed("config", [*words, "dataset=demo"])["backend"])
            async with backend:
                for number in range(place, count, len(dialects)):
                    answerer.drawn, answerer.dialect = random.Random(f"{seed}:{number}"), dialect
                    streams = backend.capabilities.streams and number % 3 == 0
                    how, fault = await asked(backend, request, streams=streams)
                    kinds[how] += 1
                    if fault is not None:
                        key = f"{dialect}{' (stream)' if streams else ''}: {fault}"
                        faults[key] += 1
                        first.setdefault(key, number)
    return kinds, faults, first


def main() -> None:
    """Ask, tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)
    parser.add_argument("--answers", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="a part of the dialect's name")
    given = parser.parse_args()
    begin = time.perf_counter()
    kinds, faults, first = asyncio.run(endured(given.answers, given.seed, given.only))
    took_s = time.perf_counter() - begin
    print(f"{sum(kinds.values())} damaged answers in {took_s:.0f} s: {sum(faults.values())} faults")
    print(f"  {dict(kinds.most_common())}")
    for what, many in faults.most_common(60):
        print(f"  {many} x (first: {first[what]}) {what}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
