"""What several tests need: real recordings where they are at hand, and small clips of our own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import jsonschema_rs
import numpy as np
import pytest

from sv_eval.finished.rescore import compute_report
from sv_eval.record_file.run_records import RunRecords
from sv_eval.report.codec import from_json
from sv_eval.report.environment import Environment
from sv_eval.report.report import Report
from sv_eval.report.schemas import FILES, schema_path
from sv_eval.run.pauses import settle, short_collections
from sv_eval.scoring.config import ScoringConfig

# Or each of a thousand processes compiles numpy, scipy and matplotlib anew, which takes most of a second.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# No test depends on the clock: an example may take as long as a busy machine needs.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

REPOSITORY = Path(__file__).resolve().parents[1]
FUNCTIONAL = REPOSITORY / "tests" / "functional"
PATIENCE_S = 180
"""What a test waits for comes much earlier; a broken product must not hold up the others for ever."""
_NO_HURRY = tuple(
    f"serve.{name}={PATIENCE_S}"
    for name in (
        "deadline_s",
        "limits.body_timeout_s",
        "streams.idle_s",
        "streams.start_s",
        "connections.head_timeout_s",
        "shutdown_s",
    )
)
"""A service's limits that a busy machine might run into; a test of one of them sets it."""


def pytest_configure(config: pytest.Config) -> None:
    """Says what the markers of this folder mean."""
    config.addinivalue_line("markers", "damages_files: leaves files that are meant not to be as we write them")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Workers begin with what starts processes, so that many small files are left to keep both busy to the end."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        sizes = Counter(item.path for item in items)
        items.sort(key=lambda item: (FUNCTIONAL not in item.path.parents, -sizes[item.path], item.path))


class Schemas:
    """The shipped JSON Schemas, held against whatever the tests write."""

    def __init__(self) -> None:
        self._validators = {
            name: jsonschema_rs.validator_for(json.loads(schema_path(name).read_text(encoding="utf-8")))
            for name in FILES
        }

    def faults(self, folder: Path) -> list[str]:
        """What is not as the schemas have it, of all files of ours below the folder."""
        unset = [f"{path}: UNSET" for path in sorted(folder.rglob("*.md")) if b"UNSET" in path.read_bytes()]
        return [*unset, *self._strangers(folder)][:10]

    def _strangers(self, folder: Path) -> list[str]:
        return [
            f"{path}: {error.message[:200]} at /{'/'.join(map(str, error.instance_path))}"
            for name, validator in self._validators.items()
            for path in sorted(folder.rglob(name))
            for document in self._documents(path)
            for error in validator.iter_errors(document)
        ]

    @staticmethod
    def _documents(path: Path) -> Iterator[Any]:
        text = path.read_text(encoding="utf-8")
        # A line that is still being written, as after a kill, has no end.
        lines = text.splitlines(keepends=True) if path.suffix == ".jsonl" else [text]
        return (json.loads(line) for line in lines if path.suffix != ".jsonl" or line.endswith("\n"))


@pytest.fixture(scope="session")
def schemas() -> Schemas:
    """The shipped JSON Schemas."""
    return Schemas()


