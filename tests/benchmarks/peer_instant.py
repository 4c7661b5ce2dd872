"""Servers that answer at once, so that a client's own cost is what is left: HTTP, or gRPC with `grpc`.

With `chat` the HTTP one answers as a chat model.
The HTTP one understands just enough: it reads a head, waits for as many bytes as it announces, and answers.
"""

from __future__ import annotations

import asyncio
import json
import sys

DATA = {
    "text": "the student found the key", "emotion": "angry", "confidence": 0.9, "duration": 1.9, "language": "en",
    "event": "Speech", "model": "instant",
    "scores": {"happy": 0.02, "sad": 0.02, "angry": 0.9, "neutral": 0.02, "surprised": 0.02, "unknown": 0.02},
}  # fmt: skip
_EMOTION = {"success": True, "data": DATA, "request_id": "0"}
_CHAT = {
    "object": "chat.completion",
    "model": "instant",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "angry"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 90, "completion_tokens": 1, "prompt_tokens_details": {"audio_tokens": 35}},
}
_BODY = json.dumps(_CHAT if "chat" in sys.argv else _EMOTION).encode()
_HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer-Timing: inference;dur=0.01, total;dur=0.02\r\n"
    f"Content-Length: {len(_BODY)}\r\n\r\n"
)
_ANSWER = _HEAD.encode() + _BODY


class Instant(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._wanted: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        while self._step():
            pass

    def _step(self) -> bool:
        if self._wanted is None:
            end = self._held.find(b"\r\n\r\n")
            if end < 0:
                return False
            head = bytes(self._held[:end]).lower()
            place = head.find(b"content-length:")
            length = int(head[place + 15 :].split(b"\r\n")[0]) if place >= 0 else 0
            self._wanted = end + 4 + length
        if len(self._held) < self._wanted:
            return False
        del self._held[: self._wanted]
        self._wanted = None
        self._transport.write(_ANSWER)  # type: ignore[attr-defined]
        return True


async def serve_http() -> None:
    """Print the port and serve until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Instant, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def serve_grpc() -> None:
    """The same over gRPC."""
    import grpc

    from sv_eval.wire import emotion_pb2 as pb

    scores = [
        pb.Score(emotion=pb.Emotion.Value(f"EMOTION_{name.upper()}"), probability=value)
        for name, value in DATA["scores"].items()
    ]
    answer = pb.RecognizeResponse(
        text=DATA["text"], emotion=pb.EMOTION_ANGRY, confidence=0.9, duration=1.9, language="en", scores=scores
    ).SerializeToString()

    async def recognise(_request: bytes, _context: object) -> bytes:
        return answer

    handler = grpc.method_handlers_generic_handler(
        "sv.emotion.v1.EmotionRecognition", {"Recognize": grpc.unary_unary_rpc_method_handler(recognise)}
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve_grpc() if "grpc" in sys.argv else serve_http())
