"""A backend decides about its clips and about nothing else: no exit code, nothing that others hear, no file."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from sv_eval.backend import Answer, BackendInfo, Capabilities, Request, StreamUpdate
from sv_eval.cli.main import main
from sv_eval.config.composing import composed
from sv_eval.errors import EXIT_INCOMPLETE, EXIT_USAGE, BackendLost, GateFailed, RunIncomplete, RunInterrupted
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import FailedAttempt, Failure, Passage, Prediction, Segment, Waveform
from sv_eval.run.evaluate import evaluate
from sv_eval.run.event_loop import finished
from sv_eval.run.guard import Guard
from sv_eval.run.plain_answers import plain_update
from sv_eval.run.session import Session, stopping_on_signals

CLIPS = 12
KINDS = [
    SystemExit(0),
    SystemExit(3),
    KeyboardInterrupt(),
    GeneratorExit(),
    asyncio.CancelledError(),
    GateFailed("a verdict of its own"),
    RunInterrupted("nobody pressed"),
    BaseExceptionGroup("several", [SystemExit(0)]),
    MemoryError(),
]
HAPPY = Prediction(label="happy")


class Hostile:
    """Answers, save that it raises `error` where it is told to."""

    def __init__(self, error: BaseException | None = None, where: str = "", **can: Any) -> None:
        self._error, self._where = error, where
        self.capabilities = Capabilities(**can)
        self.info = BackendInfo(name="hostile", model="none")

    def _at(self, where: str) -> None:
        if self._error is not None and where == self._where:
            raise self._error

    async def __aenter__(self) -> Self:
        self._at("open")
        return self

    async def __aexit__(self, *reason: object) -> None:
        self._at("close")

    async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
        if any(one.clip_id.endswith("3") for one in requests):
            await asyncio.sleep(0)
            self._at("call")
            if self._error is not None and self._where == "task":
                task = asyncio.ensure_future(self._alone())
                await asyncio.sleep(0.05)
                del task
        return [HAPPY for _ in requests]

    async def _alone(self) -> None:
        self._at("task")

    async def stream(self, chunks: Any, *, chunk_size: float, callback: Any, **_: Any) -> Prediction:
        n = sum([len(chunk) async for chunk in chunks])
        self._at("stream")
        callback(StreamUpdate(start_s=0, end_s=n / 16000, label=None, scores=None, chunk_scores=None, compute_ms=1))
        return HAPPY

    async def trace(self, request: Request) -> dict[str, Any]:
        self._at("trace")
        return {}


def settings(*words: str) -> dict[str, Any]:
    return composed(
        "config",
        [
            *("backend=fake", "dataset=simulated", f"dataset.simulated.n_clips={CLIPS}", "scoring.resamples=100"),
            *("load.warmup_clips=0", "run.max_failures=1", "run.telemetry_s=null", *words),
        ],
    )


STREAMED = ("load=stream", "load.pace=fast", f"run.max_failures={CLIPS}")
PLANNED = ("load=poisson", "load.rate=500", "load.rounds=1")


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


def request(samples: int = 1600) -> Request:
    return Request(clip_id="a", waveform=Waveform(samples=np.zeros(samples, np.float32)))


def answered(*answers: object, requests: int = 1) -> list[Answer]:
    async def recognise(_: Sequence[Request]) -> Any:
        return list(answers)

    return list(finished(Guard(recognise).ask([request() for _ in range(requests)])))


PLAIN: list[tuple[Prediction, dict[str, Any]]] = [
    (Prediction(label="sad", confidence=np.float32(0.5)), {"confidence": 0.5}),
    (Prediction(label="sad", confidence=np.int64(1)), {"confidence": 1}),
    (
        Prediction(label="sad", scores={"sad": np.float32(0.25), "happy": 0.75}),
        {"scores": {"sad": 0.25, "happy": 0.75}},
    ),
    (Prediction(label=np.str_("sad")), {"label": "sad"}),
    (Prediction(label="sad", text=np.str_("so")), {"text": "so"}),
    (Prediction(label="sad", stages_ms={"inference": np.float64(2)}), {"stages_ms": {"inference": 2.0}}),
    (Prediction(no_speech=np.bool_(True)), {"no_speech": True}),  # type: ignore[arg-type]
    (
        Prediction(label="sad", segments=[Segment(start_s=np.float32(0), end_s=np.int32(1))]),  # type: ignore[arg-type]
        {"segments": (Segment(start_s=0.0, end_s=1),)},
    ),
]


@pytest.mark.parametrize(("given", "values"), PLAIN)
def test_numbers_of_numpys_become_pythons_where_nothing_is_lost(given: Prediction, values: dict[str, Any]) -> None:
    (answer,) = answered(given)

    assert isinstance(answer, Prediction)
    for name, value in values.items():
        found = getattr(answer, name)
        assert found == value
        assert type(found) is type(value)
        if isinstance(value, dict):
            assert {type(one) for one in found.values()} == {float}


STRANGE: list[tuple[Any, str]] = [
    (Prediction(label="sad", confidence="0.9"), "confidence: a finite number is expected, not str '0.9'"),  # type: ignore[arg-type]
    (Prediction(label="sad", confidence=float("nan")), "confidence: a finite number is expected, not float nan"),
    (Prediction(label="sad", confidence=np.float32("inf")), "confidence: a finite number is expected"),
    (Prediction(label="sad", confidence=np.longdouble(1) / 3), "confidence: a finite number is expected"),
    (Prediction(label="sad", confidence=True), "confidence: a finite number is expected, not bool True"),
    (Prediction(label="sad", confidence=37.5), "confidence is 37.5; a posterior lies between 0 and 1"),
    (Prediction(label="sad", scores={"sad": float("nan")}), "scores['sad']: a finite number is expected"),
    (Prediction(label="sad", scores={"sad": "1"}), "scores['sad']: a finite number is expected, not str '1'"),  # type: ignore[dict-item]
    (Prediction(label="sad", scores={7: 1.0}), "a name in scores: text is expected, not int 7"),  # type: ignore[dict-item]
    (Prediction(label="sad", scores=[0.5, 0.5]), "scores: numbers by name are expected, not list"),  # type: ignore[arg-type]
    (Prediction(label="sad", text=b"words"), "text: text is expected, not bytes b'words'"),  # type: ignore[arg-type]
    (Prediction(label="sad", text=object()), "text: text is expected, not object"),  # type: ignore[arg-type]
    (Prediction(label="sad", language=7), "language: text is expected, not int 7"),  # type: ignore[arg-type]
    (Prediction(label="sad", event=["Laughter"]), "event: text is expected, not list"),  # type: ignore[arg-type]
    (Prediction(label=["sad"]), "the answer's label: text is expected, not list"),  # type: ignore[arg-type]
    (Prediction(label="sadd"), "the answer's label 'sadd' is no emotion name; did you mean sad"),
    (Prediction(label="sad", forced=b"sad"), "the forced label: text is expected"),  # type: ignore[arg-type]
    (Prediction(label="sad", no_speech=True), "found no speech, and has the label 'sad'"),
    (Prediction(label="sad", no_speech="no"), "no_speech: true or false is expected, not str 'no'"),  # type: ignore[arg-type]
    (Prediction(label="sad", segments=({"start_s": 0},)), "segments[0]: a Segment is expected, not dict"),  # type: ignore[arg-type]
    (
        Prediction(label="sad", segments=(Segment(start_s=0, end_s=float("nan")),)),
        "segments[0].end_s: a finite number",
    ),
    (Prediction(label="sad", segments="all"), "segments: a tuple is expected, not str 'all'"),  # type: ignore[arg-type]
    (Prediction(label="sad", stages_ms={"x": float("inf")}), "stages_ms['x']: a finite number"),
    (Prediction(label="sad", passage=Passage(begin_s=0, latency_ms=float("nan"))), "passage.latency_ms: a finite"),
    (Prediction(label="sad", passage=Passage(begin_s=0, latency_ms=1, attempts="2")), "passage.attempts: a whole"),  # type: ignore[arg-type]
    (
        Prediction(
            label="sad", passage=Passage(begin_s=0, latency_ms=1, troubles=(FailedAttempt(kind=1, message=""),))
        ),  # type: ignore[arg-type]
        "a trouble's kind: text is expected",
    ),
    (Failure(kind="odd", message=b"why"), "the failure's message: text is expected, not bytes b'why'"),  # type: ignore[arg-type]
    (Failure(kind=None, message=""), "the failure's kind: text is expected, not NoneType"),  # type: ignore[arg-type]
    ({"label": "sad"}, "a Prediction or a Failure is expected, not dict"),
    (None, "a Prediction or a Failure is expected, not NoneType"),
]


@pytest.mark.parametrize(("given", "words"), STRANGE, ids=[words for _, words in STRANGE])
def test_what_can_not_be_kept_is_a_failure_that_says_which_field_and_what_it_was(given: Any, words: str) -> None:
    (answer, other) = answered(given, HAPPY, requests=2)

    assert isinstance(answer, Failure)
    assert answer.kind == "protocol"
    assert words in answer.message
    assert other == HAPPY


@pytest.mark.parametrize("answers", [[], [HAPPY, HAPPY], None, "happy", {"a": HAPPY}, 7])
def test_anything_but_an_answer_for_each_request_fails_the_call(answers: Any) -> None:
    async def recognise(_: Sequence[Request]) -> Any:
        return answers

    (answer,) = finished(Guard(recognise).ask([request()]))

    assert isinstance(answer, Failure)
    assert answer.kind == "protocol"


def test_a_backend_that_empties_its_list_of_requests_is_asked_for_all_of_them() -> None:
    async def recognise(requests: Any) -> Any:
        requests.clear()
        return [HAPPY, HAPPY]

    assert finished(Guard(recognise).ask([request(), request()])) == [HAPPY, HAPPY]


def test_nobody_writes_into_what_others_hear() -> None:
    samples = np.ones(1600, np.float32)
    waveform = Waveform(samples=samples)

    async def recognise(requests: Sequence[Request]) -> Any:
        requests[0].waveform.samples[:] = 0
        return [HAPPY]

    (answer,) = finished(Guard(recognise).ask([Request(clip_id="a", waveform=waveform)]))

    assert isinstance(answer, Failure)
    assert "read-only" in answer.message
    assert (waveform.samples == 1).all()
    assert samples.flags.writeable


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"label": "sadd"}, "the update's label 'sadd' is no emotion name"),
        ({"end_s": float("nan")}, "the update's end_s: a finite number"),
        ({"compute_ms": "1"}, "the update's compute_ms: a finite number"),
        ({"scores": [1.0]}, "the update's scores: numbers by name"),
        ({"chunk_scores": {"sad": "1"}}, "the update's chunk_scores['sad']: a finite number"),
    ],
)
def test_what_a_stream_tells_on_the_way_is_looked_at_too(
    change: dict[str, Any], words: str, tmp_path: Path
) -> None:
    told = {"start_s": 0.0, "end_s": 1.0, "label": None, "scores": None, "chunk_scores": None, "compute_ms": 1.0}

    class Telling(Hostile):
        async def stream(self, chunks: Any, *, callback: Callable[..., None], **_: Any) -> Prediction:
            callback(StreamUpdate(**(told | change)))
            # Late, when nobody listens any more.
            asyncio.get_running_loop().call_later(0.001, callback, None)
            return HAPPY

    evaluate(settings(*STREAMED), Telling(streams=True), tmp_path / "run")

    failures = RunRecords.read(tmp_path / "run").answers.failures
    assert len(failures) == CLIPS
    assert all(kind == "protocol" and words in message for kind, message in failures.values())


def test_a_stream_that_goes_on_with_the_same_scores_changes_none_that_it_told() -> None:
    scores = {"sad": 0.25}
    told = {"start_s": 0.0, "end_s": 1.0, "label": None, "chunk_scores": None, "compute_ms": 1.0}

    update = plain_update(StreamUpdate(scores=scores, **told))  # type: ignore[arg-type]
    scores["sad"] = 0.75

    assert update.scores == {"sad": 0.25}


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
