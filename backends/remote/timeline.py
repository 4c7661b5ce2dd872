"""One attempt's times, taken apart: connection, sending, waiting, receiving.

A connection that is made for the request (name lookup, connect, TLS handshake) is told apart and is no part of the
latency, which begins when sending begins.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field


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
    """When the head of the answer (of a websocket: the answer) was there."""
    received_s: float | None = None
    """When its last byte was there."""
    server_ms: dict[str, float] = field(default_factory=dict)
    """Milliseconds by the server's own stages, as it told."""

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
