"""The service under load: the same answers, a clear refusal, nothing lost at the end."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

Serve = Callable[..., Any]
PATIENCE_S = 300
"""What is waited for comes much earlier, on a busy machine too."""

SLOW = ("backend=fake", "backend.latency={p50_ms: 20, p95_ms: 20}")
"""A recogniser that answers fifty requests a second, one at a time."""


def body(clip: Path) -> dict[str, str]:
    return {"audio": base64.b64encode(clip.read_bytes()).decode()}


async def all_at_once(url: str, bodies: list[dict[str, str]], clients: int) -> list[httpx.Response]:
    """Every body once, from so many clients; the answers in order."""
    answers: dict[int, httpx.Response] = {}
    waiting = iter(enumerate(bodies))
    limits = httpx.Limits(max_connections=clients)
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_S, limits=limits) as api:

        async def client() -> None:
            for number, content in waiting:
                answers[number] = await api.post("/v1/emotion", json={**content, "return_all_emotions": True})

        await asyncio.gather(*(client() for _ in range(clients)))
    return [answers[number] for number in range(len(bodies))]


def test_sixty_four_clients_get_the_answers_that_one_gets(serving: Serve, demo_clips: list[Path]) -> None:
    bodies = [body(clip) for clip in demo_clips[:128]]
    with serving("serve.queue_size=128") as service:
        crowd = asyncio.run(all_at_once(service.url, bodies, 64))
        alone = asyncio.run(all_at_once(service.url, bodies, 1))
        sizes = [line["batch_size"] for line in service.events("request", 256) if line["code"] == "ok"]
    assert [answer.json()["data"] for answer in crowd] == [answer.json()["data"] for answer in alone]
    assert max(sizes) > 1, "nothing was batched, so nothing was shown"


def test_too_much_is_refused_and_what_is_accepted_is_answered(
    serving: Serve, demo_clips: list[Path], held: Any
) -> None:
    with serving(*held.backend, "serve.queue_size=40", **held.variables) as service:

        def let_go_when_all_others_are_refused() -> None:
            service.events("request", 300 - 41)
            held.let_go()

        watching = threading.Thread(target=let_go_when_all_others_are_refused)
        watching.start()
        answers = asyncio.run(all_at_once(service.url, [body(demo_clips[0])] * 300, 150))
        watching.join()
    # One is with the backend, and forty wait for it.
    assert Counter(answer.status_code for answer in answers) == {200: 41, 503: 300 - 41}
    for answer in answers:
        if answer.status_code == 503:
            assert answer.json()["code"] == "overloaded"
            assert int(answer.headers["retry-after"]) >= 1


def test_a_full_queue_shows_in_readiness(serving: Serve, demo_clips: list[Path], held: Any) -> None:
    with (
        serving(*held.backend, "serve.queue_size=1", **held.variables) as service,
        httpx.Client(base_url=service.url, timeout=PATIENCE_S) as api,
    ):
        asking = {"json": body(demo_clips[0]), "timeout": PATIENCE_S}
        threads = [
            threading.Thread(target=httpx.post, args=(f"{service.url}/v1/emotion",), kwargs=asking)
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        until = time.monotonic() + PATIENCE_S
        while (code := api.get("/health/ready").json().get("code")) != "overloaded":
            assert time.monotonic() < until, code
        assert api.get("/health").status_code == 200
        held.let_go()
        for thread in threads:
            thread.join()
        assert api.get("/health/ready").status_code == 200


def test_a_request_that_takes_too_long_ends_with_504(serving: Serve, demo_clips: list[Path]) -> None:
    latency = "backend.latency={p50_ms: 3000, p95_ms: 3000}"
    with serving("backend=fake", latency, "serve.deadline_s=0.2") as service:
        answer = httpx.post(f"{service.url}/v1/emotion", json=body(demo_clips[0]), timeout=PATIENCE_S)
    assert (answer.status_code, answer.json()["code"]) == (504, "deadline_exceeded")


class Caller(threading.Thread):
    """Asks again and again until the door is closed, each time over a new connection."""

    def __init__(self, url: str, content: dict[str, str]) -> None:
        super().__init__()
        self.url, self.content = url, content
        self.answers: list[str] = []
        self.odd: list[str] = []

    def run(self) -> None:
        while True:
            try:
                answer = httpx.post(f"{self.url}/v1/emotion", json=self.content, timeout=PATIENCE_S)
            except (httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError) as error:
                # Not accepted: refused, or still in the kernel's queue when the door was closed.
                self.odd.append(type(error).__name__)
                return
            self.answers.append(answer.json().get("code", "ok"))


@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_that_was_accepted_is_lost_when_it_is_told_to_stop(
    serving: Serve, demo_clips: list[Path], workers: int
) -> None:
    overrides = (*SLOW, f"serve.workers={workers}", "serve.drain_s=0.2")
    with serving(*overrides) as service:
        service.events("ready", workers)
        callers = [Caller(service.url, body(demo_clips[0])) for _ in range(16)]
        for caller in callers:
            caller.start()
        service.events("request", 60)
        assert service.stop(signal.SIGTERM) == 0
        for caller in callers:
            caller.join()
        logged = Counter(line["code"] for line in service.lines if line["event"] == "request")
    received = Counter(code for caller in callers for code in caller.answers)
    assert received == logged
    assert received["ok"] >= 60
    assert set(received) <= {"ok", "overloaded"}


def test_a_worker_that_dies_is_replaced(serving: Serve, demo_clips: list[Path]) -> None:
    with serving("backend=fake", "serve.workers=2") as service:
        service.events("ready", 2)
        first = {line["pid"] for line in service.events("ready", 2)}
        os.kill(first.pop(), signal.SIGKILL)
        service.events("ready", 3)
        with httpx.Client(
            base_url=service.url, timeout=PATIENCE_S, limits=httpx.Limits(max_keepalive_connections=0)
        ) as api:
            answers = [api.post("/v1/emotion", json=body(demo_clips[0])) for _ in range(8)]
            assert [answer.status_code for answer in answers] == [200] * 8
            service.events("request", 8)
            assert 'sv_eval_requests_total{code="ok",path="/v1/emotion"} 8.0' in api.get("/metrics").text


def test_while_the_model_is_loaded_the_process_lives_and_is_not_ready(serving: Serve, tmp_path: Path) -> None:
    (tmp_path / "slow_backend.py").write_text(
        "import asyncio, pathlib\n"
        "from sv_eval.backends.fake import FakeBackend\n"
        "class Slow(FakeBackend):\n"
        "    async def __aenter__(self):\n"
        f"        while not pathlib.Path({str(tmp_path / 'go')!r}).exists():\n"
        "            await asyncio.sleep(0.01)\n"
        "        return self\n"
    )
    path = f"{tmp_path}{os.pathsep}{Path(__file__).resolve().parents[2]}"
    slow = ("backend=fake", "backend._target_=slow_backend.Slow")
    with (
        serving(*slow, ready=False, PYTHONPATH=path) as service,
        httpx.Client(base_url=service.url, timeout=PATIENCE_S) as api,
    ):
        assert api.get("/health").status_code == 200
        early = [api.get("/health/ready"), api.get("/v1/models"), api.post("/v1/emotion", json={"audio": "QQ=="})]
        assert [(answer.status_code, answer.json()["code"]) for answer in early] == [(503, "not_ready")] * 3
        (tmp_path / "go").touch()
        service.event("ready")
        assert api.get("/health/ready").status_code == 200


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["backend.model=/nowhere"], "/nowhere"),
        (["serve.porrt=1"], "porrt"),
        (["backend=onxn"], "did you mean onnx"),
        (["serve.api_keys_file=/nowhere/keys"], "/nowhere/keys"),
        (["serve.host=192.0.2.1"], "serve.host=192.0.2.1"),
    ],
)
def test_what_can_not_begin_says_why_in_one_line(call: Any, overrides: list[str], words: str) -> None:
    ended = call("serve.port=0", "serve.grpc_port=null", *overrides, module="sv_eval.serve")
    errors = [line for line in ended.stderr.splitlines() if not line.startswith("{")]
    assert ended.returncode == 2
    assert len(errors) == 1
    assert words in errors[0]


def test_a_port_that_is_taken(serving: Serve, call: Any) -> None:
    with serving("backend=fake") as service:
        port = service.url.rpartition(":")[2]
        ended = call(f"serve.port={port}", "backend=fake", module="sv_eval.serve")
    assert ended.returncode == 2
    assert f"serve.port={port}" in ended.stderr


def test_help_lists_every_setting(call: Any) -> None:
    ended = call("--help", module="sv_eval.serve")
    assert ended.returncode == 0
    for word in ("deadline_s", "queue_size", "backend: ", "vad_threshold", "api_keys_file"):
        assert word in ended.stdout
    assert "dataset" not in ended.stdout.partition("Settings")[0]
