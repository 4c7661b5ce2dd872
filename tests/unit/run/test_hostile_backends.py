"""A backend decides about its clips and about nothing else: no exit code, nothing that others hear, no file."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sv_eval.backend import Answer, BackendInfo, Request
from sv_eval.cli.main import main
from sv_eval.errors import EXIT_INCOMPLETE, EXIT_USAGE, BackendLost, RunIncomplete
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Prediction
from sv_eval.run.evaluate import evaluate
from sv_eval.run.event_loop import finished
from sv_eval.run.session import Session, stopping_on_signals
from tests.unit.run.hostile import CLIPS, HAPPY, KINDS, PLANNED, STREAMED, Hostile, request, settings


@pytest.mark.parametrize("error", KINDS, ids=repr)
@pytest.mark.parametrize("load", [(), ("load=offline",), PLANNED], ids=["one", "batches", "planned"])
def test_what_a_call_raises_is_the_failure_of_its_clip(
    error: BaseException, load: tuple[str, ...], tmp_path: Path
) -> None:
    summary = evaluate(settings(*load), Hostile(error, "call", max_batch=4, max_in_flight=2), tmp_path / "run")

    assert (summary.report.run.n_clips, summary.report.run.n_failed) == (CLIPS, 1)
    ((kind, message),) = RunRecords.read(tmp_path / "run").answers.failures.values()
    assert kind == "backend_error"
    assert type(error).__name__ in message


@pytest.mark.parametrize("error", KINDS, ids=repr)
def test_what_a_stream_raises_is_the_failure_of_its_clip(error: BaseException, tmp_path: Path) -> None:
    summary = evaluate(settings(*STREAMED), Hostile(error, "stream", streams=True), tmp_path / "run")

    assert summary.report.run.n_failed == CLIPS


@pytest.mark.parametrize("error", [*KINDS, RuntimeError("no device")], ids=repr)
def test_a_backend_that_can_not_be_opened_is_lost(error: BaseException, tmp_path: Path) -> None:
    with pytest.raises(BackendLost, match=f"while it was opened: {type(error).__name__}") as caught:
        evaluate(settings(), Hostile(error, "open"), tmp_path / "run")
    assert caught.value.exit_code == EXIT_INCOMPLETE
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("error", [*KINDS, RuntimeError("no device")], ids=repr)
def test_a_backend_that_can_not_be_closed_is_lost_and_its_answers_are_not(
    error: BaseException, tmp_path: Path
) -> None:
    with pytest.raises(BackendLost, match=f"while it was closed: {type(error).__name__}"):
        evaluate(settings(), Hostile(error, "close"), tmp_path / "run")
    assert len(RunRecords.read(tmp_path / "run").answers) == CLIPS
    assert (tmp_path / "run" / "report.md").stat().st_size


@pytest.mark.parametrize("error", [SystemExit(0), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("calls", [1, 4])
def test_a_task_of_its_own_does_not_end_the_program_either(
    error: BaseException, calls: int, tmp_path: Path
) -> None:
    with pytest.raises(BackendLost, match="wanted to end the program") as caught:
        evaluate(settings(), Hostile(error, "task", max_in_flight=calls), tmp_path / "run")
    assert caught.value.exit_code == EXIT_INCOMPLETE
    assert (tmp_path / "run" / "metrics.json").is_file()


@pytest.mark.parametrize("error", KINDS, ids=repr)
def test_what_a_trace_raises_is_a_failure(error: BaseException) -> None:
    async def drive() -> Any:
        async with Session(Hostile(error, "trace")) as session:
            return await session.trace(request())

    assert finished(drive()).kind == "trace_error"


def test_a_backend_that_cancels_the_calls_loses_itself(tmp_path: Path) -> None:
    class Cancelling(Hostile):
        async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)
            return [HAPPY for _ in requests]

    for load in ((), PLANNED):
        with pytest.raises(RunIncomplete):
            evaluate(settings(*load), Cancelling(max_in_flight=2), tmp_path / str(len(load)))


def test_ctrl_c_is_answered_while_a_call_is_still_under_way(capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []

    class Pressing(Hostile):
        async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
            os.kill(os.getpid(), signal.SIGINT)
            while not said:
                await asyncio.sleep(0.001)
                said.extend(capsys.readouterr().err.splitlines())
            return [HAPPY for _ in requests]

    async def drive() -> None:
        stop = asyncio.Event()
        async with Session(Pressing(), stop=stop) as session:
            with stopping_on_signals(stop):
                await session.guard.ask([request()])

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        finished(drive())
    finally:
        signal.signal(signal.SIGINT, before)
    assert "once more ends it now" in said[0]


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_still_ends_a_run_within_a_call(presses: int) -> None:
    class Pressing(Hostile):
        async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
            for _ in range(presses):
                os.kill(os.getpid(), signal.SIGINT)
                await asyncio.sleep(0.05)
            return [HAPPY for _ in requests]

    async def drive() -> bool:
        stop = asyncio.Event()
        async with Session(Pressing(), stop=stop) as session:
            with stopping_on_signals(stop):
                await session.guard.ask([request()])
        return stop.is_set()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if presses == 1:
            assert finished(drive())
        else:
            with pytest.raises(KeyboardInterrupt):
                finished(drive())
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


EXITING = """
import sys
from sv_eval.backend import BackendInfo, Capabilities
class Exiting:
    capabilities, info = Capabilities(), BackendInfo(name="exiting", model="none")
    def __init__(self, where="call", **settings):
        self.where = where
        self.leave("build")
    def leave(self, where):
        if where == self.where:
            sys.exit(0)
    async def __aenter__(self):
        self.leave("open")
        return self
    async def __aexit__(self, *reason):
        self.leave("close")
    async def recognize(self, requests):
        self.leave("call")
