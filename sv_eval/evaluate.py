"""One evaluation: read the corpus, run the backend over it, score, report."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shlex
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from sv_eval.backend import Backend, SharingBackend
from sv_eval.corpus.reading import dataset_config_from, read_corpus
from sv_eval.errors import AudioError, ConfigError, RunGivenUp, RunIncomplete, RunInterrupted
from sv_eval.labels.config import labels_config_from
from sv_eval.labels.relabelling import check_scored, relabelling_of
from sv_eval.machine.telemetry import TELEMETRY, Telemetry
from sv_eval.records import Clip, Outcome, Record, as_shared
from sv_eval.rescore import Summary, report_config_from, rescore
from sv_eval.run.budget import FailureBudget
from sv_eval.run.course import WHOLE_COURSE, Course
from sv_eval.run.history import History, describe_corpus
from sv_eval.run.identity import measured_settings, refuse_other_run
from sv_eval.run.journal import Journal
from sv_eval.run.load import OFFLINE, LoadPlan, load_config_from, plan_load
from sv_eval.run.loop import RunLoop
from sv_eval.run.pauses import settle, short_collections
from sv_eval.run.phases import Phases, Until, all_rounds
from sv_eval.run.progress import Progress, RunningUar
from sv_eval.run.sharing import SharedSource, Sharing, can_share, checked_clips
from sv_eval.scoring.config import scoring_config_from
from sv_eval.structure import structure

_SHORTEST_TELEMETRY_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """What the `run` part of the configuration holds."""

    max_failures: float = 0.2
    """The failure budget: a share of the clips below 1, a count from 1 on; 0 allows none."""
    decode_workers: int = 1
    """Threads that decode audio ahead of the backend."""
    retry_failed: bool = False
    """On resuming, ask again for the clips that failed."""
    telemetry_s: float | None = 0.1
    """Seconds between looks at processor, memory and GPU; None for none."""

    def __post_init__(self) -> None:
        FailureBudget(self.max_failures)
        if self.decode_workers < 1:
            raise ConfigError("run.decode_workers must be at least 1")
        if self.telemetry_s is not None and self.telemetry_s < _SHORTEST_TELEMETRY_S:
            raise ConfigError(f"run.telemetry_s={self.telemetry_s}: give {_SHORTEST_TELEMETRY_S} or more, or null")


def run_config_from(settings: Mapping[str, Any]) -> RunConfig:
    """The configuration in `settings`; a wrong key or type is a ConfigError."""
    return structure(RunConfig, settings, "run", ConfigError)


def evaluate(
    config: Mapping[str, Any],
    backend: Backend,
    directory: Path,
    *,
    overrides: Sequence[str] = (),
    resume_with: str | None = None,
    on_accepted: Callable[[], object] = lambda: None,
    sharing: Sharing | None = None,
    course: Course = WHOLE_COURSE,
) -> Summary:
    """Measure `backend` as `config` says and leave everything in `directory`; the headline comes back.

    config holds the groups backend, dataset, load, labels, scoring, report and run as plain data; overrides are
    what the command line said, for the report. `resume_with` is the override that leads back to the directory,
    for messages. `on_accepted` is called once the directory is known to be free, or to hold this very run.
    `sharing` is what the runs of a sweep have in common; `course` may let a run begin with a part of the clips.

    Raises RunIncomplete when not every clip got an answer that counts: interrupted, backend lost, failure
    budget spent. A partial report is written all the same as soon as there is a record.
    """
    evaluation = _Evaluation(config, backend, directory, overrides, sharing=sharing, course=course)
    with Journal(directory, retry_failed=evaluation.run.retry_failed) as journal:
        ended: RunIncomplete | None = None
        try:
            asyncio.run(evaluation.measure(journal, on_accepted))
        except RunIncomplete as error:
            ended = error
        begun = bool(journal.done)
        # The clips of a large corpus need not be in memory beside the columns that scoring makes.
        del evaluation
        journal.done.clear()
        if ended is not None and not begun:
            if isinstance(ended, RunInterrupted):
                raise RunInterrupted(f"{ended}; no clip was measured, the same command begins again")
            raise ended
        summary = rescore(directory, config)
    if ended is not None:
        hint = resume_with or f"hydra.run.dir={shlex.quote(str(directory))}"
        raise type(ended)(
            f"{ended}; the same command with {hint} goes on from here; partial report: {summary.report}"
        )
    return summary


@dataclass(frozen=True, slots=True)
class _Part:
    """Some of the measurement's turns, and how they are put to the backend."""

    turns: Iterable[tuple[Clip, int]]
    """Clips, each with how often it came before."""
    plan: LoadPlan


