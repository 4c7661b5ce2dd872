"""One attempt's times, taken apart: connection, sending, waiting, receiving.

A connection that is made for the request (name lookup, connect, TLS handshake) is told apart and is no part of the
latency, which begins when sending begins. What is received counts from when it arrived, by the kernel's stamp where
there is one, and not from when this process came round to reading it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Protocol


class Stamped(Protocol):
    """Something that bytes are read from."""

    arrived_s: float | None
    """When those read last had arrived, on the clock of `time.perf_counter`; None where nobody knows."""


@dataclass(slots=True)
class Timeline:
    """When what happened to one attempt, on the clock of `time.perf_counter`; None for what did not."""

    begin_s: float = field(default_factory=time.perf_counter)
    """When the request was handed over."""
    dns_s: tuple[float, float] | None = None
    """Begin and end of the name's lookup."""
    connect_s: tuple[float, float] | None = None
    """Begin and end of making a connection, lookup and handshake included."""
    tls_begin_s: float | None = None
    """Begin of the TLS handshake; it ends with `connect_s`."""
    sending_s: float | None = None
    """When there was a connection and sending began."""
    sent_s: float | None = None
    """When the last byte was handed to the system."""
    answered_s: float | None = None
    """When the head of the answer (of a websocket: the answer) had arrived."""
    received_s: float | None = None
    """When its last byte had arrived."""
    server_ms: dict[str, float] = field(default_factory=dict)
    """Milliseconds by the server's own stages, as it told."""
    outside_s: float = 0.0
    """Seconds after the answer had arrived that are no latency: unread here, or spent on closing the connection."""
    _socket: Stamped | None = None

    def has(self, socket: Stamped | None) -> None:
        """Note what the answer will be read from."""
        self._socket = socket

    def head_came(self) -> None:
        """Note that the head of the answer is there."""
        self.answered_s = self._arrived_s(time.perf_counter(), self.start_s)

    def all_came(self) -> None:
        """Note that the whole answer is there."""
        now = time.perf_counter()
        if self.answered_s is None:
            self.head_came()
        self.received_s = self._arrived_s(now, self.answered_s or self.start_s)
        self.outside_s = now - self.received_s

    def _arrived_s(self, now_s: float, after_s: float) -> float:
        """When what is there arrived; `now_s` where there is no stamp, or one that can't be of this answer."""
        stamp_s = None if self._socket is None else self._socket.arrived_s
        return now_s if stamp_s is None or not after_s <= stamp_s <= now_s else stamp_s

    @property
    def start_s(self) -> float:
        """When sending began, or when the request was handed over if it never got that far."""
        return self.begin_s if self.sending_s is None else self.sending_s

    def stages_ms(self) -> dict[str, float]:
        """Milliseconds by stage: `dns`, `connect`, `tls`, `send`, `wait`, `receive`, and `server.*`."""
        stages: dict[str, float] = {}
        if self.connect_s is not None:
            stages |= self._connection_ms(*self.connect_s)
        sent = self.start_s
        if self.answered_s is not None:
            if self.sent_s is not None:
                # A server may begin to answer before it has read everything.
                sent = min(self.sent_s, self.answered_s)
                stages["send"] = _ms(self.start_s, sent)
            stages["wait"] = _ms(sent, self.answered_s)
            if self.received_s is not None:
                stages["receive"] = _ms(self.answered_s, self.received_s)
        return stages | {f"server.{name}": value for name, value in self.server_ms.items()}

    def _connection_ms(self, begin_s: float, end_s: float) -> dict[str, float]:
        found = {}
        if self.dns_s is not None:
            found["dns"] = _ms(*self.dns_s)
            begin_s = self.dns_s[1]
        if self.tls_begin_s is not None:
            found["tls"] = _ms(self.tls_begin_s, end_s)
            end_s = self.tls_begin_s
        return {**found, "connect": _ms(begin_s, end_s)}


def server_timing(header: str) -> dict[str, float]:
    """The durations of a `Server-Timing` header (W3C Server Timing), milliseconds by name.

    >>> server_timing('queue;dur=1.5, inference;desc="the model";dur=20, miss')
    {'queue': 1.5, 'inference': 20.0}
    """
    found = {}
    for metric in header.split(","):
        name, *parameters = (part.strip() for part in metric.split(";"))
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "dur" and name:
                try:
                    found[name] = float(value.strip().strip('"'))
                except ValueError:
                    continue
    return found


def _ms(begin_s: float, end_s: float) -> float:
    return max(0.0, end_s - begin_s) * 1000
