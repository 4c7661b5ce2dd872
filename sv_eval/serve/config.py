"""What the `serve` part of the configuration holds."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sv_eval.config.structure import structure
from sv_eval.data.audio.limits import MIB, NO_BOUND_S, AudioLimits
from sv_eval.errors import ConfigError
from sv_eval.scoring.labels.config import LabelsConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLimits:
    """What one request, and all of them together, may take."""

    min_duration_s: float = 0.1
    """Shorter audio is refused, seconds."""
    max_duration_s: float = 300.0
    """Longer audio is refused, seconds."""
    max_encoded_bytes: int = 25 * MIB
    """Larger files are refused."""
    max_decoded_bytes: int = 256 * MIB
    """Files that unpack to more are refused."""
    max_body_bytes: int = 64 * MIB
    """Larger bodies are refused while they come in."""
    max_buffered_bytes: int = 512 * MIB
    """What the bodies of all requests in work may hold together."""
    max_batch_items: int = 32
    """Recordings in one batch request."""
    body_timeout_s: float = 30.0
    """Until a body must be there, seconds."""

    def __post_init__(self) -> None:
        _check_positive(self, "serve.limits", "max_body_bytes", "max_buffered_bytes", "max_batch_items")
        _check_positive(self, "serve.limits", "body_timeout_s")
        try:
            _ = self.audio
        except ConfigError as error:
            raise ConfigError(f"serve.{error}") from error

    @property
    def audio(self) -> AudioLimits:
        """The part that decoding watches."""
        return AudioLimits(
            min_duration_s=self.min_duration_s,
            max_duration_s=self.max_duration_s,
            max_encoded_bytes=self.max_encoded_bytes,
            max_decoded_bytes=self.max_decoded_bytes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """What streams may take."""

    max_open: int = 16
    """Streams at once."""
    max_duration_s: float = 3600.0
    """Audio in one stream, seconds."""
    idle_s: float = 30.0
    """Without a message for so long a stream is ended, seconds."""
    start_s: float = 5.0
    """Until the first message must be there, seconds."""
    max_message_bytes: int = 1 << 20
    """The longest message of a websocket, bytes; one of samples may hold that many of them."""
    min_pace: float = 0.1
    """The least audio that a second must bring, seconds; what came faster is credit for `idle_s` at most."""

    def __post_init__(self) -> None:
        _check_positive(
            self,
            "serve.streams",
            "max_open",
            "max_duration_s",
            "idle_s",
            "start_s",
            "min_pace",
            "max_message_bytes",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """What connections may take, before and around their requests."""

    max_open: int = 400
    """Connections of HTTP, and as many of gRPC, in each process."""
    head_timeout_s: float = 5.0
    """Until a request's head must be there, from its first byte or the connection's beginning, seconds."""
    max_head_bytes: int = 64 * 1024
    """Longer heads are refused while they come in."""
    max_headers: int = 100
    """Heads with more headers are refused."""
    write_timeout_s: float = 30.0
    """A caller that leaves an answer unread for so long is cut off, seconds."""

    def __post_init__(self) -> None:
        _check_positive(self, "serve.connections", "max_open", "head_timeout_s", "max_head_bytes", "max_headers")
        _check_positive(self, "serve.connections", "write_timeout_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeConfig:
    """How the service is run; `conf/serve/default.yaml` says what each key is for."""

    host: str = "127.0.0.1"
    port: int = 8000
    grpc_port: int | None = 50051
    workers: int = 1
    deadline_s: float = 10.0
    queue_size: int = 64
    max_requests: int = 256
    batch_size: int | None = None
    batch_wait_ms: float = 5.0
    vary_with_batch: bool = False
    decode_workers: int = 1
    silence_dbfs: float = -60.0
    model_id: str | None = None
    model_aliases: tuple[str, ...] = ("sensevoice", "whisper-1")
    limits: ServiceLimits = field(default_factory=ServiceLimits)
    streams: StreamLimits = field(default_factory=StreamLimits)
    connections: ConnectionLimits = field(default_factory=ConnectionLimits)
    api_keys_file: str | None = None
    rate_limit: float | None = None
    rate_burst: int = 20
    wrong_key_rate: float = 1.0
    wrong_key_burst: int = 20
    trusted_proxies: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    drain_s: float = 0.5
    shutdown_s: float = 30.0
    labels: LabelsConfig = field(default_factory=LabelsConfig)
    calibration: str | None = None
    thresholds: str | None = None
    log_text: bool = False
    metrics: bool = True
    docs: bool = True
    otel: str | None = None

    def __post_init__(self) -> None:
        for name in ("port", "grpc_port"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 65_535:
                raise ConfigError(f"serve.{name}={value}: a port is 0 to 65535")
        _check_positive(self, "serve", "workers", "deadline_s", "queue_size", "max_requests", "decode_workers")
        _check_positive(
            self, "serve", "batch_size", "rate_limit", "rate_burst", "wrong_key_rate", "wrong_key_burst"
        )
        for proxy in self.trusted_proxies:
            try:
                ipaddress.ip_network(proxy)
            except ValueError as error:
                raise ConfigError(
                    f"serve.trusted_proxies: '{proxy}' is no address or network; e.g. [10.0.0.5, 192.168.0.0/24]"
                ) from error
        for name in ("batch_wait_ms", "drain_s", "shutdown_s"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"serve.{name}={getattr(self, name)}: 0 or more is needed")
        if self.silence_dbfs > 0:
            raise ConfigError(f"serve.silence_dbfs={self.silence_dbfs}: full scale is 0, quieter is below it")


def serve_config_from(settings: Mapping[str, Any]) -> ServeConfig:
    """The configuration in `settings`; a wrong key or value is a ConfigError."""
    return structure(ServeConfig, settings, "serve", ConfigError)


def _check_positive(config: object, where: str, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if value is not None and not 0 < value <= (NO_BOUND_S if isinstance(value, float) else math.inf):
            raise ConfigError(f"{where}.{name}={value}: more than 0 is needed (at most {NO_BOUND_S:g})")
