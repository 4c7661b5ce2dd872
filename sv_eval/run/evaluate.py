"""One evaluation: read the corpus, run the backend over it, score, report."""

from __future__ import annotations

import contextlib
import itertools
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from sv_eval.backend import Backend, SharingBackend
from sv_eval.data.audio.listening import listening
from sv_eval.data.conditions.condition import condition_from
from sv_eval.data.conditions.source import ConditionedSource
from sv_eval.data.corpus.reading import dataset_config_from, read_corpus
from sv_eval.data.corpus.source import AudioSource, reading_order
from sv_eval.errors import AudioError, ConfigError, RunGivenUp, RunIncomplete, RunInterrupted, SvEvalError
from sv_eval.finished.held_files import with_held_files
from sv_eval.finished.rescore import Summary, report_config_from, rescore
from sv_eval.record_file.journal import Journal
from sv_eval.record_file.set_aside import set_aside
from sv_eval.records import Clip, Record, as_shared
from sv_eval.report.environment import HowShared
from sv_eval.report.identity import measured_settings, of_backend, refuse_other_run
from sv_eval.report.run_directory import ENVIRONMENT
from sv_eval.run.controls import Control, ask_controls, controls_config_from, planned
from sv_eval.run.early_ends import until_enough, until_sure
from sv_eval.run.early_stopping import NO_EARLY_STOPPING, VERDICT, EarlyStopping, UntilSure
from sv_eval.run.event_loop import finished
from sv_eval.run.executors.reading import placed_by
from sv_eval.run.history import History, describe_corpus
from sv_eval.run.load import OFFLINE, LoadPlan, load_config_from, plan_load
from sv_eval.run.loop import RunLoop
from sv_eval.run.pauses import settle, short_collections
from sv_eval.run.phases import all_rounds
from sv_eval.run.progress import Progress, RunningUar, recorder
from sv_eval.run.session import OnRecord, RunConfig, Session, run_config_from, stopping_on_signals
from sv_eval.run.sharing import Sharing, can_share, checked_clips
from sv_eval.run.tracing import RunSpans, spans_of_run
from sv_eval.scoring.config import scoring_config_from
from sv_eval.scoring.judging_files import JudgingFiles
from sv_eval.scoring.labels.config import labels_config_from
from sv_eval.scoring.labels.relabelling import check_scored, relabelling_of
from sv_eval.written_files import forget_half


