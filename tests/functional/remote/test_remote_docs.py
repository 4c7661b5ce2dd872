"""What docs/remote.md says can be done, done."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from tests.functional.remote.conftest import PATIENT

REPOSITORY = Path(__file__).resolve().parents[3]
PAGE = (REPOSITORY / "docs" / "remote.md").read_text(encoding="utf-8")
CONF = REPOSITORY / "conf" / "backend"


def test_every_dialect_stands_in_the_table() -> None:
    listed = set(re.findall(r"^\| `(remote\S*)` \|", PAGE, re.MULTILINE))
    there = {f"remote/{path.stem}" for path in (CONF / "remote").glob("[!_]*.yaml")}

    assert listed == there | {"remote"}


def test_every_setting_that_it_names_is_there() -> None:
    text = (CONF / "remote" / "_common.yaml").read_text(encoding="utf-8")
    settings = yaml.safe_load(text)

    for name in re.findall(r"backend\.connection\.(\w+)", PAGE):
        assert name in settings["connection"], name
    for name in re.findall(r"`backend\.(\w+)`", PAGE):
        assert name in settings, name


def test_the_described_service_is_measured(
    serve: Any,
    call: Any,
    tmp_path: Path,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    metrics_of: Any,
) -> None:
    (block,) = (found for found in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "generic" in found)
    asked = 0

    async def judge(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        if request.headers.get("X-Token") != "opensesame":
            return web.json_response({"error": {"message": "who are you?"}})
        content = await request.json()
        assert content["sound"]["type"] == "flac"
        assert base64.b64decode(content["sound"]["data"])[:4] == b"fLaC"
        if asked == 3:
            return web.json_response({"error": {"message": "out of memory"}, "result": None})
        scores = {"disappointed": 0.2, "happy": 0.7, "anxious": 0.1}
        result = {"emotion": "happy", "scores": scores, "text": "well"}
        return web.json_response({"error": None, "result": result, "timing": {"model": 4.5}})

    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/v2/judge", judge)
    folder = tmp_path / "conf" / "backend"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(block, encoding="utf-8")
    monkeypatch.setitem(environment, "VOICE_KEY", "opensesame")

    done = call(
        f"hydra.searchpath=[file://{tmp_path}/conf]", "backend=mine",
        f"backend.url={serve(app).address()}/v2/judge", PATIENT,
        "dataset.limit=20", "load.warmup_clips=0", "hydra.run.dir=run",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    metrics = metrics_of(tmp_path / "run")
    assert metrics["run"]["n_failed"] == 1
    assert metrics["errors"][0]["example"]["message"] == "the answer says that it failed: out of memory"
    assert metrics["per_emotion"]["happy"]["recall"]["value"] == 1.0
    assert metrics["stages_ms"]["server.model"]["p50"]["value"] in (4.5, None)
    report = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert "emotion at $.result.emotion" in report
    assert "common+own" in report


def test_a_dialect_from_outside_is_found(
    serve: Any, call: Any, tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "elsewhere.py").write_text(
        "from sv_eval.backends.remote.dialect import Traits\n"
        "from sv_eval.backends.remote.answer_parsing import ParsedAnswer\n"
        "from sv_eval.backends.remote.http_transport import HttpDialect\n"
        "from sv_eval.backends.remote.http_messages import HttpMessage\n"
        "class Plain(HttpDialect):\n"
        "    traits = Traits(name='plain', schemes=('http',), path='/say')\n"
        "    def message(self, sound, asked):\n"
        "        return HttpMessage(body=sound.file, headers={'Content-Type': sound.media_type})\n"
        "    def read(self, reply):\n"
        "        return ParsedAnswer(emotion=reply.body.decode(), where='the body')\n",
        encoding="utf-8",
    )
    folder = tmp_path / "conf" / "backend"
    folder.mkdir(parents=True)
    (folder / "plain.yaml").write_text(
        "defaults:\n  - remote/_common@_here_\n  - _self_\ndialect: {_target_: elsewhere.Plain}\n", encoding="utf-8"
    )

    async def say(request: web.Request) -> web.Response:
        assert (await request.read())[:4] == b"RIFF"
        return web.Response(text="angry")

    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/say", say)
    environment = {**environment, "PYTHONPATH": f"{tmp_path}:{environment['PYTHONPATH']}"}

    import subprocess
    import sys

    command = [
        sys.executable, "-m", "sv_eval", f"hydra.searchpath=[file://{tmp_path}/conf]", "backend=plain",
        f"backend.url={serve(app).address()}", PATIENT, "dataset.limit=10", "hydra.run.dir=run",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "0 failed" in done.stdout
