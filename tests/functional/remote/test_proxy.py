"""A proxy that is given is used by every line, and one of the environment by none."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.functional.remote.conftest import PATIENT, address

FORMS = {"remote": "http", "remote/service_websocket": "ws", "remote/service_grpc": "grpc"}


class Proxy:
    """An HTTP proxy (RFC 9110: CONNECT, and addresses in absolute form) that notes whom it led where."""

    def __init__(self) -> None:
        self.led: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(60)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(asyncio.start_server(self._lead, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self._ready.set()
        self._loop.run_forever()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            first, _, rest = head.partition(b"\r\n")
            method, target, version = first.decode().split(" ")
            place = urlsplit(f"//{target}" if method == "CONNECT" else target)
            self.led.append(f"{method} {place.netloc}")
            there_reader, there = await asyncio.open_connection(place.hostname, place.port)
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                there.write(f"{method} {place.path or '/'} {version}\r\n".encode() + rest)
            await asyncio.gather(_piped(reader, there), _piped(there_reader, writer))

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                self._loop.run_until_complete(task)
        self._server.close()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


async def _piped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
    writer.close()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    it = Proxy()
    yield it
    it.stop()


@pytest.mark.parametrize(("form", "scheme"), FORMS.items())
def test_every_line_goes_through_the_proxy_that_is_given(
    form: str, scheme: str, service: Any, proxy: Proxy, call: Any, tmp_path: Path, records_of: Any
) -> None:
    url = address(service, scheme)

    done = call(
        f"backend={form}", f"backend.url={url}", PATIENT, f"backend.connection.proxy={proxy.url}",
        "dataset.limit=4", "load.warmup_clips=0", "hydra.run.dir=run",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert {led.partition(" ")[2] for led in proxy.led} == {urlsplit(url).netloc}
    assert f"proxy {proxy.url}" in (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert {one["outcome"] for one in records_of(tmp_path / "run")} <= {"LABEL", "UNKNOWN"}


@pytest.mark.parametrize(("form", "scheme"), FORMS.items())
def test_no_line_goes_through_the_proxy_of_the_environment(
    form: str, scheme: str, service: Any, proxy: Proxy, call: Any
) -> None:
    names = ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    of_it = dict.fromkeys(names, proxy.url) | {"no_proxy": "", "NO_PROXY": ""}

    done = call(
        f"backend={form}", f"backend.url={address(service, scheme)}", PATIENT, "dataset.limit=4",
        "load.warmup_clips=0", "hydra.run.dir=run", **of_it,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert proxy.led == []


def test_a_proxy_that_is_not_there_is_what_is_said_to_be_wrong(service: Any, call: Any) -> None:
    done = call(
        "backend=remote", f"backend.url={address(service, 'http')}", "backend.connection.proxy=http://127.0.0.1:9",
        "hydra.run.dir=run",
    )  # fmt: skip

    assert done.returncode == 5
    assert "no connection to the proxy http://127.0.0.1:9 (connection refused)" in done.stderr


@pytest.mark.parametrize("proxy", ["proxy:3128", "socks5://h:1", "http://h", "http://a:b@h:1", "http://h:x"])
def test_an_address_that_is_no_proxy_is_refused(proxy: str, call: Any) -> None:
    done = call(
        "backend=remote", "backend.url=http://127.0.0.1:9", f"backend.connection.proxy={proxy}", "hydra.run.dir=run"
    )

    assert done.returncode == 2
    assert "backend.connection.proxy" in done.stderr
