"""Other people's servers, as PyPI has them, with the bundled model behind: sherpa-onnx's and FunASR's."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sv_eval.backend import Answer, Backend, Request
from sv_eval.backends.onnx import OnnxBackend
from sv_eval.backends.remote.backend import RemoteBackend
from sv_eval.backends.remote.dialects.sherpa_websocket import SherpaWebsocket
from sv_eval.data.audio.decoding import decode

REPOSITORY = Path(__file__).resolve().parents[3]
MODEL = REPOSITORY / "backends" / "sensevoice" / "tiny"
BINARIES = Path(sys.executable).parent
PATIENT = {"connect_s": 120.0, "read_s": 120.0, "total_s": 300.0, "preflight_s": 120.0}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def running(command: list[str], folder: Path, ready: Callable[[], bool]) -> Iterator[None]:
    """A server of somebody else's; its own words go to a file."""
    with (folder / "server.log").open("w") as log:
        environment = {**os.environ, "HOME": str(folder), "HF_HUB_OFFLINE": "1"}
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            end = time.monotonic() + 600
            while not ready():
                assert process.poll() is None, (folder / "server.log").read_text()[-2000:]
                assert time.monotonic() < end
                time.sleep(0.2)
            yield
        finally:
            process.terminate()
            process.wait(120)


def listens(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def answers(backend: Backend, paths: list[Path]) -> list[Answer]:
    async def drive() -> list[Answer]:
        async with backend:
            requests = [Request(clip_id=path.stem, waveform=decode(path)) for path in paths]
            found = await asyncio.gather(*(backend.recognize([one]) for one in requests))
            return [answer for (answer,) in found]

    return asyncio.run(drive())


@pytest.fixture
def sherpa_model(tmp_path: Path) -> tuple[Path, Path]:
    """The bundled model with the metadata and tokens that sherpa-onnx wants."""
    path = REPOSITORY / "tests" / "benchmarks" / "peers_directories.py"
    spec = importlib.util.spec_from_file_location("peers_directories", path)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.sherpa_graph(MODEL / "model.onnx", MODEL, tmp_path), module.sherpa_tokens(MODEL, tmp_path)


def test_sherpa_onnx_says_what_we_say(
    sherpa_model: tuple[Path, Path], tmp_path: Path, demo_clips: list[Path]
) -> None:
    port, (graph, tokens) = free_port(), sherpa_model
    command = [
        str(BINARIES / "sherpa-onnx-offline-websocket-server"),
        f"--sense-voice-model={graph}",
        f"--tokens={tokens}",
        f"--port={port}",
        f"--log-file={tmp_path / 'log.txt'}",
    ]
    with running(command, tmp_path, lambda: listens(port)):
        remote = RemoteBackend(url=f"ws://127.0.0.1:{port}", dialect=SherpaWebsocket(), connection=PATIENT)
        theirs = answers(remote, demo_clips)

    ours = answers(OnnxBackend(threads=1), demo_clips)
    said = [[getattr(one, name) for name in ("label", "text", "language", "event")] for one in theirs]
    assert said == [[getattr(one, name) for name in ("label", "text", "language", "event")] for one in ours]


@pytest.mark.slow
def test_funasr_server_drops_the_emotion_and_is_not_measured(tmp_path: Path, call: Any) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [str(BINARIES / "funasr-server"), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]

    def ready() -> bool:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=60) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    with running([*command, "--model-path", str(MODEL)], tmp_path, ready):
        # It serves a directory as `custom`, which it lists; any other name it would try to download.
        limits = [f"backend.connection.{name}={value}" for name, value in PATIENT.items()]
        done = call("backend=remote/openai", f"backend.url={address}", *limits)

    assert done.returncode == 2, done.stderr
    assert re.search(
        r"shows no emotion: looked at emotion and text, found .*text='my doctor saw the", done.stderr
    ), done.stderr
