"""What is tried again, what is waited for, what is kept secret, and how time is told."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from sv_eval.backend import Answer, Request
from sv_eval.backends.remote.backend import RemoteBackend
from sv_eval.backends.remote.dialects.service import JsonDialect
from sv_eval.backends.remote.errors import EndpointError
from sv_eval.errors import BackendLost
from sv_eval.records import Failure, Prediction

GOOD = {"success": True, "data": {"emotion": "happy", "text": "x", "confidence": 0.9}, "request_id": "r"}
PATIENT = {"connect_s": 120.0, "read_s": 120.0, "total_s": 300.0, "preflight_s": 120.0}
QUICK = {**PATIENT, "preflight": False, "backoff_s": 0.01, "longest_backoff_s": 2.0}
OVERRIDES = tuple(f"backend.connection.{name}={value}" for name, value in PATIENT.items())


def service(
    *replies: Callable[[web.Request], Any], then: Mapping[str, Any] = GOOD
) -> tuple[web.Application, list[float]]:
    """Answers in turn as told, and after that well; beside it the moments at which it was asked."""
    asked: list[float] = []
    left = list(replies)

    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        asked.append(time.monotonic())
        if left:
            found = left.pop(0)(request)
            response: web.StreamResponse = await found if asyncio.iscoroutine(found) else found
            return response
        return web.json_response(then)

    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/v1/emotion", answer)
    return app, asked


def status(code: int, **headers: str) -> Callable[[web.Request], web.Response]:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return lambda _: web.json_response({"detail": "told so"}, status=code, headers=named)


def ask(url: str, request: Request, count: int = 1, **settings: Any) -> list[Answer]:
    connection = {**QUICK, **settings.pop("connection", {})}
    remote = RemoteBackend(url=url, dialect=JsonDialect(), connection=connection, **settings)

    async def drive() -> list[Answer]:
        async with remote:
            return [(await remote.recognize([request]))[0] for _ in range(count)]

    return asyncio.run(drive())


def test_what_may_pass_is_tried_again_and_the_answer_tells_of_it(serve: Any, request_: Request) -> None:
    app, asked = service(status(503), status(429), status(502))

    (answer,) = ask(serve(app).address(), request_)

    assert isinstance(answer, Prediction)
    assert answer.label == "happy"
    assert len(asked) == 4
    assert answer.passage is not None
    assert answer.passage.attempts == 4
    assert [one.kind for one in answer.passage.troubles] == ["overloaded", "rate_limited", "bad_gateway"]
    # From the first sending on, the waits between attempts included.
    assert answer.passage.latency_ms >= (asked[-1] - asked[0]) * 1000


@pytest.mark.parametrize(("code", "kind"), [(400, "rejected"), (404, "not_found"), (500, "server_error")])
def test_what_will_not_pass_is_not_tried_again(code: int, kind: str, serve: Any, request_: Request) -> None:
    app, asked = service(status(code))

    (answer,) = ask(serve(app).address(), request_)

    assert isinstance(answer, Failure)
    assert (answer.kind, answer.attempts, len(asked)) == (kind, 1, 1)
    assert f"HTTP {code} (told so)" in answer.message


def test_attempts_are_bounded(serve: Any, request_: Request) -> None:
    app, asked = service(*[status(503)] * 10)

    (answer,) = ask(serve(app).address(), request_, connection={"attempts": 3})

    assert isinstance(answer, Failure)
    assert (answer.kind, answer.attempts, len(asked)) == ("overloaded", 3, 3)


def test_retry_after_is_waited_for(serve: Any, request_: Request) -> None:
    app, asked = service(status(429, Retry_After="1"))

    (answer,) = ask(serve(app).address(), request_)

    assert isinstance(answer, Prediction)
    assert asked[1] - asked[0] >= 0.99


def test_a_longer_retry_after_than_one_cares_to_wait_is_a_failure(serve: Any, request_: Request) -> None:
    app, asked = service(status(503, Retry_After="3600"))

    (answer,) = ask(serve(app).address(), request_)

    assert isinstance(answer, Failure)
    assert (answer.kind, len(asked)) == ("overloaded", 1)


def test_connections_are_kept(serve: Any, request_: Request) -> None:
    app, _ = service()

    answers = ask(serve(app).address(), request_, count=5)

    made = [isinstance(one, Prediction) and "connect" in one.stages_ms for one in answers]
    assert made == [True, False, False, False, False]


def test_latency_is_counted_from_the_planned_moment_where_there_is_one(serve: Any, request_: Request) -> None:
    app, _ = service()
    remote = RemoteBackend(url=serve(app).address(), dialect=JsonDialect(), connection=QUICK)

    async def drive(request: Request, since_s: float) -> tuple[float, float]:
        """What is told of the latency, and the time that passed since a moment until it was; milliseconds both."""
        async with remote:
            (answer,) = await remote.recognize([request])
        assert answer.passage is not None
        return answer.passage.latency_ms, (time.perf_counter() - since_s) * 1000

    now = time.perf_counter()
    at_once_ms, spent_ms = asyncio.run(drive(request_, now))
    assert at_once_ms <= spent_ms
    planned_s = time.perf_counter() - 5
    planned = Request(clip_id="c", waveform=request_.waveform, planned_s=planned_s)
    late_ms, spent_ms = asyncio.run(drive(planned, planned_s))
    assert 5000 <= late_ms <= spent_ms


def test_the_servers_own_time_is_told_from_the_wait(serve: Any, request_: Request) -> None:
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(0.15)
        return web.json_response(GOOD, headers={"Server-Timing": 'inference;dur=120.5, queue;desc="q";dur=3'})

    app, asked = service(slow)
    begin = time.monotonic()

    (answer,) = ask(serve(app).address(), request_)

    assert isinstance(answer, Prediction)
    # A busy machine may come to stamping the end of sending when the server has it long since.
    assert answer.stages_ms["send"] + answer.stages_ms["wait"] >= 149
    assert (answer.stages_ms["server.inference"], answer.stages_ms["server.queue"]) == (120.5, 3.0)
    # It was over before the server was asked.
    assert answer.stages_ms["encode"] <= (asked[0] - begin) * 1000


def test_a_redirect_within_the_origin_is_followed_and_one_to_elsewhere_is_not(
    serve: Any, request_: Request
) -> None:
    other, asked_elsewhere = service()
    elsewhere = serve(other)

    def to(place: str, code: int = 307) -> web.Application:
        app, _ = service(lambda _: web.Response(status=code, headers={"Location": place}))
        return app

    (followed,) = ask(serve(to("/v1/emotion")).address(), request_)
    (refused,) = ask(serve(to(elsewhere.address(host="localhost"))).address(), request_)
    (unsafe,) = ask(serve(to("/v1/emotion", 301)).address(), request_)

    assert isinstance(followed, Prediction)
    assert isinstance(refused, Failure)
    assert (refused.kind, "leads to another origin" in refused.message) == ("redirected", True)
    assert not asked_elsewhere
    assert isinstance(unsafe, Failure)
    assert "give that as backend.url" in unsafe.message


def test_an_answer_without_end_is_cut_off(serve: Any, request_: Request) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * (1 << 20))
        except ConnectionError:
            return response

    app, _ = service(endless)

    (answer,) = ask(serve(app).address(), request_)

    assert isinstance(answer, Failure)
    assert "longer than 16 MiB" in answer.message


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'{"data": null}',
        b'{"data": {"emotion": 7}}',
        b'"x"',
        b'{"data": {"emotion": "happy", "segments": 3}}',
        b'{"data": {"emotion": "happy", "scores": 3}}',
        b'{"data": {"emotion": "happy", "scores": {"happy": "much"}}}',
    ],
)
def test_json_of_another_form_is_a_failure_that_says_so(body: bytes, serve: Any, request_: Request) -> None:
    app, _ = service(lambda _: web.Response(body=body, content_type="application/json"))

    (answer,) = ask(serve(app).address(), request_)

    assert isinstance(answer, Failure)
    assert answer.kind in ("not_understood", "unmapped_label")


def test_the_key_is_nowhere_in_what_a_run_leaves(
    serve: Any, call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    key = "sk-very-secret-0123456789"
    seen: list[str] = []

    def gossip(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization", ""))
        return web.json_response({"detail": f"the key {key} is not liked today"}, status=400)

    app, _ = service(*[gossip] * 2)
    monkeypatch.setitem(environment, "SV_EVAL_API_KEY", key)

    done = call(
        "backend=remote", f"backend.url={serve(app).address()}", *OVERRIDES, "backend.connection.preflight=false",
        "dataset.limit=10", "load.warmup_clips=0", "run.max_failures=0.9", "hydra.run.dir=run",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert seen == [f"Bearer {key}"] * 2
    left = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert any("is not liked today" in path.read_text(errors="replace") for path in left)
    for path in left:
        assert key.encode() not in path.read_bytes(), path
    assert key not in done.stdout + done.stderr


STOPS: dict[str, tuple[Callable[[web.Request], Any], type[Exception], str]] = {
    "a web page": (
        lambda _: web.Response(text="<html>hello</html>", content_type="text/html"),
        EndpointError,
        "a web page came instead of an answer.*sv_eval.probe",
    ),
    "a bad key": (status(401), EndpointError, "no key was sent; put it into the environment variable"),
    "another path": (status(404), EndpointError, "does not answer as service.*sv_eval.probe"),
    "no emotion": (
        lambda _: web.json_response({"success": True, "data": {"emotion": None, "text": "hello"}}),
        EndpointError,
        "shows no emotion: looked at data.emotion, found 'None'",
    ),
    "no answer": (lambda _: asyncio.sleep(3600), BackendLost, "no answer within 0.5 s.*preflight_s"),
    "no speech": (
        lambda _: web.json_response({"code": "silence", "detail": "no speech"}, status=422),
        EndpointError,
        "hears no speech in the test clips.*probe_clip",
    ),
}


@pytest.mark.parametrize("case", STOPS)
def test_what_can_not_be_measured_stops_before_the_run(case: str, serve: Any, request_: Request) -> None:
    reply, error, said = STOPS[case]
    app, _ = service(*[reply] * 5)
    # Only who gets no answer runs into the limit; the server would answer after an hour.
    limit_s = 0.5 if case == "no answer" else PATIENT["preflight_s"]

    with pytest.raises(error, match=said):
        ask(serve(app).address(), request_, connection={"preflight": True, "preflight_s": limit_s})


def test_a_service_that_is_still_starting_is_waited_for(serve: Any, request_: Request) -> None:
    app, asked = service(status(503), status(503))

    (answer,) = ask(serve(app).address(), request_, connection={"preflight": True})

    assert isinstance(answer, Prediction)
    assert len(asked) == 4


def test_the_configuration_never_holds_a_key(call: Any, tmp_path: Path) -> None:
    done = call("backend=remote", "backend.url=http://127.0.0.1:1", "+backend.api_key=sk-1", "hydra.run.dir=run")

    assert done.returncode == 2
    assert "api_key" in done.stderr
    assert not (tmp_path / "run").exists() or not [
        path for path in (tmp_path / "run").rglob("*") if path.is_file() and b"sk-1" in path.read_bytes()
    ]


def test_records_can_be_read_back_with_their_troubles(
    serve: Any, call: Any, tmp_path: Path, records_of: Any
) -> None:
    app, _ = service(status(503))
    done = call(
        "backend=remote", f"backend.url={serve(app).address()}", *OVERRIDES, "backend.connection.preflight=false",
        "backend.connection.backoff_s=0.01", "dataset.limit=10", "load.warmup_clips=0", "hydra.run.dir=run",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    (retried,) = [one for one in records_of(tmp_path / "run") if one["attempts"] > 1]
    assert retried["troubles"] == [{"kind": "overloaded", "message": "HTTP 503 (told so)"}]
    again = call("run", module="sv_eval.score")
    assert again.returncode == 0, again.stderr
    errors = json.loads((tmp_path / "run" / "metrics.json").read_text())["errors"]
    assert [(row["kind"], row["failed"], row["recovered"]) for row in errors] == [("overloaded", 0, 1)]
    report = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert "1 answers took more than one attempt" in report
