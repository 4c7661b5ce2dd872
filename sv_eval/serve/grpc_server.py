"""The gRPC API in front of a service, with health checking and reflection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from sv_eval.errors import ConfigError
from sv_eval.serve.admission import AdmissionControl
from sv_eval.serve.grpc_messages import options_from, partial_from, response_from, start_from, upload_from
from sv_eval.serve.pace import Pace, audio_s
from sv_eval.serve.reporter import Reporter
from sv_eval.serve.service import Service
from sv_eval.serve.trace import Trace, request_id_from
from sv_eval.wire import emotion_pb2 as pb
from sv_eval.wire import emotion_pb2_grpc
from sv_eval.wire.messages import EmotionData, StreamStart
from sv_eval.wire.problems import ServiceError

_NAME = pb.DESCRIPTOR.services_by_name["EmotionRecognition"].full_name
_METADATA_BYTES = 16 * 1024
_CALLS_PER_CONNECTION = 128
_BESIDE = 64 * 1024
"""What a message may hold beside its recording, bytes."""
_IDLE_MS = 300_000
_SERVING, _NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


class GrpcServer:
    """Answers the same questions as HTTP, in the same event loop.

    most_connections: how many may be open. shared: whether other processes listen on the same port.
    """

    def __init__(
        self,
        service: Service,
        admission: AdmissionControl,
        reporter: Reporter,
        *,
        most_connections: int,
        shared: bool = False,
    ) -> None:
        self._most_connections = most_connections
        self._service, self._admission, self._reporter, self._shared = service, admission, reporter, shared
        self._health = _Health()
        self._server: Any = None

    async def start(self, address: str) -> int:
        """Listen on `host:port`; the port that it became. Raises ConfigError when it can't be had."""
        limits, connections = self._service.config.limits, self._service.config.connections
        server = grpc.aio.server(
            options=[
                # gRPC has a message whole in memory before we see any of it, so it is no longer than a recording.
                ("grpc.max_receive_message_length", min(limits.max_body_bytes, limits.max_encoded_bytes + _BESIDE)),
                ("grpc.so_reuseport", int(self._shared)),
                ("grpc.max_metadata_size", _METADATA_BYTES),
                ("grpc.absolute_max_metadata_size", _METADATA_BYTES),
                ("grpc.server_handshake_timeout_ms", round(connections.head_timeout_s * 1000)),
                ("grpc.max_allowed_incoming_connections", self._most_connections),
                ("grpc.max_concurrent_streams", _CALLS_PER_CONNECTION),
                ("grpc.max_connection_idle_ms", _IDLE_MS),
            ]
        )
        servicer = _Servicer(self._service, self._admission, self._reporter)
        server.add_generic_rpc_handlers((_methods(servicer),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection((_NAME, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
        await self.set_ready(False)
        try:
            port: int = server.add_insecure_port(address)
        except RuntimeError as error:
            raise ConfigError(
                f"serve.grpc_port: can't listen on {address}; choose another, 0 for a free one or null for no gRPC"
            ) from error
        await server.start()
        self._server = server
        return port

    async def set_ready(self, ready: bool) -> None:
        """What health checks are told."""
        for name in ("", _NAME):
            await self._health.set(name, _SERVING if ready else _NOT_SERVING)

    async def stop(self, grace_s: float) -> None:
        """Accept nothing more, and finish what was accepted within so many seconds."""
        server, self._server = self._server, None
        if server is not None:
            self._health.ending.set()
            await server.stop(grace_s)


class _Health(health.aio.HealthServicer):  # type: ignore[misc]
    """Health checking whose watchers are let go at the end; they would hold the server open for its whole grace."""

    def __init__(self) -> None:
        super().__init__()
        self.ending = asyncio.Event()
        """Set when the server stops."""

    async def Watch(self, request: Any, context: Any) -> None:  # noqa: N802 - gRPC's name
        """Tell of changes until the watcher goes away or the server stops."""
        watching = asyncio.ensure_future(super().Watch(request, context))
        ending = asyncio.ensure_future(self.ending.wait())
        try:
            await asyncio.wait((watching, ending), return_when=asyncio.FIRST_COMPLETED)
        finally:
            watching.cancel()
            ending.cancel()
            await asyncio.gather(watching, ending, return_exceptions=True)
        if self.ending.is_set():
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the server is shutting down; connect again")


def _methods(servicer: _Servicer) -> Any:
    """The methods as gRPC wants them.

    Not by the generated code: there, bytes that are no message are an error of the server's, with a traceback. Nor
    is Recognize one that takes a single message, though callers send one: gRPC would wait for it without end, and
    hold it, before asking us whether its sender comes in at all. On the wire both are the same.
    """
    methods = {
        "Recognize": grpc.stream_unary_rpc_method_handler(
            servicer.Recognize,
            request_deserializer=partial(_message, pb.RecognizeRequest),
            response_serializer=pb.RecognizeResponse.SerializeToString,
        ),
        "StreamingRecognize": grpc.stream_stream_rpc_method_handler(
            servicer.StreamingRecognize,
            request_deserializer=partial(_message, pb.StreamingRecognizeRequest),
            response_serializer=pb.StreamingRecognizeResponse.SerializeToString,
        ),
    }
    return grpc.method_handlers_generic_handler(_NAME, methods)


def _message(kind: Any, data: bytes) -> Any:
    """The message in the bytes; for those that hold none, the error that the method is to raise."""
    try:
        return kind.FromString(data)
    except DecodeError:
        return ServiceError("invalid_request", f"the bytes are no {kind.DESCRIPTOR.name}")


class _Servicer(emotion_pb2_grpc.EmotionRecognitionServicer):
    """The methods of the API."""

    def __init__(self, service: Service, admission: AdmissionControl, reporter: Reporter) -> None:
        self._service, self._admission, self._reporter = service, admission, reporter

    async def Recognize(self, requests: AsyncIterator[Any], context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Judge one recording."""
        async with self._call(context, "Recognize") as trace:
            request = await self._received(requests)
            self._service.buffered.take(len(request.audio), trace)
            trace.received_s = time.perf_counter()
            upload, options = upload_from(request), options_from(request.options)
            data = await self._in_callers_time(self._service.recognition.recognise(upload, options, trace), context)
            return response_from(data, trace.request_id)

    async def StreamingRecognize(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:  # noqa: N802
        """Judge audio while it comes."""
        async with self._call(context, "StreamingRecognize", stream=True) as trace:
            pace = Pace(self._service.config.streams)
            first = await _next(requests, pace)
            if first is None or first.WhichOneof("request") != "config":
                raise ServiceError("invalid_request", "the first message must hold the configuration")
            start = start_from(first.config)
            pace.heard(0.0)
            async for update in self._service.streams.updates(start, _pieces(requests, start, pace), trace):
                if isinstance(update, EmotionData):
                    yield pb.StreamingRecognizeResponse(final=response_from(update, trace.request_id))
                else:
                    yield pb.StreamingRecognizeResponse(partial=partial_from(update))

    @asynccontextmanager
    async def _call(self, context: Any, method: str, *, stream: bool = False) -> AsyncIterator[Trace]:
        """What surrounds every call: admission, the one line in the log, and errors as gRPC has them."""
        metadata = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        trace = Trace(request_id=request_id_from(metadata.get("x-request-id")))
        admitted, status = False, "OK"
        try:
            await context.send_initial_metadata((("x-request-id", trace.request_id),))
            self._admission.admit(metadata.get, _address(context.peer()), stream=stream)
            admitted = True
            yield trace
            context.set_trailing_metadata((("server-timing", trace.server_timing),))
        except ServiceError as error:
            status = error.code.grpc
            await _abort(context, error, trace)
        except asyncio.CancelledError:
            trace.code, trace.reason, status = "cancelled", "the caller went away", "CANCELLED"
            raise
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - the log has it; nothing of it reaches the caller
            status = "INTERNAL"
            self._reporter.defect(error, trace)
            await _abort(context, ServiceError("internal", "something went wrong in the service"), trace)
        finally:
            if admitted:
                self._admission.leave(stream=stream)
            if not stream:
                self._service.buffered.release(trace)
            path = f"/{_NAME}/{method}"
            self._reporter.finished(trace, path=path, method="GRPC", status=status, headers=metadata)

    async def _received(self, requests: AsyncIterator[Any]) -> Any:
        """The message of a caller that sends one, within the time that a body may take."""
        longest_s = self._service.config.limits.body_timeout_s
        try:
            request = await asyncio.wait_for(anext(requests, None), longest_s)
        except TimeoutError as error:
            raise ServiceError("request_timeout", f"the message was not there after {longest_s:g} s") from error
        if request is None:
            raise ServiceError("invalid_request", "the call held no message")
        if isinstance(request, ServiceError):
            raise request
        return request

    async def _in_callers_time(self, work: Awaitable[EmotionData], context: Any) -> EmotionData:
        """The result within the deadline that the caller set for itself."""
        left_s = context.time_remaining()
        try:
            return await asyncio.wait_for(work, left_s)
        except TimeoutError as error:
            raise ServiceError("deadline_exceeded", "there was no answer before the caller's deadline") from error


async def _abort(context: Any, error: ServiceError, trace: Trace) -> None:
    trace.code = error.code.word
    metadata = [("code", error.code.word), ("x-request-id", trace.request_id)]
    if error.retry_after_s is not None:
        metadata.append(("retry-after-s", str(error.retry_after_s)))
    await context.abort(grpc.StatusCode[error.code.grpc], error.detail, tuple(metadata))


async def _pieces(requests: AsyncIterator[Any], start: StreamStart, pace: Pace) -> AsyncIterator[bytes]:
    while (request := await _next(requests, pace)) is not None:
        if request.WhichOneof("request") != "audio":
            raise ServiceError("invalid_request", "only the first message may hold a configuration")
        yield request.audio
        pace.heard(audio_s(start, len(request.audio)))


async def _next(requests: AsyncIterator[Any], pace: Pace) -> Any:
    """The next message, or None when the caller has closed its side."""
    try:
        found = await asyncio.wait_for(anext(requests, None), pace.wait_s())
    except TimeoutError as error:
        raise pace.late() from error
    if isinstance(found, ServiceError):
        raise found
    return found


def _address(peer: str) -> str:
    """The caller's address without its port: `ipv4:127.0.0.1:5000` is `127.0.0.1`."""
    return peer.partition(":")[2].rpartition(":")[0] or peer