class _Evaluation:
    """The moving parts of one evaluation."""

    def __init__(
        self,
        config: Mapping[str, Any],
        backend: Backend,
        directory: Path,
        overrides: Sequence[str],
        *,
        sharing: Sharing | None,
        course: Course,
    ) -> None:
        self._config, self._backend, self._directory = config, backend, directory
        self._overrides = overrides
        self.run = run_config_from(config.get("run") or {})
        self._load = load_config_from(config.get("load") or {})
        # What is needed only at the end is checked now: a bad value must not cost a run.
        scoring = scoring_config_from(config.get("scoring") or {})
        labels = labels_config_from(config.get("labels") or {})
        report_config_from(config.get("report") or {})
        self._phases = Phases()
        self._audio_s = 0.0
        able = sharing is not None and can_share(self._load, backend.capabilities)
        self._offered, self._sharing = sharing, sharing if able else None
        self._course = course
        if sharing is None:
            self._corpus = read_corpus(dataset_config_from(config["dataset"]))
        else:
            self._corpus = sharing.corpus(config["dataset"])
        self._timed = [] if self._sharing is None else self._sharing.timed(self._corpus.clips)
        self._checked = checked_clips(self._timed)
        check_scored(scoring.labels, relabelling_of(labels, describe_corpus(self._corpus)))

    async def measure(self, journal: Journal, on_accepted: Callable[[], object]) -> None:
        """Run what has no record yet. Raises RunIncomplete when that did not come to its end."""
        remaining = [clip for clip in self._corpus.clips if clip.id not in journal.done]
        budget = FailureBudget(self.run.max_failures, finished=len(journal.done), failed=journal.failed)
        opening_s = time.perf_counter()
        if self._offered is not None and self._sharing is None:
            # Beside a model that an earlier setting has open, this one's need not fit into memory.
            self._offered.work.let_go()
        if self._sharing is not None:
            # Declared in its capabilities.
            cast("SharingBackend", self._backend).share(self._sharing.work)
        async with self._backend:
            self._phases.load_s = time.perf_counter() - opening_s
            settings = measured_settings(self._config) | {"model_hash": self._backend.info.model_hash}
            refuse_other_run(self._directory, settings, self._corpus.hash, begun=bool(journal.done))
            on_accepted()
            if remaining or self._still_to_time(journal):
                history = History(self._directory, journal.session)
                history.begin(
                    settings=settings,
                    config=self._config,
                    overrides=self._overrides,
                    corpus=self._corpus,
                    backend=self._backend,
                    sharing=self._how_shared(),
                )
                await self._run_clips(remaining, journal, budget, history)
        if budget.spent(at_end=True):
            raise RunIncomplete(f"the failure budget is spent: {budget}")

    async def _run_clips(
        self, remaining: Sequence[Clip], journal: Journal, budget: FailureBudget, history: History
    ) -> None:
        source = self._corpus.source if self._sharing is None else self._sharing.source(self._corpus)
        loop = RunLoop(
            backend=self._backend,
            source=source,
            plan=plan_load(self._load, self._backend.capabilities),
            on_record=journal.append,
            session=journal.session,
            decode_workers=self.run.decode_workers,
            key_of=source.key if isinstance(source, SharedSource) else None,
        )
        begin: float | None = None
        telemetry: Telemetry | None = None
        ended = "ended by an error"
        given_up = False
        try:
            with short_collections(), stopping_on_signals(loop.stop) as signalled:
                settle()
                self._phases.warm_up = await loop.warm_up(
                    remaining or self._corpus.clips,
                    tolerance=self._load.warmup_tolerance,
                    max_s=self._load.warmup_max_s,
                )
                history.note_phases(self._phases.to_json())
                begin = time.perf_counter()
                with self._watched(journal.session) as telemetry, self._progress(journal) as progress:
                    record = self._kept(_recorder(journal, progress, budget, loop.stop), journal)
                    loop.on_record = self._until_enough(record, loop.stop, journal)
                    for part in self._parts(remaining, journal, loop.plan):
                        given_up = part is None
                        if part is None or loop.stop.is_set():
                            break
                        loop.plan = part.plan
                        clips, numbers = itertools.tee(part.turns)
                        await loop.run((clip for clip, _ in clips), rounds=(number for _, number in numbers))
            missing = len(self._corpus.clips) - len(journal.done)
            ended = f"stopped with {missing} of {len(self._corpus.clips)} clips to go" if missing else "finished"
            if not missing and self._phases.ended_by is None:
                self._phases.ended_by = "interrupt" if signalled else "rounds"
                ended = "stopped after the first round" if signalled and self._load.rounds != 1 else ended
            if not missing and self._still_to_time(journal):
                ended = "stopped in the timed pass"
        finally:
            wall_s = None if begin is None else time.perf_counter() - begin
            seen = None if telemetry is None else telemetry.summary(audio_s=self._audio_s)
            history.end(ended, wall_s, phases=self._phases.to_json(), telemetry=seen)
        if signalled:
            raise RunInterrupted(ended)
        if given_up:
            raise RunGivenUp(ended)
        if missing and not budget.spent():
            raise RunIncomplete(ended)

    def _parts(self, remaining: Sequence[Clip], journal: Journal, plan: LoadPlan) -> Iterator[_Part | None]:
        """The parts of the measurement that follow each other; None when the course gives it up.

        What is put together from shared work has no latency, and is asked for in batches.
        """
        if self._sharing is None:
            yield _Part(all_rounds(self._corpus.clips, remaining, self._load.rounds), plan)
            return
        batches = plan_load(replace(self._load, schedule=OFFLINE), self._backend.capabilities)
        first = self._course.first(self._corpus.clips)
        begin_with = [clip for clip in remaining if clip.id in first]
        if self._still_to_time(journal):
            timed = {clip.id for clip, _ in self._timed}
            checked = [(clip, 0) for clip in begin_with if clip.id not in timed or clip.id in self._checked]
            yield _Part(checked, batches)
            self._decode_ahead(self._sharing)
            yield _Part(self._timed, plan)
        left = [(clip, 0) for clip in begin_with if clip.id not in journal.done]
        if left:
            yield _Part(left, batches)
        rest = [(clip, 0) for clip in remaining if clip.id not in first and clip.id not in journal.done]
        if rest:
            yield _Part(rest, batches) if self._course.go_on() else None

    def _decode_ahead(self, sharing: Sharing) -> None:
        """Have the timed clips' audio in memory, for the first setting of a sweep as for those after it."""
        source = sharing.source(self._corpus)
        for clip in {clip.id: clip for clip, _ in self._timed}.values():
            # What can't be read fails again in its turn, and is recorded there.
            with contextlib.suppress(AudioError):
                source.load(clip, keep_encoded=self._backend.capabilities.needs_encoded)

    def _still_to_time(self, journal: Journal) -> bool:
        """Whether no start of this run made the whole timed pass; half of one and half of another are not mixed."""
        return max(journal.later.values(), default=0) < len(self._timed)

    def _how_shared(self) -> dict[str, Any] | None:
        if self._sharing is None:
            return None
        return {
            "timed_requests": len(self._timed),
            "timed_clips": len({clip.id for clip, _ in self._timed}),
            "checked_clips": len(self._checked),
            "seed": self._sharing.config.seed,
        }

    def _watched(self, session: int) -> contextlib.AbstractContextManager[Telemetry | None]:
        if self.run.telemetry_s is None:
            return contextlib.nullcontext()
        return Telemetry(self._directory / TELEMETRY, interval_s=self.run.telemetry_s, session=session)

    def _until_enough(
        self, on_record: Callable[[Record], None], stop: asyncio.Event, journal: Journal
    ) -> Callable[[Record], None]:
        """`on_record`, and the end of a measurement of several rounds once it has enough."""
        if self._load.rounds == 1:
            return on_record
        until, phases, clock = Until(self._load, begin_s=time.perf_counter()), self._phases, time.perf_counter

        def keep_and_look(record: Record) -> None:
            on_record(record)
            reached = until.enough(record, clock())
            # Accuracy is of the whole first round, whatever it costs.
            if reached and phases.ended_by is None and len(journal.done) == len(self._corpus.clips):
                phases.ended_by = reached
                stop.set()

        return keep_and_look

    def _kept(self, on_record: Callable[[Record], None], journal: Journal) -> Callable[[Record], None]:
        """`on_record`, and the seconds of audio that were worked on.

        Where work is shared, a timed answer also stands for the clip in the first round, save for the few clips
        that are asked about both ways to see that the answers are the same.
        """

        def keep(record: Record) -> None:
            on_record(record)
            self._audio_s += record.audio_s or 0.0
            if record.round and self._sharing is not None and record.clip.id not in journal.done:
                on_record(as_shared(record))

        return keep

    def _progress(self, journal: Journal) -> Progress:
        said = self._backend.capabilities.labels
        uar = RunningUar(tuple(label for label in self._corpus.card.label_order if label in said))
        for (reference, label), count in journal.answers.items():
            uar.add(reference, label, count)
        return Progress(len(self._corpus.clips), uar, done=len(journal.done), failed=journal.failed)


def _recorder(
    journal: Journal, progress: Progress, budget: FailureBudget, stop: asyncio.Event
) -> Callable[[Record], None]:
    """What becomes of a finished record: kept, shown, and counted against the budget."""

    def on_record(record: Record) -> None:
        journal.append(record)
        progress.add(record)
        if not record.round:
            budget.count(failed=record.outcome is Outcome.FAILURE)
        if budget.spent():
            stop.set()

    return on_record


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
        for each in signals:
            loop.remove_signal_handler(each)

    # Only the main thread may handle signals; elsewhere whoever started the thread stops it.
    with contextlib.suppress(RuntimeError, ValueError):
        for number in signals:
            loop.add_signal_handler(number, ask_to_stop, number)
    try:
        yield arrived
    finally:
        with contextlib.suppress(RuntimeError, ValueError):
            for number in signals:
                loop.remove_signal_handler(number)
