"""Whether callers that mean no good can crash the service, hang it, or make it grow or answer with a 5xx.

    python tests/endurance/hostile_http.py [--count N] [--seed N] [--growth-mib N]

Starts a service of its own and holds N generated HTTP requests, N / 10 websocket conversations and N / 10 gRPC ones
with it, each drawn from the seed and its own number, and asks for its health in between. Prints counts by what came
back, and ends with 1 where there was a crash, a hang, a 5xx other than 503 (there is no room), a traceback in
the log, or growth of the memory beyond the bound after the first tenth.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import random
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from sv_eval.wire import emotion_pb2 as pb

_CLIP = (Path(__file__).parents[2] / "datasets" / "demo" / "clips" / "en_f1_happy_01.flac").read_bytes()
_HANG_S = 45.0
_AT_ONCE = 16
_PATHS = (
    "/", "/health", "/health/ready", "/v1/emotion", "/v1/emotion/batch", "/analyze", "/transcribe", "/upload",
    "/v1/audio/transcriptions", "/v1/models", "/v1/models/x", "/metrics", "/docs", "/openapi.json",
    "/v1/emotion/stream", "//", "/%00", "/../etc/passwd", "/docs/static/../../x", "*", "http://other/x",
    "/" + "a" * 9000,
)  # fmt: skip
_METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "PRI", "get", "X" * 40)


@dataclass
class Found:
    """What came back."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, kind: str, what: str, number: int, *, wrong: bool = False) -> None:
        """Count one conversation."""
        self.counts[f"{kind} {what}"] += 1
        if wrong:
            self.wrong.append(f"{kind} {number}: {what}")