@pytest.fixture(autouse=True)
def files_are_as_their_schemas_say(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every file with a schema of ours that a test wrote is valid.

    Save where a test damages them to see what becomes of that.
    """
    if "tmp_path" not in request.fixturenames or request.node.get_closest_marker("damages_files") is not None:
        yield
        return
    folder, known = request.getfixturevalue("tmp_path"), request.getfixturevalue("schemas")
    yield
    faults = known.faults(folder)
    assert not faults, "\n".join(faults)


@pytest.fixture(scope="session", autouse=True)
def shared_files_are_as_their_schemas_say(
    tmp_path_factory: pytest.TempPathFactory, schemas: Schemas
) -> Iterator[None]:
    """The same of what several tests had in common, when the last of them is done."""
    yield
    own = (folder for folder in tmp_path_factory.getbasetemp().iterdir() if not folder.name.startswith("test_"))
    faults = [fault for folder in sorted(own) if folder.is_dir() for fault in schemas.faults(folder)]
    assert not faults, "\n".join(faults)


@pytest.fixture(scope="session", autouse=True)
def what_was_collected_is_no_garbage() -> Iterator[None]:
    """Seven thousand tests and what they import are a million objects, through which any full collection walks."""
    with short_collections():
        yield


@pytest.fixture(scope="module", autouse=True)
def modules_leave_no_garbage(what_was_collected_is_no_garbage: None) -> Iterator[None]:
    """Within such a block memory in cycles is seldom looked for."""
    yield
    settle()


@pytest.fixture(scope="session")
def emodb_root() -> Path:
    """362 real recordings; they are no part of the project, so they may be absent."""
    root = REPOSITORY.parent / "shared" / "data" / "emodb"
    if not root.is_dir():
        pytest.skip("the EmoDB recordings are not beside this checkout (../shared/data/emodb)")
    return root


@pytest.fixture
def write_tone() -> Callable[..., Path]:
    """Writes a second of a tone, or another length, rate and channel count."""

    def write(path: Path, *, seconds: float = 1.0, rate_hz: int = 16_000, channels: int = 1) -> Path:
        import soundfile

        path.parent.mkdir(parents=True, exist_ok=True)
        time_s = np.arange(round(seconds * rate_hz)) / rate_hz
        tone = 0.3 * np.sin(2 * np.pi * 220 * time_s)
        soundfile.write(path, np.repeat(tone[:, None], channels, axis=1), rate_hz)
        return path

    return write


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """This process's environment, with the checkout importable and no hub to be reached."""
    # A pytest that a test starts is nobody's worker.
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    return {**own, "PYTHONPATH": str(REPOSITORY), "HF_HUB_OFFLINE": "1", "COLUMNS": "120"}


class Serving:
    """A service in a process of its own."""

    def __init__(self, command: list[str], environment: dict[str, str], cwd: Path) -> None:
        self.process = subprocess.Popen(command, cwd=cwd, env=environment, stderr=subprocess.PIPE, text=True)
        self.lines: list[dict[str, Any]] = []
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def url(self) -> str:
        """Where HTTP is answered."""
        address: str = self.event("listening")["http"]
        return address

    def event(self, name: str) -> dict[str, Any]:
        """The first line of the log with this event, waited for."""
        return self.events(name, 1)[0]

    def events(self, name: str, count: int) -> list[dict[str, Any]]:
        """The first `count` lines of the log with this event, waited for."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.lines if line.get("event") == name]

        with self._more:
            done = self._more.wait_for(lambda: len(found()) >= count or self.process.poll() is not None, PATIENCE_S)
        assert done, f"no {count} x '{name}' in the log: {self.lines}"
        assert len(found()) >= count, f"the service ended: {self.lines}"
        return found()

    def request(self, request_id: str) -> dict[str, Any]:
        """The line about one request, waited for: it is written once the answer is on its way."""

        def found() -> dict[str, Any] | None:
            return next((line for line in self.lines if line.get("request_id") == request_id), None)

        with self._more:
            assert self._more.wait_for(lambda: found() is not None, PATIENCE_S), f"no line about {request_id}"
        line = found()
        assert line is not None
        return line

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it with a signal; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            try:
                content = json.loads(line)
            except ValueError:
                content = {"event": "text", "text": line}
            with self._more:
                self.lines.append(content)
                self._more.notify_all()
        with self._more:
            self._more.notify_all()


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Callable[..., Any]:
    """`with serving(*overrides) as service:` is a running service on a free port, ready unless told otherwise."""

    @contextmanager
    def start(*overrides: str, ready: bool = True, **variables: str) -> Iterator[Serving]:
        given = ("serve.port=0", "serve.grpc_port=null", "serve.drain_s=0", *_NO_HURRY, *overrides)
        command = [sys.executable, "-m", "sv_eval.serve", *given]
        service = Serving(command, {**environment, **variables}, tmp_path_factory.mktemp("serving"))
        try:
            if ready:
                service.event("ready")
            yield service
        finally:
            service.stop()

    return start


@dataclass(frozen=True)
class Held:
    """A backend for a service whose answers come when the test lets them go."""

    backend: tuple[str, ...]
    """The settings that choose it."""
    variables: dict[str, str]
    """What the service's environment needs for it."""
    _go: Path

    def let_go(self) -> None:
        """Answer what was asked, and from here on at once."""
        self._go.touch()


@pytest.fixture
def held(tmp_path: Path) -> Held:
    """A recogniser that holds its answers back until it is told."""
    go = tmp_path / "go"
    (tmp_path / "held_backend.py").write_text(
        "import asyncio, pathlib\n"
        "from sv_eval.backends.fake import FakeBackend\n"
        "class Held(FakeBackend):\n"
        "    async def recognize(self, requests):\n"
        "        warming_up = requests[0].clip_id == 'warm-up'\n"
        f"        while not (warming_up or pathlib.Path({str(go)!r}).exists()):\n"
        "            await asyncio.sleep(0.01)\n"
        "        return await super().recognize(requests)\n"
    )
    return Held(
        backend=("backend=fake", "backend._target_=held_backend.Held"),
        variables={"PYTHONPATH": f"{tmp_path}{os.pathsep}{REPOSITORY}"},
        _go=go,
    )


@pytest.fixture(scope="module")
def arrivals_stamped() -> Iterator[None]:
    """The kernel stamps what arrives. It begins to a moment after a socket asks for it, so one does and waits."""
    import socket

    from sv_eval.backends.remote.arrival import StampedSocket, StampedSockets

    with socket.create_server(("127.0.0.1", 0)) as door:
        here = StampedSockets()((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 0)))
        here.connect(door.getsockname())
        there, _ = door.accept()
        with here, there:
            assert isinstance(here, StampedSocket)
            until = time.monotonic() + PATIENCE_S
            sent_s = arrived_s = 0.0
            # As long as it does not, what is read is stamped with the moment of the reading.
            while not sent_s - 1 < arrived_s < sent_s + 0.001:
                assert time.monotonic() < until
                there.sendall(b"?")
                sent_s = time.perf_counter()
                time.sleep(0.01)
                here.recv(1)
                arrived_s = here.arrived_s or 0.0
            yield


