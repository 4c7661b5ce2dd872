"""gRPC to this project's service: one channel, deadlines, keepalive, TLS."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from sv_eval.backends.remote.answer_parsing import ParsedAnswer, understood
from sv_eval.backends.remote.dialect import NOTHING_SAID, ServedModel
from sv_eval.backends.remote.endpoint import Endpoint
from sv_eval.backends.remote.errors import (
    CONNECT,
    NOT_FOUND,
    NOT_UNDERSTOOD,
    OVERLOADED,
    RATE_LIMITED,
    REJECTED,
    RESET,
    SERVER_ERROR,
    TIMEOUT,
    TLS,
    UNAUTHORIZED,
    WRONG_TYPE,
    RemoteError,
)
from sv_eval.backends.remote.service_words import answer_from_proto, kind_of_code, silent
from sv_eval.backends.remote.timeline import Timeline, server_timing
from sv_eval.wire import emotion_pb2 as pb

SERVICE = "sv.emotion.v1.EmotionRecognition"
_UNARY, _STREAM = f"/{SERVICE}/Recognize", f"/{SERVICE}/StreamingRecognize"
_LONGEST_MESSAGE = 512 << 20
_LONGEST_ANSWER = 16 << 20
_KEEPALIVE = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    # What is tried again, how often and after how long is said in one place, and not here.
    ("grpc.enable_retries", 0),
    ("grpc.max_send_message_length", _LONGEST_MESSAGE),
    ("grpc.max_receive_message_length", _LONGEST_ANSWER),
)
_KINDS: Mapping[str, str] = {
    "DEADLINE_EXCEEDED": TIMEOUT, "RESOURCE_EXHAUSTED": OVERLOADED, "UNAUTHENTICATED": UNAUTHORIZED,
    "PERMISSION_DENIED": UNAUTHORIZED, "UNIMPLEMENTED": NOT_FOUND, "INVALID_ARGUMENT": REJECTED,
    "FAILED_PRECONDITION": REJECTED, "OUT_OF_RANGE": REJECTED, "NOT_FOUND": NOT_FOUND, "ABORTED": RESET,
    "CANCELLED": RESET,
}  # fmt: skip


class GrpcTransport:
    """A channel to one endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._channel = _channel(endpoint)
        # Messages come serialised: what that costs is counted as encoding. Answers are read here: of bytes that are
        # none gRPC would make None, and say so on the terminal.
        self._unary = self._channel.unary_unary(_UNARY, request_serializer=None, response_deserializer=None)
        self._stream = self._channel.stream_stream(_STREAM, request_serializer=None, response_deserializer=None)
        key = endpoint.key
        self.metadata = () if key is None else (("authorization", f"Bearer {key.reveal()}"),)

    async def ask(self, message: bytes, timeline: Timeline) -> ParsedAnswer:
        """The answer to a serialised RecognizeRequest."""
        await self.ready(timeline)
        call = self._unary(message, timeout=self.endpoint.connection.total_s, metadata=self.metadata)
        try:
            answer = await call
        except grpc.aio.AioRpcError as error:
            silence = self.silence(error)
            if silence is not None:
                return silence
            raise self.error(error) from error
        timeline.answered_s = time.perf_counter()
        await self.note_stages(call, timeline)
        with understood():
            return answer_from_proto(message_of(pb.RecognizeResponse, answer))

    def converse(self, requests: AsyncIterator[bytes], *, total_s: float | None = None) -> Any:
        """The streaming call; an async iterator of serialised StreamingRecognizeResponse."""
        limit_s = self.endpoint.connection.total_s if total_s is None else total_s
        return self._stream(requests, timeout=limit_s, metadata=self.metadata)

    async def note_stages(self, call: Any, timeline: Timeline) -> None:
        """Put the server's stages into the timeline."""
        for key, value in await call.trailing_metadata() or ():
            if key == "server-timing" and isinstance(value, str):
                timeline.server_ms = server_timing(value)

    async def served(self) -> ServedModel:
        """gRPC says nothing of the model before it has answered."""
        return NOTHING_SAID

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()

    async def ready(self, timeline: Timeline) -> None:
        """Wait for a connection. Raises RemoteError."""
        if self._channel.get_state() is not grpc.ChannelConnectivity.READY:
            await self._connect(timeline)
        timeline.sending_s = time.perf_counter()

    async def _connect(self, timeline: Timeline) -> None:
        begin, limits = time.perf_counter(), self.endpoint.connection
        # The state alone does not say why a connection fails; a call that waits for nothing does.
        state = self._channel.get_state(try_to_connect=True)
        try:
            async with asyncio.timeout(limits.connect_s):
                while state not in (grpc.ChannelConnectivity.READY, grpc.ChannelConnectivity.TRANSIENT_FAILURE):
                    await self._channel.wait_for_state_change(state)
                    state = self._channel.get_state(try_to_connect=True)
        except TimeoutError as error:
            raise RemoteError(
                CONNECT, f"no connection to {self.endpoint.address} within {limits.connect_s:g} s"
            ) from error
        timeline.connect_s = (begin, time.perf_counter())

    def silence(self, error: grpc.aio.AioRpcError) -> ParsedAnswer | None:
        """The answer that a refusal amounts to when it says that there is no speech; None for any other."""
        return ParsedAnswer(no_speech=True) if silent(_trailing(error).get("code")) else None

    def error(self, error: grpc.aio.AioRpcError) -> RemoteError:
        """What a status means."""
        status, detail, where = error.code().name, error.details() or "", self.endpoint.address
        said = _trailing(error)
        retry_s = float(said["retry-after-s"]) if said.get("retry-after-s", "").isdecimal() else None
        code = said.get("code")
        if code is not None:
            return RemoteError(kind_of_code(code), f"{status} ({code}: {detail})", retry_after_s=retry_s)
        if status == "UNAVAILABLE":
            return _unavailable(detail, where)
        if status == "RESOURCE_EXHAUSTED" and "rate" in detail.lower():
            return RemoteError(RATE_LIMITED, f"{status} ({detail[:120]})", retry_after_s=retry_s)
        if status == "DEADLINE_EXCEEDED":
            return RemoteError(
                TIMEOUT,
                f"no answer from {where} in time (backend.connection.total_s={self.endpoint.connection.total_s:g})",
            )
        return RemoteError(_KINDS.get(status, SERVER_ERROR), f"{status} ({' '.join(detail.split())[:120]})")