"""


@pytest.mark.parametrize(
    ("where", "code"),
    [("build", EXIT_USAGE), ("open", EXIT_INCOMPLETE), ("call", EXIT_INCOMPLETE), ("close", EXIT_INCOMPLETE)],
)
def test_no_command_passes_because_its_backend_says_so(
    where: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "exiting_backend.py").write_text(EXITING, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    given = [
        "backend=fake",
        "backend._target_=exiting_backend.Exiting",
        f"+backend.where={where}",
        *("dataset=simulated", "dataset.simulated.n_clips=30"),
    ]

    assert main([*given, f"hydra.run.dir={tmp_path / 'run'}"]) == code
    assert main([*given, f"out={tmp_path / 'capacity'}"], command="capacity") == code
    assert "Traceback" not in capsys.readouterr().err


def test_what_a_backend_tells_of_itself_can_be_kept_or_it_is_lost(tmp_path: Path) -> None:
    for details in ({"threads": object()}, {"loss": float("nan")}):
        backend = Hostile()
        backend.info = BackendInfo(name="odd", model="none", details=details)
        with pytest.raises(BackendLost, match="while it told of itself"):
            evaluate(settings(), backend, tmp_path / "run")


def test_an_error_that_can_not_be_shown_is_told_by_its_class(tmp_path: Path) -> None:
    class Unspeakable(Exception):  # noqa: N818 - it is no error of ours
        def __str__(self) -> str:
            raise SystemExit(0)

    evaluate(settings(), Hostile(Unspeakable(), "call"), tmp_path / "run")

    lines = [json.loads(line) for line in (tmp_path / "run" / "records.jsonl").read_text().splitlines()]
    ((failure),) = [line["failure"] for line in lines if "failure" in line]
    assert failure["message"].startswith("Unspeakable: its message can't be had (SystemExit)")


LEAKY = """
import threading
from sv_eval.backends.fake import FakeBackend

class Leaky(FakeBackend):
    async def recognize(self, requests):
        if not hasattr(self, "left"):
            self.left = threading.Thread(target=threading.Event().wait, name="left alone")
            self.left.start()
        return await super().recognize(requests)
"""


def test_a_thread_that_a_backend_leaves_does_not_keep_the_program(tmp_path: Path) -> None:
    (tmp_path / "leaky_backend.py").write_text(LEAKY, encoding="utf-8")
    words = ["backend=fake", "backend._target_=leaky_backend.Leaky", "dataset=simulated", "load.warmup_clips=0"]
    small = ["dataset.simulated.n_clips=12", "scoring.resamples=100", "run.telemetry_s=null", "hydra.run.dir=run"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}

    done = subprocess.run(
        [sys.executable, "-m", "sv_eval", *words, *small],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "threads that something left running end with the program: left alone" in done.stderr
    assert (tmp_path / "run" / "report.md").is_file()


def test_answers_that_come_late_and_in_another_order_stay_with_their_clips(tmp_path: Path) -> None:
    class Late(Hostile):
        async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
            (one,) = requests
            # The earlier it was asked, the later it answers.
            number = int("".join(filter(str.isdigit, one.clip_id)))
            for _ in range(60 - number):
                await asyncio.sleep(0)
            return [Prediction(label="happy", text=one.clip_id)]

    late = Late(max_in_flight=6)
    evaluate(settings("load=closed", "load.concurrency=6", "load.rounds=1"), late, tmp_path / "run")

    found = RunRecords.read(tmp_path / "run").answers
    assert len(found) == CLIPS
    assert found.recognised == found.clip_ids
