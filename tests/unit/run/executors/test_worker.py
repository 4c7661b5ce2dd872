"""A worker of a cluster holds its plug-in as a run does: nothing that it raises or says ends the worker."""

from __future__ import annotations

import asyncio
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sv_eval.backend import Request
from sv_eval.errors import BackendLost
from sv_eval.records import Failure, Waveform
from sv_eval.run.event_loop import finished
from sv_eval.run.executors.worker import Answered, Opened, Worker, WorkerError

PLUG_IN = """
import asyncio
from sv_eval.backend import BackendInfo, Capabilities
from sv_eval.records import Prediction

ENDS = {"exit": SystemExit(0), "cancel": asyncio.CancelledError(), "press": KeyboardInterrupt(),
        "stop": GeneratorExit(), "fail": ValueError("no"), "lost": OSError("gone")}

class HostilePlugIn:
    def __init__(self, where, how):
        self._where, self._how = where, how

    def _maybe(self, where):
        if self._where == where:
            raise ENDS[self._how]

    @property
    def capabilities(self):
        self._maybe("telling")
        return Capabilities()

    @property
    def info(self):
        return object() if self._where == "lying" else BackendInfo(name="x", model="x")

    async def __aenter__(self):
        self._maybe("opening")
        return self

    async def __aexit__(self, *reason):
        self._maybe("closing")

    async def recognize(self, requests):
        self._maybe("recognising")
        if self._where == "answering":
            return {"exit": "sad", "cancel": [], "press": [None] * len(requests)}.get(self._how, [object()])
        return [Prediction(label="sad")] * len(requests)
"""
ENDS = ("exit", "cancel", "press", "stop", "fail", "lost")
REQUESTS = [Request(clip_id=name, waveform=Waveform(samples=np.zeros(1600, np.float32))) for name in "ab"]


@pytest.fixture(autouse=True)
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hostile_plug_in.py").write_text(PLUG_IN)
    monkeypatch.syspath_prepend(tmp_path)


def worker(where: str, how: str = "fail") -> Worker:
    return Worker({"_target_": "hostile_plug_in.HostilePlugIn", "where": where, "how": how})


async def asked(one: Worker) -> tuple[Any, Any]:
    opened = await one.open()
    return opened, await one.recognize(REQUESTS)


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("where", ["opening", "telling"])
def test_what_it_raises_when_it_opens_travels_as_a_lost_backend(where: str, how: str) -> None:
    opened = finished(worker(where, how).open())

    assert isinstance(opened, WorkerError)
    assert opened.kind == BackendLost.__name__
    # What is said goes to another process.
    assert pickle.loads(pickle.dumps(opened)) == opened


def test_what_it_says_of_itself_and_is_none_is_a_lost_backend_too() -> None:
    opened = finished(worker("lying").open())

    assert isinstance(opened, WorkerError)
    assert "BackendInfo" in opened.message


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("where", ["recognising", "answering"])
def test_what_it_raises_or_says_in_a_call_is_a_failure_of_each_clip(where: str, how: str) -> None:
    opened, answered = finished(asked(worker(where, how)))

    assert isinstance(opened, Opened)
    assert isinstance(answered, Answered)
    assert [type(answer) for answer in answered.answers] == [Failure, Failure]
    kind = "backend_error" if where == "recognising" else "protocol"
    assert {answer.kind for answer in answered.answers if isinstance(answer, Failure)} == {kind}


@pytest.mark.parametrize("how", ENDS)
def test_what_it_raises_when_it_closes_is_a_lost_backend_and_is_told_once(how: str) -> None:
    async def closed(one: Worker) -> None:
        await one.open()
        with pytest.raises(BackendLost):
            await one.close()
        await one.close()

    asyncio.run(closed(worker("closing", how)))


def test_a_worker_that_is_not_open_says_so() -> None:
    answered = finished(worker("").recognize(REQUESTS))

    assert isinstance(answered, WorkerError)
    assert answered.kind == BackendLost.__name__
