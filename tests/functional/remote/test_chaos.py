"""A server that misbehaves in every way at once, and what a run makes of it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import threading
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from sv_eval.data.audio.decoding import decode

FAULTS = ("spike", "reset", "429", "503", "truncated", "error_in_200", "hang", "web_page", "drip", "not_json")
SHARE = 0.2


class Chaos:
    """Answers clips as planted, save where a fault is drawn: by clip and attempt, so that runs are alike."""

    def __init__(self, paths: list[Path]) -> None:
        self._label = {decode(path).samples.tobytes(): path.stem.split("_")[2] for path in paths}
        self._seen: Counter[bytes] = Counter()
        self._lock = threading.Lock()
        self.faulty = True
        self.drawn: Counter[str] = Counter()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        sound = base64.b64decode((await request.json())["audio"])
        samples = decode(sound).samples.tobytes()
        fault = self._draw(samples) if self.faulty else None
        label = self._label[samples]
        body = {"success": True, "data": {"emotion": label, "text": "x", "confidence": 0.9}, "request_id": "r"}
        if fault is not None:
            self.drawn[fault] += 1
            return await self._misbehave(fault, request, body)
        return web.json_response(body)

    def _draw(self, samples: bytes) -> str | None:
        with self._lock:
            self._seen[samples] += 1
            number = zlib.crc32(samples, self._seen[samples]) % 1000
        return FAULTS[number % len(FAULTS)] if number < SHARE * 1000 else None

    async def _misbehave(self, fault: str, request: web.Request, body: Any) -> web.StreamResponse:
        good = json.dumps(body).encode()
        if fault == "spike":
            await asyncio.sleep(0.3)
            return web.json_response(body)
        if fault in ("429", "503"):
            return web.json_response({"detail": "later"}, status=int(fault), headers={"Retry-After": "0.1"})
        if fault == "error_in_200":
            return web.json_response({"success": False, "code": "inference_failed", "detail": "cuda"})
        if fault == "web_page":
            return web.Response(text="<html>maintenance</html>", content_type="text/html")
        if fault == "not_json":
            return web.Response(body=good[:40], content_type="application/json")
        if fault == "hang":
            await asyncio.sleep(3600)
        if fault == "reset":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        response = web.StreamResponse(
            headers={"Content-Type": "application/json", "Content-Length": str(len(good))}
        )
        await response.prepare(request)
        if fault == "truncated":
            await response.write(good[:20])
            assert request.transport is not None
            request.transport.close()
            return response
        with contextlib.suppress(ConnectionError):
            for begin in range(0, len(good), 4):  # drip
                await response.write(good[begin : begin + 4])
                await asyncio.sleep(0.3)
        return response


@pytest.fixture
def chaos(demo_clips: list[Path]) -> Chaos:
    return Chaos(demo_clips)


@pytest.fixture
def url(chaos: Chaos, serve: Any) -> str:
    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/v1/emotion", chaos.answer)
    address: str = serve(app).address()
    return address


LIMITS = (
    "backend.connection={connect_s: 120, read_s: 120, total_s: 300, backoff_s: 0.01, preflight: false}",
    "run.max_failures=0.9",
)
LATE_S = 2
"""Who has not answered by then is not waited for; hangs and drips take longer, and nothing else should."""
IMPATIENT = (
    f"backend.connection.total_s={LATE_S}",
    # Not even a machine that makes everybody late ends the run.
    "backend.connection.lost_after=1000",
)


@pytest.mark.parametrize("load", ["offline", "single_stream"])
def test_every_clip_ends_in_one_record_and_no_fault_is_a_wrong_answer(
    load: str, url: str, chaos: Chaos, call: Any, tmp_path: Path, records_of: Any, metrics_of: Any
) -> None:
    command = ("backend=remote", f"backend.url={url}", f"load={load}", "hydra.run.dir=run", *LIMITS)

    first = call(*command, *IMPATIENT)

    assert first.returncode == 0, first.stderr
    assert len(chaos.drawn) == len(FAULTS), "every fault must have been met"
    records = records_of(tmp_path / "run")
    assert sorted(one["clip"]["id"] for one in records) == sorted({one["clip"]["id"] for one in records})
    assert len(records) == 200
    answered = [one for one in records if one["outcome"] != "FAILURE"]
    assert len(answered) < 200
    # Without faults this server is always right, and so it is on what was answered.
    assert all(one["prediction"]["label"] == one["clip"]["reference"] for one in answered)
    metrics = metrics_of(tmp_path / "run")
    assert metrics["accuracy"]["uar"]["value"] == 1.0
    _check_the_ledger(metrics, records)

    chaos.faulty = False
    rest = call(*command, "run.retry_failed=true")

    assert rest.returncode == 0, rest.stderr
    metrics = metrics_of(tmp_path / "run")
    assert (metrics["run"]["n_failed"], metrics["run"]["n_clips"]) == (0, 200)
    assert metrics["accuracy"]["uar"]["value"] == 1.0


def _check_the_ledger(metrics: Any, records: list[Any]) -> None:
    retried = [one for one in records if one["attempts"] > 1 and one["outcome"] != "FAILURE"]
    assert metrics["latency_ms"]["excluded"]["retried"] == len(retried) > 0
    assert metrics["latency_ms"]["retried"]["n"] == len(retried)
    # Spikes that end in time are slow answers; hangs and drips must not be among the latencies.
    assert metrics["latency_ms"]["max"] < LATE_S * 1000
    ledger = {row["kind"]: row for row in metrics["errors"]}
    assert {"timeout", "reset", "rate_limited", "overloaded", "wrong_content_type"} <= set(ledger)
    assert sum(row["failed"] for row in ledger.values()) == metrics["run"]["n_failed"]
    assert sum(row["attempts"] for row in ledger.values()) == sum(
        one["attempts"] - (one["outcome"] != "FAILURE") for one in records
    )
    for final in ("wrong_content_type", "server_error", "inference_failed"):
        assert ledger.get(final, {"recovered": 0})["recovered"] == 0


def test_an_endpoint_that_dies_ends_the_run_and_a_resumed_one_completes_it(
    url: str, chaos: Chaos, call: Any, tmp_path: Path, metrics_of: Any, serve: Any, demo_clips: list[Path]
) -> None:
    chaos.faulty = False
    dead = threading.Event()
    count = 0

    async def until_dead(request: web.Request) -> web.StreamResponse:
        nonlocal count
        count += 1
        if count > 60:
            dead.set()
        if dead.is_set():
            assert request.transport is not None
            request.transport.abort()
        return await chaos.answer(request)

    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/v1/emotion", until_dead)
    command = ("backend=remote", f"backend.url={serve(app).address()}", "hydra.run.dir=run", *LIMITS)

    lost = call(*command)

    assert lost.returncode == 5, lost.stderr
    assert "has not answered 8 clips in a row (reset:" in lost.stderr
    # No clip was begun after the eighth of those, each of which was tried four times.
    assert count <= 60 + 8 * 4
    assert metrics_of(tmp_path / "run")["run"]["n_clips"] < 200

    dead.clear()
    count = -10_000
    # A run may go on with other limits: they say how the endpoint is reached, not what is measured.
    rest = call(*command, "run.retry_failed=true", "backend.connection.total_s=200")

    assert rest.returncode == 0, rest.stderr
    run = metrics_of(tmp_path / "run")["run"]
    assert (run["n_clips"], run["n_failed"]) == (200, 0)
