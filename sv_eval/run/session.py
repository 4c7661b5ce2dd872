"""One session with a backend: opened, warmed up, guarded, watched, held to its failure budget, and closed.

Everything that measures a backend does so within one: runs, races, capacity, parity, suites and test fixtures.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, cast

from numpy.typing import NDArray

from sv_eval.backend import Backend, Request, TracingBackend
from sv_eval.config.structure import structure
from sv_eval.data.audio.listening import Listen
from sv_eval.data.corpus.source import AudioSource
from sv_eval.errors import ConfigError, RunIncomplete, SvEvalError
from sv_eval.machine.clock import Clock, WallClock
from sv_eval.machine.interrupts import raise_interrupt, stoppable
from sv_eval.machine.neighbours import Neighbours
from sv_eval.machine.telemetry import TELEMETRY, Telemetry
from sv_eval.machine.terminal import note
from sv_eval.records import Clip, Failure, Outcome, Record
from sv_eval.report import environment as told
from sv_eval.report.reasons import Why
from sv_eval.run.budget import FailureBudget
from sv_eval.run.guard import Guard, around_one_clip, around_the_backend, check_told
from sv_eval.run.load import LoadConfig, LoadPlan
from sv_eval.run.loop import RunLoop
from sv_eval.run.tracing import RunSpans

_SHORTEST_TELEMETRY_S = 0.01
_UNEXPLAINED = Failure(kind="unspecified", message="no reason was recorded")

OnRecord = Callable[[Record], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """What the `run` part of the configuration holds."""

    max_failures: float = 0.2
    """The failure budget: a share of the clips below 1, a count from 1 on; 0 allows none."""
    decode_workers: int = 1
    """Threads that decode audio ahead of the backend."""
    retry_failed: bool = False
    """On resuming, ask again for the clips that failed."""
    set_aside: bool = False
    """On resuming, put records aside that are not of this run instead of refusing them."""
    lufs: bool = False
    """Whether each clip's loudness is measured."""
    dnsmos: bool = False
    """Whether DNSMOS judges each clip's quality."""
    telemetry_s: float | None = 0.1
    """Seconds between looks at processor, memory and GPU; None for none."""
    otel: str | None = None
    """An OpenTelemetry collector's OTLP/HTTP address; None for no spans."""
    otel_requests: bool = False
    """Whether each request is a span, too."""

    def __post_init__(self) -> None:
        FailureBudget(self.max_failures)
        if self.decode_workers < 1:
            raise ConfigError("run.decode_workers must be at least 1")
        if self.telemetry_s is not None and self.telemetry_s < _SHORTEST_TELEMETRY_S:
            raise ConfigError(f"run.telemetry_s={self.telemetry_s}: give {_SHORTEST_TELEMETRY_S} or more, or null")


def run_config_from(settings: Mapping[str, Any]) -> RunConfig:
    """The configuration in `settings`; a wrong key or type is a ConfigError."""
    return structure(RunConfig, settings, "run", ConfigError)