def message_of(kind: Any, data: bytes) -> Any:
    """The message in the bytes; raises RemoteError, kind `not_understood`, for those that hold none."""
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise RemoteError(NOT_UNDERSTOOD, f"{len(data)} bytes came that are no {kind.DESCRIPTOR.name}") from error


def _channel(endpoint: Endpoint) -> Any:
    target, proxy = endpoint.address, endpoint.connection.proxy
    # As over HTTP: what goes to the endpoint goes there, whatever the environment says of proxies.
    through = [("grpc.enable_http_proxy", 0)] if proxy is None else [("grpc.http_proxy", proxy)]
    options = [*_KEEPALIVE, *through]
    if not endpoint.secure:
        return grpc.aio.insecure_channel(target, options=options)
    roots = None
    if endpoint.connection.ca_file is not None:
        endpoint.tls_context()  # says what is wrong with the file
        roots = Path(endpoint.connection.ca_file).expanduser().read_bytes()
    return grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(root_certificates=roots), options=options)


def _unavailable(detail: str, where: str) -> RemoteError:
    text = " ".join(detail.split())
    low = text.lower()
    if "http1" in low or "trying to connect an http" in low or "http/1" in low:
        return RemoteError(WRONG_TYPE, f"what answers at {where} speaks HTTP/1 and not gRPC")
    if "certificate" in low or "ssl" in low or "tls" in low or "handshake" in low:
        return RemoteError(
            TLS, f"no encrypted connection to {where} ({text[:120]}); a private authority's certificate goes into "
            "backend.connection.ca_file"
        )  # fmt: skip
    if "failed to connect" in low or "connection refused" in low or "name resolution" in low or "dns" in low:
        reason = "connection refused" if "refused" in low else text[:80]
        return RemoteError(CONNECT, f"no connection to {where} ({reason})")
    return RemoteError(RESET, f"the connection to {where} broke ({text[:120]})")


def _trailing(error: grpc.aio.AioRpcError) -> dict[str, str]:
    return {key: value for key, value in error.trailing_metadata() or () if isinstance(value, str)}