@dataclass
class Target:
    """The service under test."""

    http: int
    grpc: int
    pid: int

    def resident_mib(self) -> float:
        """Its memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def _value(draw: random.Random, depth: int = 0) -> object:
    audio = base64.b64encode(_CLIP[: draw.choice((0, 10, 1000, len(_CLIP)))]).decode()
    plain: list[Callable[[], object]] = [
        lambda: None, lambda: True, lambda: draw.choice((0, -1, 1e308, 2**70, 0.5)), lambda: audio,
        lambda: draw.choice(("", "wav", "\ud800", "\x00", "<script>", "a" * 5000, "data:;base64," + audio, "!")),
    ]  # fmt: skip
    if depth < 3 and draw.random() < 0.5:
        keys = ("audio", "items", "format", "language", "sample_rate", "chunk_size", "id", "vad_threshold", "x")
        if draw.random() < 0.7:
            return {draw.choice(keys): _value(draw, depth + 1) for _ in range(draw.randrange(6))}
        return [_value(draw, depth + 1) for _ in range(draw.randrange(5))]
    return draw.choice(plain)()


def _json(draw: random.Random) -> bytes:
    shape = draw.random()
    if shape < 0.1:
        return draw.choice((b"[", b'{"a":', b'{"items":[')) * draw.choice((10, 1000, 100_000))
    if shape < 0.2:
        return b'{"items":[' + b"1," * draw.choice((10, 1000, 500_000)) + b"1]}"
    if shape < 0.5:
        return json.dumps(
            {"audio": base64.b64encode(_mutated(draw)).decode(), "return_all_emotions": True}
        ).encode()
    text = json.dumps(_value(draw)).encode()
    return _noise(draw, text) if shape < 0.7 else text


def _noise(draw: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice((1, 3, 20))):
        if changed:
            changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed)


def _mutated(draw: random.Random) -> bytes:
    return _noise(draw, _CLIP[: draw.randrange(len(_CLIP))] if draw.random() < 0.5 else _CLIP)


def _form(draw: random.Random) -> bytes:
    parts = []
    for _ in range(draw.choice((0, 1, 1, 2, 40, 2000))):
        name = draw.choice(("file", "language", "sample_rate", "chunk_size", "x", "\xff", "a" * 300))
        value = _mutated(draw) if name == "file" else draw.randbytes(draw.choice((0, 5, 70_000)))
        head = f'Content-Disposition: form-data; name="{name}"'
        head += '; filename="../../x"' if draw.random() < 0.5 else ""
        head += "\r\nX: y" * draw.choice((0, 0, 50))
        parts.append(
            b"--b\r\n" + head.encode("latin-1") + b"\r\n\r\n" + value[: 200_000 // (1 + len(parts))] + b"\r\n"
        )
    return b"".join(parts) + draw.choice((b"--b--\r\n", b"--b", b""))


_LENGTHS = (
    "Content-Length: {0}", "Content-Length: {0}", "Content-Length: {0}", "Content-Length: {0}",
    "Content-Length: {0}",
    "Content-Length: -1", "Content-Length: {1}", "Content-Length: 99999999999", "Transfer-Encoding: chunked",
    "Content-Length: {0}\r\nContent-Length: 3", "Transfer-Encoding: gzip, chunked",
    "Expect: 100-continue\r\nContent-Length: {0}",
)  # fmt: skip
_HOSTS = ("Host: a", "Host: a", "Host: a", "Host: a", "Host: a", "Host: [", "X: y", "Host: a\r\nHost: b")
_ODD = (
    "X-Request-ID: \x01", "Origin: null", "Origin: http://evil", "Connection: close",
    "Connection: Upgrade\r\nUpgrade: h2c", "X-Forwarded-For: 1.2.3.4", "Range: bytes=0-1,5-2", "traceparent: x",
    "Authorization: Bearer \xff", "Cookie: a=b",
)  # fmt: skip


def _request(draw: random.Random) -> bytes:
    """A request as it goes over the wire."""
    form = draw.random() < 0.4
    whole = _form(draw) if form else _json(draw)
    body = draw.choice((whole, whole, whole, draw.randbytes(draw.randrange(2000)), b""))
    media = "multipart/form-data; boundary=b" if form else "application/json"
    media = draw.choice((media, media, media, media, "text/plain", "\xff", ""))
    headers = [
        draw.choice(_HOSTS),
        f"Content-Type: {media}",
        draw.choice(_LENGTHS).format(len(body), len(body) + 5),
    ]
    headers += [f"X-{n}: {'v' * draw.choice((1, 100, 9000))}" for n in range(draw.choice((0,) * 9 + (5, 300)))]
    headers += draw.sample(_ODD, draw.choice((0, 0, 1, 3)))
    path = draw.choice(_PATHS[3:9]) if draw.random() < 0.6 else draw.choice(_PATHS)
    path += draw.choice(("", "", "", "?a=b", "?" + "a&" * 500))
    method = "POST" if draw.random() < 0.6 else draw.choice(_METHODS)
    version = draw.choice(("1.1",) * 8 + ("1.0", "2.0", "9"))
    head = "\r\n".join([f"{method} {path} HTTP/{version}", *headers, "", ""]).encode("latin-1", "replace")
    return (_noise(draw, head) if draw.random() < 0.1 else head) + body


async def _exchanged(
    port: int, pieces: list[bytes], pause_s: float = 0.0, *, last: tuple[bytes, ...] = (b"HTTP/1.",)
) -> bytes:
    """What comes back, until one of the words in `last` is in it, or the service closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    reading = asyncio.create_task(_read(reader, last))
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)
    except OSError:
        pass
    try:
        return await reading
    finally:
        reading.cancel()
        writer.transport.abort()


async def _read(reader: asyncio.StreamReader, last: tuple[bytes, ...]) -> bytes:
    answer = b""
    try:
        while len(answer) < 1 << 20 and (more := await reader.read(65536)):
            answer += more
            if any(word in answer for word in last):
                break
    except OSError:
        pass
    return answer


async def http(target: Target, draw: random.Random, number: int, found: Found) -> None:
    """One request, sometimes torn into pieces or broken off."""
    data = _request(draw)
    cut = draw.randrange(1, len(data)) if draw.random() < 0.2 else len(data)
    pieces, pause_s = [data[:cut]], 0.0
    if draw.random() < 0.1:
        pieces, pause_s = [data[:50], data[50:cut]], 0.02
    answer = await _exchanged(target.http, pieces, pause_s)
    status = answer[9:12].decode("latin-1") if answer.startswith(b"HTTP/") else "closed"
    found.add("http", status, number, wrong=status.startswith("5") and status != "503")


def _frame(draw: random.Random, opcode: int, data: bytes) -> bytes:
    first = (0x80 if draw.random() < 0.9 else 0) | opcode | (0x40 if draw.random() < 0.03 else 0)
    mask = draw.randbytes(4)
    length = len(data) if draw.random() < 0.95 else draw.choice((2**62, 2**31, 0))
    size = b"\xff" + struct.pack(">Q", length)
    if length < 65536:
        size = bytes([0x80 | length]) if length < 126 else b"\xfe" + struct.pack(">H", length)
    return bytes([first]) + size + mask + bytes(one ^ mask[at % 4] for at, one in enumerate(data))


