"""Every dialect against a small server that behaves as the real one does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from sv_eval.backend import Answer, Request
from sv_eval.backends.remote.backend import RemoteBackend
from sv_eval.backends.remote.dialect import Dialect
from sv_eval.backends.remote.dialects.api4sensevoice import Api4SenseVoice
from sv_eval.backends.remote.dialects.dashscope import DashScope
from sv_eval.backends.remote.dialects.funasr_websocket import FunAsrWebsocket
from sv_eval.backends.remote.dialects.generic import Generic
from sv_eval.backends.remote.dialects.kserve import KServe
from sv_eval.backends.remote.dialects.openai import OpenAiTranscriptions
from sv_eval.backends.remote.dialects.sensevoice_api import SenseVoiceApi
from sv_eval.backends.remote.dialects.sherpa_websocket import SherpaWebsocket
from sv_eval.backends.remote.errors import EndpointError
from sv_eval.backends.remote.probing import Probe
from sv_eval.data.audio.decoding import decode
from sv_eval.errors import BackendLost
from sv_eval.records import Failure, Outcome, Prediction

PATIENT = {"connect_s": 120.0, "read_s": 120.0, "total_s": 300.0, "preflight_s": 120.0}
UNPROBED = {**PATIENT, "preflight": False, "attempts": 1}


def backend(url: str, dialect: Dialect, connection: Mapping[str, Any] = UNPROBED, **settings: Any) -> RemoteBackend:
    return RemoteBackend(url=url, dialect=dialect, connection=connection, **settings)


def requests(paths: Sequence[Path]) -> list[Request]:
    return [Request(clip_id=path.stem, waveform=decode(path, keep_encoded=True)) for path in paths]


def ask(remote: RemoteBackend, paths: Sequence[Path]) -> list[Answer]:
    async def drive() -> list[Answer]:
        async with remote:
            found = await asyncio.gather(*(remote.recognize([one]) for one in requests(paths)))
            return [answer for (answer,) in found]

    return asyncio.run(drive())


def predictions(answers: Sequence[Answer]) -> list[Prediction]:
    assert not [answer for answer in answers if isinstance(answer, Failure)]
    return [answer for answer in answers if isinstance(answer, Prediction)]


CASES: dict[str, tuple[str, str, Callable[[], Dialect]]] = {
    "SenseVoice api.py": ("sensevoice_api", "http", SenseVoiceApi),
    "OpenAI, tags": ("openai", "http", lambda: OpenAiTranscriptions(model="tags")),
    "OpenAI, field": ("openai", "http", lambda: OpenAiTranscriptions(model="field")),
    "FunASR websocket": ("funasr", "ws", FunAsrWebsocket),
    "sherpa-onnx websocket": ("sherpa", "ws", SherpaWebsocket),
    "KServe, binary": ("kserve", "http", KServe),
    "KServe, JSON": ("kserve", "http", lambda: KServe(binary=False)),
    "DashScope": ("dashscope", "http", DashScope),
}


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest, serve: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Dialect]:
    name, scheme, make = CASES[request.param]
    monkeypatch.setenv("SV_EVAL_API_KEY", "sk-good")
    return serve(request.getfixturevalue(name)).address(scheme), make()


def test_the_planted_labels_come_back(case: tuple[str, Dialect], recogniser: Any, clips: list[Path]) -> None:
    found = predictions(ask(backend(*case), clips))

    assert [one.label for one in found] == list(recogniser.labels.values())
    assert [one.text for one in found] == [f"this is {name}" for name in recogniser.labels]
    assert {one.language for one in found} <= {"en", None}
    assert recogniser.rates == {16_000}


def test_the_emotion_is_seen_before_the_run(case: tuple[str, Dialect], recogniser: Any, clips: list[Path]) -> None:
    url, dialect = case
    remote = backend(url, dialect, {**PATIENT, "probe_clip": str(clips[0])})

    async def drive() -> None:
        async with remote:
            assert remote.info.details["dialect"] == dialect.traits.name
            assert "emotion read from" in remote.info.details

    asyncio.run(drive())


def test_an_answer_tells_where_its_time_went(case: tuple[str, Dialect], clips: list[Path]) -> None:
    (answer,) = predictions(ask(backend(*case), clips[:1]))

    assert {"encode", "queue", "connect", "wait"} <= set(answer.stages_ms)
    assert answer.passage is not None
    assert answer.passage.attempts == 1
    spent = sum(answer.stages_ms.get(name, 0.0) for name in ("send", "wait", "receive"))
    assert spent <= answer.passage.latency_ms + 0.01


def test_emoji_tell_no_neutral(
    openai: Any, api4sensevoice: Any, recogniser: Any, serve: Any, clips: list[Path]
) -> None:
    for app, dialect in ((openai, OpenAiTranscriptions(model="emoji")), (api4sensevoice, Api4SenseVoice())):
        found = predictions(ask(backend(serve(app).address(), dialect), clips))

        for one, planted in zip(found, recogniser.labels.values(), strict=True):
            silent = planted in ("neutral", "unknown")
            assert one.outcome is (Outcome.NO_TAG if silent else Outcome.LABEL)
            assert one.label == (None if silent else planted)
            assert one.text is not None
            assert not set(one.text) & set("😊😔😡😰🤢😮")


def test_emoji_are_noticed_where_they_were_not_expected(openai: Any, serve: Any, clips: list[Path]) -> None:
    dialect = OpenAiTranscriptions(model="emoji")
    remote = backend(serve(openai).address(), dialect, {**PATIENT, "probe_clip": str(clips[0])})

    async def drive() -> None:
        assert "neutral" in remote.capabilities.labels
        async with remote:
            assert "neutral" not in remote.capabilities.labels
            assert remote.info.card["lossy"] == "emoji"

    asyncio.run(drive())


def test_what_a_lossy_form_can_not_say_is_not_scored(api4sensevoice: Any, serve: Any) -> None:
    remote = backend(serve(api4sensevoice).address(), Api4SenseVoice())

    assert "neutral" not in remote.capabilities.labels
    assert remote.info.card["lossy"] == "emoji"


def test_a_failure_in_a_200_is_a_failure(api4sensevoice: Any, serve: Any, demo_clips: list[Path]) -> None:
    (answer,) = ask(backend(serve(api4sensevoice).address(), Api4SenseVoice()), demo_clips[40:41])

    assert isinstance(answer, Failure)
    assert answer.kind == "api_error"
    assert "HTTP 200" in answer.message


def test_an_api_that_drops_the_emotion_stops_the_run(openai: Any, serve: Any, clips: list[Path]) -> None:
    remote = backend(
        serve(openai).address(), OpenAiTranscriptions(model="dropped"), {**PATIENT, "probe_clip": str(clips[0])}
    )

    with pytest.raises(EndpointError, match=r"shows no emotion: looked at emotion and text, found .*this is"):
        ask(remote, clips[:1])


def test_a_model_that_is_not_there_is_named(openai: Any, serve: Any, clips: list[Path]) -> None:
    remote = backend(
        serve(openai).address(), OpenAiTranscriptions(model="gpt"), {**PATIENT, "probe_clip": str(clips[0])}
    )

    with pytest.raises(EndpointError, match="The model `gpt` does not exist"):
        ask(remote, clips[:1])


def test_a_clip_that_gets_no_answer_ends_in_a_timeout(funasr: Any, serve: Any, demo_clips: list[Path]) -> None:
    limits = {**UNPROBED, "read_s": 0.3}

    (answer,) = ask(backend(serve(funasr).address("ws"), FunAsrWebsocket(), limits), demo_clips[40:41])

    assert isinstance(answer, Failure)
    assert answer.kind in ("timeout", "reset")


DESCRIPTION = {
    "method": "put",
    "headers": {"X-Token": "{api_key}"},
    "body": {"sound": {"data": "{audio_base64}", "type": "{format}"}},
    "scores": "$.result[0].scores",
    "score_labels": "$.result[0].labels",
    "text": "$.result[0].text",
    "server_ms": "$.result[0].took",
    "failed": "$[?@ == 'error']",
    "failure_message": "$.why",
}


def test_a_service_can_be_described(
    lists_of_scores: Any, recogniser: Any, serve: Any, clips: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SV_EVAL_API_KEY", "good")
    dialect = Generic(**DESCRIPTION)  # type: ignore[arg-type]

    answers = ask(backend(serve(lists_of_scores).address() + "/judge", dialect), clips)

    for answer, planted in zip(answers, recogniser.labels.values(), strict=True):
        if planted == "unknown":
            assert isinstance(answer, Failure)
            assert (answer.kind, "model crashed" in answer.message) == ("api_error", True)
            continue
        assert isinstance(answer, Prediction)
        assert answer.label == answer.forced == planted
        assert answer.scores is not None
        assert answer.scores[planted] == pytest.approx(0.64)
        assert answer.confidence == pytest.approx(0.64)
        assert answer.stages_ms["server.model"] == 12.5


@pytest.mark.parametrize("encoding", ["multipart", "raw"])
def test_a_described_service_may_take_files(encoding: str, recogniser: Any, serve: Any, clips: list[Path]) -> None:
    from aiohttp import web

    from sv_eval.data.audio.decoding import decode as decoded

    async def judge(request: web.Request) -> web.Response:
        if encoding == "raw":
            data = await request.read()
        else:
            form = await request.post()
            assert form["mode"] == "fast"
            data = form["clip"].file.read()  # type: ignore[union-attr]
        return web.json_response({"tag": recogniser.tagged(decoded(data).samples, 16_000)})

    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/x", judge)
    dialect = Generic(encoding=encoding, body={"mode": "fast"}, file_field="clip", text="$.tag")

    found = predictions(ask(backend(serve(app).address() + "/x", dialect), clips))

    assert [one.label for one in found] == list(recogniser.labels.values())


def test_a_word_that_nobody_knows_is_kept_and_is_no_label(recogniser: Any, serve: Any, clips: list[Path]) -> None:
    from aiohttp import web

    async def judge(request: web.Request) -> web.Response:
        return web.json_response({"mood": "zufrieden"})

    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/", judge)
    url = serve(app).address()
    dialect = Generic(body={"a": "{audio_base64}"}, emotion="$.mood")

    (unmapped,) = predictions(ask(backend(url, dialect), clips[:1]))
    (mapped,) = predictions(ask(backend(url, dialect, labels={"Zufrieden": "happy"}), clips[:1]))

    assert (unmapped.outcome, unmapped.raw_label) == (Outcome.NO_TAG, "zufrieden")
    assert (mapped.label, mapped.raw_label) == ("happy", "zufrieden")


def test_nobody_there(clips: list[Path]) -> None:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(BackendLost, match="connection refused"):
            ask(backend(url, SenseVoiceApi(), PATIENT), clips[:1])


SPOKEN = {
    "sensevoice_api": ("sensevoice_api", "http"),
    "funasr": ("funasr_websocket", "ws"),
    "sherpa": ("sherpa_websocket", "ws"),
    "api4sensevoice": ("api4sensevoice", "http"),
    "dashscope": ("dashscope", "http"),
    "kserve": ("kserve", "http"),
}


@pytest.mark.parametrize("app", SPOKEN)
def test_the_probe_finds_the_dialect(
    app: str, request: pytest.FixtureRequest, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, scheme = SPOKEN[app]
    monkeypatch.setenv("SV_EVAL_API_KEY", "sk-good")
    url = serve(request.getfixturevalue(app)).address(scheme)
    said: list[str] = []

    asyncio.run(Probe(url=url, timeout_s=120.0).run(lambda line: said.append(str(line))))

    assert said[-1] == f"measure it: python -m sv_eval backend=remote/{name} backend.url={url}"
    (found,) = (line for line in said if "tells emotions" in line)
    assert found.split()[0] == name
    assert "wait" in found


def test_the_probe_says_when_a_service_drops_the_emotion(openai: Any, serve: Any, clips: list[Path]) -> None:
    url = serve(openai).address()
    said: list[str] = []

    with pytest.raises(EndpointError, match="no dialect was understood"):
        asyncio.run(Probe(url=url, only=["openai"], timeout_s=120.0).run(lambda line: said.append(str(line))))

    assert "The model `sensevoice` does not exist" in said[-1]
