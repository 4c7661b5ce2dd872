"""An address that nobody has described: asked as it is given, described, written down and measured."""

from __future__ import annotations

import asyncio
import base64
import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from sv_eval.backends.remote.answer_parsing import answer_parser
from sv_eval.backends.remote.dialect import TAG_EMOJI
from sv_eval.backends.remote.discovery import name_of
from sv_eval.backends.remote.errors import EndpointError
from sv_eval.backends.remote.probing import Probe
from sv_eval.backends.remote.reading_shapes import shape_of
from tests.functional.inside import inside
from tests.functional.remote.conftest import PATIENT, of_file

ANSWER = {"mood": "disappointed", "confidence": 0.8, "transcript": "oh no", "duration": 1.5}


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`call(*arguments)` is `python -m sv_eval ARGUMENTS` in the test's own folder, but within this process."""
    return partial(inside, cwd=tmp_path)


def missing(*names: str) -> web.Response:
    """What pydantic says of names that are not there."""
    detail = [{"type": "missing", "loc": ["body", name], "msg": "Field required"} for name in names]
    return web.json_response({"detail": detail}, status=422)


def in_json(name: str, *others: str, answer: Any = ANSWER) -> Callable[[web.Request], Any]:
    async def judge(request: web.Request) -> web.Response:
        if "json" not in request.content_type:
            return web.json_response({"error": "JSON is expected"}, status=415)
        said = await request.json()
        absent = [one for one in (name, *others) if one not in said]
        if absent:
            return missing(*absent)
        assert base64.b64decode(said[name], validate=True)[:4] in (b"fLaC", b"RIFF")
        return web.json_response(answer)

    return judge


def in_a_form(name: str) -> Callable[[web.Request], Any]:
    async def judge(request: web.Request) -> web.Response:
        if not request.content_type.startswith("multipart/"):
            return web.json_response({"message": "a form is expected"}, status=400)
        form = await request.post()
        if name not in form:
            return web.json_response({"message": f"'{name}' is required"}, status=400)
        return web.json_response(ANSWER)

    return judge


async def raw(request: web.Request) -> web.Response:
    if (await request.read())[:4] not in (b"fLaC", b"RIFF"):
        return web.Response(status=400, text="not audio")
    return web.json_response(ANSWER)