_TEXTS = ('{"type": "end"}', "[" * 15_000, "[" * 5, "\x00", '{"type": "start"}')


def _said(draw: random.Random) -> tuple[int, bytes]:
    """One frame's kind and content."""
    opcode = draw.choice((1, 2, 2, 2, 9, 0, 10, 3, 8))
    if opcode == 1:
        return opcode, draw.choice(_TEXTS).encode()
    return opcode, draw.randbytes(draw.randrange(4000)) if opcode == 2 else b"\x03" * draw.choice((0, 1, 125))


async def websocket(target: Target, draw: random.Random, number: int, found: Found) -> None:
    """One conversation over a websocket."""
    lines = ["GET /v1/emotion/stream HTTP/1.1", "Host: a", "Connection: Upgrade", "Upgrade: websocket"]
    lines += [f"Sec-WebSocket-Version: {draw.choice((13, 13, 13, 13, 8))}"]
    lines += [f"Sec-WebSocket-Key: {draw.choice(('dGhlIHNhbXBsZSBub25jZQ==',) * 6 + ('x',))}"]
    lines += draw.choice(([], [], [], ["Origin: http://evil"], ["Sec-WebSocket-Extensions: permessage-deflate"]))
    start = b'{"type": "start", "sample_rate": 16000}' if draw.random() < 0.7 else _json(draw)[:5000]
    messages = [(1, start), *(_said(draw) for _ in range(draw.randrange(8)))]
    if draw.random() < 0.7:
        messages.append((1, b'{"type": "end"}'))
    pieces = ["\r\n".join([*lines, "", ""]).encode(), *(_frame(draw, *one) for one in messages)]
    # The handshake's answer first: what comes along with the request would be lost.
    answer = await _exchanged(
        target.http, pieces, 0.005, last=(b'"final"', b'"error"', b"HTTP/1.1 4", b"HTTP/1.1 5")
    )
    status = answer[9:12].decode("latin-1") if answer.startswith(b"HTTP/") else "closed"
    status = next((word for word in ('"final"', '"error"') if word.encode() in answer), status)
    broken = b'"internal"' in answer or b'"inference_failed"' in answer
    wrong = broken or (status.startswith("5") and status != "503")
    found.add("websocket", "internal" if broken else status, number, wrong=wrong)


