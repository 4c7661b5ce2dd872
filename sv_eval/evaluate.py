"""One evaluation: read the corpus, run the backend over it, score, report."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sv_eval.backend import Backend
from sv_eval.corpus.reading import Corpus, dataset_config_from, read_corpus
from sv_eval.environment import describe_environment
from sv_eval.errors import ConfigError, RunIncomplete
from sv_eval.records import Clip, Outcome, Record
from sv_eval.rescore import Summary, report_config_from, rescore
from sv_eval.run.budget import FailureBudget
from sv_eval.run.identity import ENVIRONMENT, measured_settings, refuse_other_run, settings_hash
from sv_eval.run.journal import Journal
from sv_eval.run.load import LoadPlan, load_config_from, plan_load
from sv_eval.run.loop import RunLoop
from sv_eval.run.progress import Progress
from sv_eval.run_directory import read_json, write_json
from sv_eval.scoring.config import scoring_config_from
from sv_eval.structure import structure


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """What the `run` part of the configuration holds."""

    max_failures: float = 0.2
    """The failure budget: a share of the clips below 1, a count from 1 on; 0 allows none."""
    decode_workers: int = 1
    """Threads that decode audio ahead of the backend."""
    retry_failed: bool = False
    """On resuming, ask again for the clips that failed."""

    def __post_init__(self) -> None:
        if self.decode_workers < 1:
            raise ConfigError("run.decode_workers must be at least 1")


def run_config_from(settings: Mapping[str, Any]) -> RunConfig:
    """The configuration in `settings`; a wrong key or type is a ConfigError."""
    return structure(RunConfig, settings, "run", ConfigError)


def evaluate(
    config: Mapping[str, Any],
    backend: Backend,
    directory: Path,
    *,
    overrides: Sequence[str] = (),
    on_accepted: Callable[[], object] = lambda: None,
) -> Summary:
    """Measure `backend` as `config` says and leave everything in `directory`; the headline comes back.

    config holds the groups backend, dataset, load, scoring, report and run as plain data; overrides are
    what the command line said, for the report. `on_accepted` is called once the directory is known to be
    free, or to hold this very run. Raises RunIncomplete, with a partial report written, when the run ended
    before its last clip.
    """
    evaluation = _Evaluation(config, backend, directory, overrides)
    with Journal(directory, retry_failed=evaluation.run.retry_failed) as journal:
        ended = asyncio.run(evaluation.measure(journal, on_accepted))
        # The clips of a large corpus need not be in memory beside the columns that scoring makes.
        del evaluation
        journal.done.clear()
        summary = rescore(directory, config.get("scoring") or {}, config.get("report") or {})
    if ended is not None:
        raise RunIncomplete(f"{ended}; partial report: {summary.report}")
    return summary


class _Evaluation:
    """The moving parts of one evaluation."""

    def __init__(
        self, config: Mapping[str, Any], backend: Backend, directory: Path, overrides: Sequence[str]
    ) -> None:
        self._config, self._backend, self._directory = config, backend, directory
        self._overrides = list(overrides)
        self.run = run_config_from(config.get("run") or {})
        self._load = load_config_from(config.get("load") or {})
        # What is needed only at the end is checked now: a bad value must not cost a run.
        scoring_config_from(config.get("scoring") or {})
        report_config_from(config.get("report") or {})
        self._corpus = read_corpus(dataset_config_from(config["dataset"]))

    async def measure(self, journal: Journal, on_accepted: Callable[[], object]) -> str | None:
        """Run what has no record yet; None when all of it is done, else why the run ended early."""
        remaining = [clip for clip in self._corpus.clips if clip.id not in journal.done]
        async with self._backend:
            settings = measured_settings(self._config) | {"model_hash": self._backend.info.model_hash}
            refuse_other_run(self._directory, settings, self._corpus.hash)
            on_accepted()
            if not remaining:
                return None
            self._open_environment(settings, journal)
            begin = time.perf_counter()
            ended = "the run was interrupted by an error"
            try:
                ended_early = await self._run_clips(remaining, journal)
                ended = ended_early or "finished"
            finally:
                self._close_session(ended, time.perf_counter() - begin)
        return ended_early

    async def _run_clips(self, remaining: Sequence[Clip], journal: Journal) -> str | None:
        plan = plan_load(self._load, self._backend.capabilities)
        labels = tuple(
            label for label in self._corpus.card.label_order if label in self._backend.capabilities.labels
        )
        loop = self._loop(plan, journal)
        budget = FailureBudget(self.run.max_failures, finished=len(journal.done), failed=journal.failed)
        with (
            stopping_on_signals(loop.stop),
            Progress(len(self._corpus.clips), len(journal.done), labels) as progress,
        ):

            def on_record(record: Record) -> None:
                journal.append(record)
                progress.add(record)
                budget.count(failed=record.outcome is Outcome.FAILURE)
                if budget.spent():
                    loop.stop.set()

            loop.on_record = on_record
            await loop.warm_up(remaining)
            await loop.run(remaining)
        return self._why_early(loop, journal, budget)

    def _loop(self, plan: LoadPlan, journal: Journal) -> RunLoop:
        return RunLoop(
            backend=self._backend,
            source=self._corpus.source,
            plan=plan,
            on_record=journal.append,
            session=journal.session,
            decode_workers=self.run.decode_workers,
        )

    def _why_early(self, loop: RunLoop, journal: Journal, budget: FailureBudget) -> str | None:
        if budget.spent(at_end=True):
            return f"the failure budget is spent: {budget}"
        missing = len(self._corpus.clips) - len(journal.done)
        if loop.stop.is_set() and missing:
            return (
                f"stopped with {missing} of {len(self._corpus.clips)} clips to go; "
                f"the same command with hydra.run.dir={self._directory} goes on from here"
            )
        return None

    def _open_environment(self, settings: Mapping[str, Any], journal: Journal) -> None:
        path = self._directory / ENVIRONMENT
        now = datetime.now(UTC).isoformat(timespec="seconds")
        earlier: list[Any] = read_json(path)["sessions"] if path.is_file() and journal.session else []
        self._environment: dict[str, Any] = {
            "schema_version": 1,
            "started_at": earlier[0]["started_at"] if earlier else now,
            "config_hash": settings_hash(settings),
            "settings": settings,
            "config": self._config,
            "overrides": self._overrides,
            "sessions": [
                *earlier,
                {"session": journal.session, "started_at": now, "wall_s": None, "ended": None},
            ],
            "dataset": describe_corpus(self._corpus),
            "backend": asdict(self._backend.info) | {"capabilities": asdict(self._backend.capabilities)},
            **describe_environment(),
        }
        write_json(path, self._environment)

    def _close_session(self, ended: str, wall_s: float) -> None:
        self._environment["sessions"][-1] |= {"wall_s": round(wall_s, 3), "ended": ended}
        write_json(self._directory / ENVIRONMENT, self._environment)


def describe_corpus(corpus: Corpus) -> dict[str, Any]:
    """What a report says about a corpus."""
    card = corpus.card
    return {
        "name": corpus.name,
        "title": card.title,
        "hash": corpus.hash,
        "split": corpus.split,
        "n_clips": len(corpus.clips),
        "language": card.language,
        "licence": card.licence.id,
        "citation": card.citation,
        "label_order": list(card.label_order),
        "label_map": {"name": card.labels.name, "version": card.labels.version, "hash": card.labels.hash},
        "notes": list(corpus.notes),
    }


@contextlib.contextmanager
def stopping_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """Within it, the first Ctrl-C or SIGTERM sets `stop`; a second one has its usual effect."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def ask_to_stop() -> None:
        stop.set()
        for number in signals:
            loop.remove_signal_handler(number)

    # Only the main thread may handle signals; elsewhere whoever started the thread stops it.
    with contextlib.suppress(RuntimeError, ValueError):
        for number in signals:
            loop.add_signal_handler(number, ask_to_stop)
    try:
        yield
    finally:
        with contextlib.suppress(RuntimeError, ValueError):
            for number in signals:
                loop.remove_signal_handler(number)