class Session:
    """A backend for as long as it is measured; an async context manager.

    backend: not open yet. run: how it is measured. number: which start of a run this is. stop: set it to end early;
    one of its own unless given. clock: what latency is read from. decode_workers: threads that decode ahead,
    `run`'s unless given; 0 decodes on the spot. neighbours: tells what others took of the machine. listen: adds
    to the facts of each clip's sound. spans: takes its phases, and requests.
    """

    def __init__(
        self,
        backend: Backend,
        run: RunConfig | None = None,
        *,
        number: int = 0,
        stop: asyncio.Event | None = None,
        clock: Clock | None = None,
        decode_workers: int | None = None,
        neighbours: Neighbours | None = None,
        listen: Listen | None = None,
        spans: RunSpans | None = None,
    ) -> None:
        self.backend = backend
        self.run = RunConfig() if run is None else run
        self.number = number
        self.stop = asyncio.Event() if stop is None else stop
        self.clock = WallClock() if clock is None else clock
        self.decode_workers = self.run.decode_workers if decode_workers is None else decode_workers
        self._listen = listen
        self._spans = RunSpans() if spans is None else spans
        self.guard = Guard(backend.recognize, self.clock)
        self.budget = FailureBudget(self.run.max_failures)
        self.audio_s = 0.0
        """Seconds of audio that were worked on."""
        self.ended_by: str | None = None
        """Why the measurement ended; None while it goes on."""
        self._load_s: float | None = None
        self._warm_up: told.WarmUp | None = None
        self._telemetry: Telemetry | None = None
        self._neighbours = Neighbours() if neighbours is None else neighbours
        self._was_watched = False

    async def __aenter__(self) -> Self:
        """Load the model or connect; raises ModelError or BackendLost when that can't be done."""
        begin = time.perf_counter()
        with self._spans.phase("load"), around_the_backend("it was opened"):
            await self.backend.__aenter__()
        self._load_s = time.perf_counter() - begin
        try:
            with around_the_backend("it told of itself"):
                check_told(self.backend)
        except SvEvalError as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Release everything; of several errors the first one is told."""
        try:
            with around_the_backend("it was closed"):
                await self.backend.__aexit__(kind, error, trace)
        except SvEvalError:
            if error is None:
                raise

    @property
    def phases(self) -> told.Phases:
        """What is known so far of what lies outside the measurement."""
        return told.Phases(load_s=self._load_s, warm_up=self._warm_up, ended_by=self.ended_by)

    @property
    def telemetry(self) -> told.Telemetry | None:
        """What the machine did while it was watched, what others took of it included; None where it was not."""
        if not self._was_watched:
            return None
        sampled = self._telemetry
        machine = told.NOT_SAMPLED if sampled is None else sampled.summary(audio_s=self.audio_s)
        share = Why.of("served_here") if self.backend.info.served_here else self._neighbours.share()
        if isinstance(share, Why):
            return replace(machine, others_cpu=None, others_cpu_reason=share)
        return replace(machine, others_cpu=share)

    def loop(
        self,
        source: AudioSource,
        plan: LoadPlan,
        on_record: OnRecord,
        *,
        key_of: Callable[[Clip], str | None] | None = None,
        stop: asyncio.Event | None = None,
    ) -> RunLoop:
        """A run loop over this backend; `stop` ends it alone, the session's own ends it unless one is given."""
        return RunLoop(
            backend=self.backend,
            source=source,
            plan=plan,
            on_record=on_record,
            session=self.number,
            decode_workers=self.decode_workers,
            listen=self._listen,
            key_of=key_of,
            clock=self.clock,
            stop=self.stop if stop is None else stop,
        )

    async def warm_up(self, loop: RunLoop, clips: Sequence[Clip], load: LoadConfig) -> None:
        """Recognise a few clips again and again until it takes equally long, and forget the answers."""
        with self._spans.phase("warm_up"):
            self._warm_up = await loop.warm_up(clips, tolerance=load.warmup_tolerance, max_s=load.warmup_max_s)

    def counted(self, on_record: OnRecord) -> OnRecord:
        """`on_record`, each record counted against the failure budget, which stops the session once it is spent."""
        on_record = self._spans.watched(on_record)

        def keep(record: Record) -> None:
            on_record(record)
            if not record.round:
                failure = record.failure or _UNEXPLAINED
                failed = record.outcome is Outcome.FAILURE
                self.budget.count((failure.kind, failure.message) if failed else None)
            if self.budget.spent():
                self.stop.set()

        return keep

    def refuse_overspent(self) -> None:
        """Raise RunIncomplete when more failed than the budget allows."""
        if self.budget.spent(at_end=True):
            raise RunIncomplete(f"the failure budget is spent: {self.budget}")

    @contextlib.contextmanager
    def watched(self, directory: Path | None) -> Iterator[None]:
        """Within it, the machine is looked at; samples go into the directory. May be entered again and again."""
        self._was_watched = True
        with self._spans.phase("measure"), self._sampled(directory), self._neighbours:
            yield

    def _sampled(self, directory: Path | None) -> contextlib.AbstractContextManager[object]:
        if self.run.telemetry_s is None:
            return contextlib.nullcontext()
        if self._telemetry is None:
            path = None if directory is None else directory / TELEMETRY
            self._telemetry = Telemetry(path, interval_s=self.run.telemetry_s, session=self.number)
        return self._telemetry

    async def trace(self, request: Request) -> Mapping[str, NDArray[Any]] | Failure:
        """What each stage gives for one clip, of a backend that declares `traces`."""
        found: Mapping[str, NDArray[Any]] = {}
        with around_one_clip("trace_error") as failures:
            # Declared in its capabilities.
            found = await cast("TracingBackend", self.backend).trace(request)
        return failures[0] if failures else found


@contextlib.contextmanager
def stopping_on_signals(stop: asyncio.Event) -> Iterator[list[int]]:
    """Within it, the first Ctrl-C or SIGTERM sets `stop`; a second one has its usual effect.

    The list that comes with it holds the signal that arrived.
    """
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    arrived: list[int] = []

    def ask_to_stop(number: int) -> None:
        arrived.append(number)
        stop.set()
        # Whoever asks is answered at once; what is under way may take its time.
        note("sv_eval: stopping; what is under way is finished and kept, once more ends it now")
        with contextlib.suppress(RuntimeError, ValueError):
            for each in signals:
                loop.remove_signal_handler(each)
            # So that a second Ctrl-C is told from a KeyboardInterrupt that a plug-in raises.
            signal.signal(signal.SIGINT, raise_interrupt)

    before = signal.getsignal(signal.SIGINT)
    # Only the main thread may handle signals; elsewhere whoever started the thread stops it.
    with contextlib.suppress(RuntimeError, ValueError):
        for number in signals:
            loop.add_signal_handler(number, ask_to_stop, number)
    # Elsewhere the thread that waits for this one hears of it, and passes it on.
    try:
        with stoppable(lambda: loop.call_soon_threadsafe(ask_to_stop, signal.SIGINT)):
            yield arrived
    finally:
        with contextlib.suppress(RuntimeError, ValueError):
            for number in signals:
                loop.remove_signal_handler(number)
            if before is not None:
                signal.signal(signal.SIGINT, before)