async def grpcs(target: Target, draw: random.Random, number: int, found: Found) -> None:
    """One gRPC conversation: bytes that are no message, wrong methods, or no gRPC at all."""
    if draw.random() < 0.2:
        data = draw.choice((b"", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"))
        await _exchanged(target.grpc, [data + draw.randbytes(300)], last=(b"",))
        found.add("grpc", "no gRPC", number)
        return
    name = draw.choice(("Recognize",) * 4 + ("StreamingRecognize",) * 4 + ("Nothing",))
    streamed = [draw.randbytes(draw.randrange(4000)) for _ in range(draw.randrange(6))]
    first = pb.StreamingRecognizeRequest(config=pb.StreamingConfig())
    pieces = [first, *(pb.StreamingRecognizeRequest(audio=one) for one in streamed)]
    if not name.startswith("Streaming"):
        pieces = [pb.RecognizeRequest(audio=_mutated(draw))]
    messages = [one.SerializeToString() for one in pieces]
    messages = [_noise(draw, one) if draw.random() < 0.3 else one for one in messages]
    metadata = [("x-request-id", "a" * draw.choice((5, 3000)))] if draw.random() < 0.5 else []
    async with grpc.aio.insecure_channel(f"127.0.0.1:{target.grpc}") as channel:
        call = channel.stream_stream(f"/sv.emotion.v1.EmotionRecognition/{name}")
        try:
            async for _ in call(iter(messages), timeout=_HANG_S - 5, metadata=metadata):
                pass
            said = "OK"
        except grpc.aio.AioRpcError as error:
            said = error.code().name
            codes = [value for key, value in error.trailing_metadata() or () if key == "code"]
            # gRPC itself says INTERNAL to what breaks its protocol; ours carries a code.
            said += " of ours" if said == "INTERNAL" and codes else ""
    found.add("grpc", said, number, wrong=said in ("INTERNAL of ours", "UNKNOWN", "DEADLINE_EXCEEDED"))


async def held(
    target: Target, kind: str, talk: Callable[..., Awaitable[None]], numbers: range, seed: int, found: Found
) -> None:
    """The conversations of one kind, some at once."""
    left = iter(numbers)

    async def worker() -> None:
        for number in left:
            try:
                async with asyncio.timeout(_HANG_S):
                    await talk(target, random.Random(f"{seed} {kind} {number}"), number, found)
            except TimeoutError:
                found.add(kind, "hang", number, wrong=True)
            except OSError as error:
                found.add(kind, f"no connection ({type(error).__name__})", number, wrong=True)

    await asyncio.gather(*(worker() for _ in range(_AT_ONCE)))


async def healthy(target: Target, found: Found, stop: asyncio.Event) -> list[float]:
    """How long health takes to be told, seconds, four times a second."""
    took = []
    while not stop.is_set():
        begin = time.perf_counter()
        answer = await _exchanged(target.http, [b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"])
        took.append(time.perf_counter() - begin)
        if not answer.startswith(b"HTTP/1.1 200"):
            found.add("health", "not told", len(took), wrong=True)
        await asyncio.sleep(0.25)
    return took


async def endure(target: Target, count: int, seed: int, found: Found) -> tuple[list[float], float, float]:
    """All of it; how long health took, and the memory after a tenth and at the end."""
    stop = asyncio.Event()
    watching = asyncio.create_task(healthy(target, found, stop))
    after_tenth = 0.0
    for tenth in range(10):
        for kind, talk, share in (("http", http, 1), ("websocket", websocket, 10), ("grpc", grpcs, 10)):
            each = max(1, count // share // 10)
            await held(target, kind, talk, range(tenth * each, (tenth + 1) * each), seed, found)
        print(f"  {tenth + 1} / 10: {target.resident_mib():.0f} MiB", flush=True)
        after_tenth = after_tenth or target.resident_mib()
    stop.set()
    return await watching, after_tenth, target.resident_mib()


def main() -> int:
    """Start the service, talk to it, say what was found."""
    parser = argparse.ArgumentParser(description="The service among hostile callers.")
    parser.add_argument("--count", type=int, default=10_000, help="HTTP requests; a tenth of it of each other kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--growth-mib", type=float, default=100.0, help="what the memory may grow after the first tenth"
    )
    asked = parser.parse_args()
    settings = (
        "serve.port=0", "serve.grpc_port=0", "serve.limits.body_timeout_s=1", "serve.connections.head_timeout_s=1",
        "serve.streams.start_s=1", "serve.streams.idle_s=2",
    )  # fmt: skip
    service = subprocess.Popen(
        [sys.executable, "-P", "-m", "sv_eval.serve", *settings], stderr=subprocess.PIPE, text=True
    )
    assert service.stderr is not None
    ports, tracebacks, found = {}, Counter[str](), Found()
    for line in service.stderr:
        event = json.loads(line)
        if event["event"] == "listening":
            ports = {kind: int(event[kind].rpartition(":")[2]) for kind in ("http", "grpc")}
        if event["event"] == "ready":
            break

    def read() -> None:
        for line in service.stderr or ():
            if "Traceback" in line or '"defect"' in line:
                tracebacks[line.strip()[-300:]] += 1

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    begin = time.monotonic()
    target = Target(ports["http"], ports["grpc"], service.pid)
    took, early_mib, late_mib = asyncio.run(endure(target, asked.count, asked.seed, found))
    crashed = service.poll()
    service.terminate()
    code = service.wait(60)
    reader.join(10)
    for what, many in sorted(found.counts.items()):
        print(f"{many:7} {what}")
    took.sort()
    middle_ms, longest_ms = took[len(took) // 2] * 1000, took[-1] * 1000
    print(f"{time.monotonic() - begin:.0f} s; health told {len(took)} times, p50 {middle_ms:.0f} ms, ", end="")
    print(
        f"longest {longest_ms:.0f} ms; memory {early_mib:.0f} MiB after a tenth, {late_mib:.0f} MiB at the end; ",
        end="",
    )
    print(f"tracebacks {sum(tracebacks.values())}, wrong {len(found.wrong)}, exit code {code}")
    for line in (*found.wrong[:20], *tracebacks):
        print(line)
    good = crashed is None and code == 0 and not found.wrong and not tracebacks
    return 0 if good and late_mib - early_mib <= asked.growth_mib else 1


if __name__ == "__main__":
    raise SystemExit(main())