def evaluate(
    config: Mapping[str, Any],
    backend: Backend,
    directory: Path,
    *,
    overrides: Sequence[str] = (),
    resume_with: str | None = None,
    on_accepted: Callable[[], object] = lambda: None,
    sharing: Sharing | None = None,
    early_stopping: EarlyStopping = NO_EARLY_STOPPING,
    verdict: UntilSure | None = None,
) -> Summary:
    """Measure `backend` as `config` says and leave everything in `directory`; the headline comes back.

    config holds the groups backend, dataset, load, labels, scoring, report and run as plain data; overrides are
    what the command line said, for the report. `resume_with` is the override that leads back to the directory,
    for messages. `on_accepted` is called once the directory is known to be free, or to hold this very run.
    `sharing` is what the runs of a sweep have in common; `early_stopping` may let a run begin with a part of the
    clips; `verdict` may end it when it is sure.

    Raises RunIncomplete when not every clip got an answer that counts: interrupted, backend lost, failure
    budget spent. A partial report is written all the same as soon as there is a record.
    """
    config = {**config, "scoring": with_held_files(config.get("scoring") or {})}
    evaluation = _Evaluation(
        config, backend, directory, overrides, sharing=sharing, early_stopping=early_stopping, verdict=verdict
    )
    if evaluation.run.set_aside:
        set_aside(directory, evaluation.references)
    with evaluation.spans() as spans, Journal(directory, retry_failed=evaluation.run.retry_failed) as journal:
        ended: RunIncomplete | None = None
        # Whoever holds the journal is the one who writes it.
        forget_half(directory / ENVIRONMENT)
        try:
            finished(evaluation.measure(journal, on_accepted, spans))
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
        try:
            with spans.phase("score"):
                summary = rescore(directory, config)
        except SvEvalError as error:
            if ended is None:
                raise
            raise type(ended)(f"{ended}; there is no partial report: {error}") from error
    if ended is not None:
        hint = resume_with or f"hydra.run.dir={shlex.quote(str(directory))}"
        raise type(ended)(
            f"{ended}; the same command with {hint} goes on from here; partial report: {summary.path}"
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
        early_stopping: EarlyStopping,
        verdict: UntilSure | None = None,
    ) -> None:
        self._config, self._backend, self._directory = config, backend, directory
        self._overrides = overrides
        self.run = run_config_from(config.get("run") or {})
        self._listen = listening(lufs=self.run.lufs, dnsmos=self.run.dnsmos)
        self._load = load_config_from(config.get("load") or {})
        self._condition = condition_from(config.get("condition"))
        # What is needed only at the end is checked now: a bad value must not cost a run.
        scoring = scoring_config_from(config.get("scoring") or {})
        self._controls = controls_config_from(config.get("controls") or {})
        labels = labels_config_from(config.get("labels") or {})
        report_config_from(config.get("report") or {})
        able = sharing is not None and can_share(self._load, backend.capabilities)
        self._offered, self._sharing = sharing, sharing if able else None
        self._early_stopping = early_stopping
        self._verdict = verdict
        if sharing is None:
            self._corpus = read_corpus(dataset_config_from(config["dataset"], labels.meant))
        else:
            self._corpus = sharing.corpus(config["dataset"], labels.meant)
        self._timed = [] if self._sharing is None else self._sharing.timed(self._corpus.clips)
        self._checked = checked_clips(self._timed)
        self._as_they_lie = reading_order(self._corpus.source, self._corpus.clips)
        self._in_order = self._as_they_lie if verdict is None else verdict.order(self._corpus.clips)
        if verdict is not None and (sharing is not None or self._load.rounds != 1):
            raise ConfigError(
                "a run that a verdict may end goes through its clips once: load.rounds=1, and no sweep"
            )
        check_scored(scoring.labels, relabelling_of(labels, describe_corpus(self._corpus)))
        self._judging = JudgingFiles.of(scoring)
        self._placed = placed_by(config, self._corpus.source)

    @property
    def references(self) -> dict[str, str | None]:
        """The corpus's clips, each with its reference."""
        return {clip.id: clip.reference for clip in self._corpus.clips}

    def spans(self) -> contextlib.AbstractContextManager[RunSpans]:
        """Where its trace goes, with one span for all of it."""
        corpus = self._corpus
        return spans_of_run(self.run, corpus.name, len(corpus.clips), self._load.schedule)

    async def measure(self, journal: Journal, on_accepted: Callable[[], object], spans: RunSpans) -> None:
        """Run what has no record yet. Raises RunIncomplete when that did not come to its end."""
        remaining = [clip for clip in self._in_order if clip.id not in journal.done]
        if self._offered is not None and self._sharing is None:
            # Beside a model that an earlier setting has open, this one's need not fit into memory.
            self._offered.work.let_go()
        if self._sharing is not None:
            # Declared in its capabilities.
            cast("SharingBackend", self._backend).share(self._sharing.work)
        session = Session(
            self._backend,
            self.run,
            number=journal.session,
            decode_workers=self._decode_workers(self.run),
            listen=self._listen,
            spans=spans,
        )
        session.budget.finished, session.budget.failed = len(journal.done), journal.failed
        async with session:
            settings = measured_settings(self._config) | of_backend(self._backend.info)
            refuse_other_run(self._directory, settings, self._corpus.hash, begun=bool(journal.done))
            journal.refuse_strangers(self.references)
            # What can't be asked, or judged, is to be told now and not after the run.
            clips = self._corpus.clips
            speakers = {clip.speaker for clip in clips if clip.speaker is not None}
            self._judging.refuse_strangers(
                self._backend.info, describe_corpus(self._corpus), speakers, [clip.id for clip in clips]
            )
            controls = self._planned_controls()
            on_accepted()
            if (remaining or self._still_to_time(journal)) and not self._is_sure(journal):
                history = History(self._directory, journal.session, journal.run_id)
                history.begin(
                    settings=settings,
                    config=self._config,
                    overrides=self._overrides,
                    corpus=self._corpus,
                    backend=self._backend,
                    sharing=self._how_shared(),
                )
                if self._verdict is not None:
                    self._verdict.begin(self._directory)
                await self._run_clips(session, remaining, journal, history)
            if controls and not session.budget.spent():
                await self._ask_controls(session, controls, journal.run_id)
        session.refuse_overspent()

    def _planned_controls(self) -> tuple[Control, ...]:
        protocol = self._backend.info.card.get("protocol")
        options = protocol.get("option_order") if isinstance(protocol, Mapping) else None
        return planned(self._controls, self._corpus.clips, self._backend.capabilities, list(options or ()))

    async def _ask_controls(self, session: Session, controls: Sequence[Control], run_id: str | None) -> None:
        """The questions beyond the clips, as many at once as the backend takes: none of them is timed."""
        source, _ = self._audio()
        plan = plan_load(replace(self._load, schedule=OFFLINE), self._backend.capabilities)
        with stopping_on_signals(session.stop) as signalled:
            left = await ask_controls(
                session, controls, source, plan, self._directory, references=self.references, run_id=run_id
            )
        if signalled:
            raise RunInterrupted(f"stopped in its controls with {left} questions to go")

    async def _run_clips(
        self, session: Session, remaining: Sequence[Clip], journal: Journal, history: History
    ) -> None:
        source, key_of = self._audio()
        plan = plan_load(self._load, self._backend.capabilities)
        loop = session.loop(source, plan, journal.append, key_of=key_of)
        loop.placed = self._placed
        begin: float | None = None
        ended = "ended by an error"
        given_up = False
        try:
            with short_collections(), stopping_on_signals(session.stop) as signalled:
                settle()
                await self._warm_up(session, loop, remaining)
                history.note_phases(session.phases)
                begin = time.perf_counter()
                with session.watched(self._directory), self._progress(journal) as progress:
                    record = self._kept(session, recorder(journal.append, progress), journal)
                    n_clips = len(self._corpus.clips)
                    enough = until_enough(record, session, self._load, lambda: len(journal.done) == n_clips)
                    loop.on_record = until_sure(enough, session, self._verdict)
                    for part in self._parts(remaining, journal, plan):
                        given_up = part is None
                        if part is None or session.stop.is_set():
                            break
                        loop.plan = part.plan
                        clips, numbers = itertools.tee(part.turns)
                        await loop.run((clip for clip, _ in clips), rounds=(number for _, number in numbers))
            missing = len(self._corpus.clips) - len(journal.done)
            ended = f"stopped with {missing} of {len(self._corpus.clips)} clips to go" if missing else "finished"
            if not missing and session.ended_by is None:
                session.ended_by = "interrupt" if signalled else "rounds"
                ended = "stopped after the first round" if signalled and self._load.rounds != 1 else ended
            if not missing and self._still_to_time(journal):
                ended = "stopped in the timed pass"
        finally:
            failing = sys.exception()
            wall_s = None if begin is None else time.perf_counter() - begin
            try:
                history.end(ended, wall_s, phases=session.phases, telemetry=session.telemetry)
            except SvEvalError:
                # What ended the run is to be told; this only follows from it.
                if failing is None:
                    raise
        if signalled:
            raise RunInterrupted(ended)
        if given_up:
            raise RunGivenUp(ended)
        # A spent budget is told elsewhere, and a sure verdict needs no more clips.
        if missing and not session.budget.spent() and session.ended_by != VERDICT:
            raise RunIncomplete(ended)

    async def _warm_up(self, session: Session, loop: RunLoop, remaining: Sequence[Clip]) -> None:
        """Make it as fast as it gets, where any request is timed."""
        if self._sharing is None or self._timed:
            await session.warm_up(loop, remaining or self._corpus.clips, self._load)

    def _decode_workers(self, run: RunConfig) -> int:
        """A thread a core where no request is timed that they could disturb; else as many as were asked for."""
        untimed = self._sharing is not None and not self._timed
        return max(run.decode_workers, len(os.sched_getaffinity(0))) if untimed else run.decode_workers

    def _audio(self) -> tuple[AudioSource, Callable[[Clip], str | None] | None]:
        """Where the sound comes from, under its condition; and what stands for it where work is shared."""
        kept = None if self._sharing is None else self._sharing.source(self._corpus)
        source: AudioSource = kept or self._corpus.source
        if self._condition is None:
            return source, None if kept is None else kept.key
        changed = ConditionedSource(source, self._condition, self._corpus.clips)
        return changed, None if kept is None else changed.key

    def _is_sure(self, journal: Journal) -> bool:
        """Whether what an earlier start left is enough for the verdict that this run is for."""
        return self._verdict is not None and bool(journal.done) and self._verdict.begin(self._directory)

    def _parts(self, remaining: Sequence[Clip], journal: Journal, plan: LoadPlan) -> Iterator[_Part | None]:
        """The parts of the measurement that follow each other; None when early stopping gives it up.

        What is put together from shared work has no latency, and is asked for in batches.
        """
        if self._sharing is None:
            yield _Part(all_rounds(self._as_they_lie, remaining, self._load.rounds), plan)
            return
        batches = plan_load(replace(self._load, schedule=OFFLINE), self._backend.capabilities)
        first = self._early_stopping.first(self._corpus.clips)
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
            yield _Part(rest, batches) if self._early_stopping.go_on() else None

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

    def _how_shared(self) -> HowShared | None:
        if self._sharing is None:
            return None
        return HowShared(
            timed_requests=len(self._timed),
            timed_clips=len({clip.id for clip, _ in self._timed}),
            checked_clips=len(self._checked),
            seed=self._sharing.config.seed,
        )

    def _kept(self, session: Session, on_record: OnRecord, journal: Journal) -> OnRecord:
        """`on_record`, counted, and the seconds of audio that were worked on.

        Where work is shared, a timed answer also stands for the clip in the first round, save for the few clips
        that are asked about both ways to see that the answers are the same.
        """
        counted = session.counted(on_record)

        def keep(record: Record) -> None:
            counted(record)
            session.audio_s += record.audio_s or 0.0
            if record.round and self._sharing is not None and record.clip.id not in journal.done:
                counted(as_shared(record))

        return keep

    def _progress(self, journal: Journal) -> Progress:
        said = self._backend.capabilities.labels
        uar = RunningUar(tuple(label for label in self._corpus.card.label_order if label in said))
        for (reference, label), count in journal.answers.items():
            uar.add(reference, label, count)
        return Progress(len(self._corpus.clips), uar, done=len(journal.done), failed=journal.failed)
