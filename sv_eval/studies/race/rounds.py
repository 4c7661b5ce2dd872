"""The turns of a race: every backend is open from the beginning, and each round goes through all of them.

Who begins changes from round to round, so that nobody always follows the same neighbour. Each backend's records go
into a run directory of its own, as of a run of as many rounds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

from sv_eval.backend import Backend
from sv_eval.data.corpus.reading import Corpus
from sv_eval.errors import RunDirectoryError, RunIncomplete, RunInterrupted
from sv_eval.record_file.journal import Journal
from sv_eval.records import Record
from sv_eval.report.identity import measured_settings, of_backend
from sv_eval.run.history import History
from sv_eval.run.load import load_config_from, plan_load
from sv_eval.run.loop import RunLoop
from sv_eval.run.session import Session, run_config_from, stopping_on_signals


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One backend of a race."""

    title: str
    """As it was written."""
    config: Mapping[str, Any]
    """The whole configuration of its run."""
    overrides: Sequence[str]
    """What `python -m sv_eval` takes to run this backend alone."""
    backend: Backend
    """Not open yet."""
    directory: Path
    """Its run directory."""


"""The name by which the command still asks for it."""


@dataclass(slots=True, kw_only=True)
class _Running:
    """A contestant whose backend is open and warm."""

    contestant: Contestant
    session: Session
    loop: RunLoop
    history: History
    wall_s: float = 0.0
    rounds: int = 0


async def race(
    contestants: Sequence[Contestant], corpus: Corpus, *, rounds: int, pause_s: float, say: Callable[[str], object]
) -> None:
    """All turns.

    Raises RunIncomplete when one backend spends its failure budget, or is lost, and RunInterrupted when it was
    stopped before everybody had the first turn.
    """
    stop = asyncio.Event()
    async with AsyncExitStack() as backends:
        with ExitStack() as journals, stopping_on_signals(stop) as arrived:
            running: list[_Running] = []
            try:
                for contestant in contestants:
                    one = await _start(contestant, corpus, backends, journals, stop)
                    running.append(one)
                for number in range(rounds):
                    for place in range(len(running)):
                        one = running[(place + number) % len(running)]
                        if await _turn(one, corpus, number, pause_s):
                            say(
                                f"round {number + 1} of {rounds}, {one.contestant.title}: {one.wall_s:.1f} s so far"
                            )
            finally:
                for one in running:
                    _finish(one, stopped=stop.is_set(), interrupted=bool(arrived))
    for one in running:
        if one.session.budget.spent(at_end=True):
            raise RunIncomplete(f"{one.contestant.title}: the failure budget is spent: {one.session.budget}")
    if any(not one.rounds for one in running):
        raise RunInterrupted("stopped before every backend had its first turn")


async def _start(
    contestant: Contestant, corpus: Corpus, backends: AsyncExitStack, journals: ExitStack, stop: asyncio.Event
) -> _Running:
    """Open and warm up one backend, and begin its run directory."""
    journal = journals.enter_context(Journal(contestant.directory))
    if journal.done:
        raise RunDirectoryError(
            f"{contestant.directory} holds a run already; a race is not gone on with: choose another out=DIR"
        )
    run = run_config_from(contestant.config.get("run") or {})
    session = await backends.enter_async_context(
        Session(contestant.backend, run, number=journal.session, stop=stop)
    )
    load = load_config_from(contestant.config.get("load") or {})
    keep = session.counted(journal.append)

    def on_record(record: Record) -> None:
        keep(record)
        session.audio_s += record.audio_s or 0.0

    loop = session.loop(corpus.source, plan_load(load, contestant.backend.capabilities), on_record)
    history = History(contestant.directory, journal.session, journal.run_id)
    history.begin(
        settings=measured_settings(contestant.config) | of_backend(contestant.backend.info),
        config=contestant.config,
        overrides=contestant.overrides,
        corpus=corpus,
        backend=contestant.backend,
    )
    await session.warm_up(loop, corpus.clips, load)
    return _Running(contestant=contestant, session=session, loop=loop, history=history)


async def _turn(one: _Running, corpus: Corpus, number: int, pause_s: float) -> bool:
    """One backend goes through the corpus once; whether it began to, which it does not once the race is stopped."""
    if pause_s and not one.session.stop.is_set():
        await asyncio.sleep(pause_s)
    if one.session.stop.is_set():
        return False
    begin = time.perf_counter()
    with one.session.watched(one.contestant.directory):
        await one.loop.run(corpus.clips, rounds=repeat(number))
    one.wall_s += time.perf_counter() - begin
    one.rounds += not one.session.stop.is_set()
    return True


def _finish(one: _Running, *, stopped: bool, interrupted: bool) -> None:
    # Neither, where a failure budget was spent.
    one.session.ended_by = "interrupt" if interrupted else None if stopped else "rounds"
    ended = f"stopped after {one.rounds} rounds" if stopped else "finished"
    one.history.end(ended, one.wall_s, phases=one.session.phases, telemetry=one.session.telemetry)