@pytest.fixture(scope="session")
def bare_environment() -> Environment:
    """What is known of a run that did nothing, for tests that replace what they are about."""
    data: dict[str, Any] = {
        "started_at": "2026-01-01T00:00:00+00:00", "config_hash": "c0ffee", "settings": {}, "sessions": [],
        "config": {"load": {"schedule": "single_stream"}}, "packages": {},
        "machine": {"cpu": "A CPU", "cores": 4, "memory_gib": 8.0, "system": "Linux", "python": "3.11"},
        "dataset": {
            "name": "demo", "card": "demo", "title": "A corpus", "hash": "abc", "split": "all", "n_clips": 10,
            "language": None, "licence": "CC0-1.0", "citation": None, "label_order": ["happy", "sad"],
            "label_map": {"name": "demo", "version": 1, "hash": "123"},
        },
        "backend": {"name": "onnx", "model": "some", "device": "cpu", "capabilities": {}},
    }  # fmt: skip
    return from_json(Environment, data, "environment.json")


@pytest.fixture(scope="session")
def bare_report(bare_environment: Environment) -> Report:
    """What is reported of it."""
    return compute_report(RunRecords.of_records([]), bare_environment, ScoringConfig())


@pytest.fixture(scope="session")
def demo_clips() -> list[Path]:
    """The bundled clips."""
    return sorted((REPOSITORY / "datasets" / "demo" / "clips").glob("*.flac"))
