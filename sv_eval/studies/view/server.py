"""The server of reports: on loopback, behind a token, with nothing to give but pages and clips of its runs."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from sv_eval.errors import AudioError, SvEvalError
from sv_eval.foreign_text import visible
from sv_eval.studies.view.served_run import ServedRun

LOOPBACK = "127.0.0.1"
_TOKEN_BYTES = 18
_RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")
_KEPT_CLIPS = 32
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Answer(NamedTuple):
    """What is sent back."""

    status: HTTPStatus
    """How it went."""
    kind: str
    """The content's type."""
    content: bytes
    """All of it."""


class ReportServer(ThreadingHTTPServer):
    """Serves the runs at `address`, which nobody can guess who was not told.

    front: the page that stands before those of several runs; without one it is the first run's. port: 0 for any
    that is free.
    """

    daemon_threads = True

    def __init__(
        self, runs: Sequence[ServedRun], *, front: bytes | None = None, port: int = 0, token: str | None = None
    ) -> None:
        self._runs, self._front = tuple(runs), front
        self._token = token or secrets.token_urlsafe(_TOKEN_BYTES)
        # One page is made at a time: two would need twice the memory and come no sooner.
        self._busy = threading.Lock()
        self._wav = lru_cache(maxsize=_KEPT_CLIPS)(self._wav_of)
        super().__init__((LOOPBACK, port), _Handler)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    @property
    def address(self) -> str:
        """What is typed into a browser."""
        return f"http://{LOOPBACK}:{self.port}/{self._token}/"

    def serves_host(self, host: str | None) -> bool:
        """Whether a request is meant for here: a stranger's name that leads to loopback is refused."""
        return host in (f"{LOOPBACK}:{self.port}", f"localhost:{self.port}")

    def answer(self, path: str) -> Answer:
        """What there is at a path."""
        parts = path.partition("?")[0].split("/")
        if len(parts) < 3 or not secrets.compare_digest(parts[1].encode(), self._token.encode()):
            return _said(HTTPStatus.NOT_FOUND, "there is nothing here")
        rest = parts[2:]
        number = 0
        if rest[0] == "run" and len(rest) > 2 and (chosen := _number(rest[1], len(self._runs))) is not None:
            number, rest = chosen, rest[2:]
        elif rest == [""] and self._front is not None:
            return Answer(HTTPStatus.OK, "text/html; charset=utf-8", self._front)
        try:
            if rest == [""]:
                with self._busy:
                    return Answer(HTTPStatus.OK, "text/html; charset=utf-8", self._runs[number].html)
            if len(rest) == 2 and rest[0] == "clip" and rest[1].isascii() and rest[1].isdigit():
                return Answer(HTTPStatus.OK, "audio/wav", self._wav(number, int(rest[1])))
        except AudioError as error:
            return _said(HTTPStatus.NOT_FOUND, str(error))
        except SvEvalError as error:
            return _said(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
        return _said(HTTPStatus.NOT_FOUND, "there is nothing here")

    def _wav_of(self, number: int, row: int) -> bytes:
        with self._busy:
            return self._runs[number].wav(row)


def _number(text: str, below: int) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 and int(text) < below else None


def _said(status: HTTPStatus, text: str) -> Answer:
    return Answer(status, "text/plain; charset=utf-8", visible(text).encode())


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD, whole or in part."""

    server: ReportServer
    protocol_version = "HTTP/1.1"
    server_version = "sv-eval"
    sys_version = ""
    timeout = 60

    def do_GET(self) -> None:
        """The content."""
        self._send(with_content=True)

    def do_HEAD(self) -> None:
        """What a GET would be answered, without the content."""
        self._send(with_content=False)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the token would stand in it."""

    def _send(self, *, with_content: bool) -> None:
        if not self.server.serves_host(self.headers.get("Host")):
            status, kind, content = _said(HTTPStatus.FORBIDDEN, "ask for 127.0.0.1")
        else:
            status, kind, content = self.server.answer(self.path)
        size, first = len(content), 0
        wanted = _RANGE.match(self.headers.get("Range", ""))
        if status is HTTPStatus.OK and wanted and wanted.groups() != ("", ""):
            part = _part(wanted, size)
            if part is None:
                status, content = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, b""
            else:
                status, first = HTTPStatus.PARTIAL_CONTENT, part.start
                content = content[part.start : part.stop]
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Accept-Ranges", "bytes")
        if status is HTTPStatus.PARTIAL_CONTENT:
            self.send_header("Content-Range", f"bytes {first}-{first + len(content) - 1}/{size}")
        elif status is HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            self.send_header("Content-Range", f"bytes */{size}")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_content:
            self.wfile.write(content)


def _part(wanted: re.Match[str], size: int) -> range | None:
    """The bytes that a request asks for; None where there are none such."""
    low, high = (int(side) if side else None for side in wanted.groups())
    if low is None:
        low, high = max(0, size - (high or 0)), None
    stop = size if high is None else min(size, high + 1)
    return range(low, stop) if low < stop else None