ENDPOINTS: Mapping[str, tuple[Callable[[web.Request], Any], Mapping[str, Any]]] = {
    "JSON": (in_json("audio_data"), {"encoding": "json", "body": {"audio_data": "{audio_base64}"}}),
    "JSON, a name of its own": (
        in_json("wave_b64"), {"encoding": "json", "body": {"wave_b64": "{audio_base64}"}},
    ),
    "JSON that wants a format too": (
        in_json("audio", "format", "language"),
        {
            "encoding": "json",
            "body": {"audio": "{audio_base64}", "format": "{format}", "language": "{language}"},
        },
    ),
    "form": (in_a_form("upload"), {"encoding": "multipart", "file_field": "upload"}),
    "form, a name of its own": (in_a_form("recording"), {"encoding": "multipart", "file_field": "recording"}),
    "raw": (raw, {"encoding": "raw"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", ENDPOINTS)
def test_an_address_of_any_kind_is_described_and_measured(
    kind: str, serve: Any, call: Any, tmp_path: Path, records_of: Any
) -> None:
    judge, dialect = ENDPOINTS[kind]
    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/v2/judge", judge)
    url = serve(app).address() + "/v2/judge"

    probed = call(f"url={url}", "timeout_s=120", "name=mine", module="sv_eval.probe")

    assert probed.returncode == 0, probed.stderr
    for line in ("emotion: $.mood", "confidence: $.confidence", "text: $.transcript", "duration: $.duration"):
        assert line in probed.stdout
    assert "disappointed" in probed.stdout
    written = yaml.safe_load((tmp_path / "endpoints" / "backend" / "mine.yaml").read_text(encoding="utf-8"))
    assert {name: written["dialect"].get(name) for name in dialect} == dialect
    command = probed.stdout.partition("measure it: python -m sv_eval ")[2].split("\n")[0]
    assert command == f"'hydra.searchpath=[\"file://{tmp_path}/endpoints\"]' backend=mine"

    place = f'hydra.searchpath=["file://{tmp_path}/endpoints"]'
    done = call(place, "backend=mine", PATIENT, "dataset.limit=3", "load.warmup_clips=0", "hydra.run.dir=run")

    assert done.returncode == 0, done.stderr
    assert {one["prediction"]["raw_label"] for one in records_of(tmp_path / "run")} == {"disappointed"}
    assert "| Model | mine |" in (tmp_path / "run" / "report.md").read_text(encoding="utf-8")


def probe(url: str, tmp_path: Path, said: list[str] | None = None, **settings: Any) -> dict[str, Any]:
    """What is found at an address; what it says on the way is added to `said`."""
    it = Probe(url=url, out=str(tmp_path / "endpoints"), **{"timeout_s": 120.0, **settings})
    return asyncio.run(it.run(lambda line: None if said is None else said.append(str(line))))


def test_the_address_that_was_given_is_asked_and_no_other(serve: Any, tmp_path: Path) -> None:
    asked: list[str] = []

    @web.middleware
    async def noted(request: web.Request, handler: Any) -> web.StreamResponse:
        asked.append(request.path)
        answer: web.StreamResponse = await handler(request)
        return answer

    app = web.Application(client_max_size=1 << 24, middlewares=[noted])
    app.router.add_post("/hear", in_json("clip_b64"))

    found = probe(serve(app).address() + "/hear", tmp_path)

    assert set(asked) == {"/hear"}
    assert found["described"] == str(tmp_path / "endpoints" / "backend" / "hear.yaml")


def test_a_flat_answer_is_known_and_described_as_well(serve: Any, tmp_path: Path) -> None:
    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/analyze-emotion", in_json("audio", answer={"emotion": "anxious", "confidence": 0.7}))

    said: list[str] = []
    found = probe(serve(app).address() + "/analyze-emotion", tmp_path, said)

    assert "backend=remote/service_flat" in found["measure"]
    assert Path(found["described"]).name == "analyze_emotion.yaml"
    assert any("anxious (other)" in line for line in said)


def test_an_address_without_an_emotion_says_what_came(serve: Any, tmp_path: Path) -> None:
    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/asr", in_json("audio", answer={"text": "nothing else"}))

    said: list[str] = []
    with pytest.raises(EndpointError):
        probe(serve(app).address() + "/asr", tmp_path, said, only=["generic"])

    assert any('{"text": "nothing else"}' in line for line in said)
    assert any("no emotion is seen in it" in line for line in said)
    assert not list(tmp_path.rglob("*.yaml"))


def test_a_file_of_somebody_elses_is_not_written_over(serve: Any, call: Any, tmp_path: Path) -> None:
    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/hear", in_json("audio"))
    url = serve(app).address() + "/hear"
    mine = tmp_path / "endpoints" / "backend" / "hear.yaml"
    mine.parent.mkdir(parents=True)
    mine.write_text("# mine\n", encoding="utf-8")

    done = call(f"url={url}", "timeout_s=120", module="sv_eval.probe")

    assert (done.returncode, mine.read_text(encoding="utf-8")) == (2, "# mine\n")
    assert "hear.yaml: is there already" in done.stderr
    assert call(f"url={url}", "timeout_s=120", "name=other", module="sv_eval.probe").returncode == 0
    # One of its own may be written anew.
    assert call(f"url={url}", "timeout_s=120", "name=other", module="sv_eval.probe").returncode == 0


WORDS = answer_parser(None, emoji=TAG_EMOJI).words


@pytest.mark.parametrize(
    ("answer", "paths"),
    [
        ({"emotion": "happy"}, {"emotion": "$.emotion"}),
        ({"status": "ok", "result": {"label": "Angry", "score": 0.9}}, {"emotion": "$.result.label"}),
        ([{"label": "sad", "score": 0.7}, {"label": "happy", "score": 0.3}], {"scores": "$[*].score"}),
        ({"a": {"scores": {"happy": 0.1, "sad": 0.9}}}, {"scores": "$.a.scores"}),
        ({"labels": ["happy", "sad"], "p": [0.2, 0.8]}, {"scores": "$.p", "score_labels": "$.labels"}),
        ({"text": "<|en|><|HAPPY|>hm"}, {"text": "$.text"}),
        ({"data": [{"the emotion": "wistful"}]}, {"emotion": "$.data[0]['the emotion']"}),
        ({"emotion": "sad", "processing_time_ms": 12.5}, {"server_ms": "$.processing_time_ms"}),
        ({"transcript": "happy", "emotion": "sad"}, {"emotion": "$.emotion", "text": "$.transcript"}),
    ],
)
def test_where_an_answer_holds_what(answer: Any, paths: Mapping[str, str]) -> None:
    shape = shape_of(answer, WORDS)

    assert shape.tells_emotions
    assert {name: shape.paths.get(name) for name in paths} == paths


@pytest.mark.parametrize(
    "answer", [{}, [], {"text": "happy to help"}, {"label": 3}, {"status": "ok"}, {"a": {"b": None}}, 7, None]
)
def test_an_answer_that_tells_no_emotion(answer: Any) -> None:
    assert not shape_of(answer, WORDS).tells_emotions


def test_emoji_in_a_text_are_noticed() -> None:
    shape = shape_of({"text": "hm 😊"}, WORDS)

    assert (shape.emoji, shape.word) == (True, "an emoji in the text")


@pytest.mark.parametrize(
    ("url", "name"),
    [("http://h/a/b-c/", "b_c"), ("http://h.example:1", "h_example"), ("http://h/%E2%82%AC", "e2_82_ac")],
)
def test_what_an_address_is_called(url: str, name: str) -> None:
    assert name_of(url) == name


@pytest.mark.slow
def test_a_dialect_that_hangs_starves_no_other(serve: Any, recogniser: Any, tmp_path: Path) -> None:
    one_at_a_time = asyncio.Lock()

    async def hangs(request: web.Request) -> web.Response:
        async with one_at_a_time:
            # A model of a name that it does not know, say: it goes on until whoever asked has gone away.
            while request.transport is not None and not request.transport.is_closing():
                await asyncio.sleep(0.05)
        return web.Response(status=500)

    async def answers(request: web.Request) -> web.Response:
        data = await request.json()
        async with one_at_a_time:
            label, text = recogniser(*of_file(base64.b64decode(data["audio"])))
            return web.json_response({"success": True, "data": {"emotion": label, "text": text}})

    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/v1/audio/transcriptions", hangs)
    app.router.add_post("/v1/emotion", answers)

    found = probe(serve(app).address(), tmp_path, timeout_s=8.0, only=["openai", "service"])

    assert {one["dialect"]: one["tells_emotions"] for one in found["dialects"]} == {
        "openai": False,
        "service": True,
    }
