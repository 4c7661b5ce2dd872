"""Many clips measured at once, in processes of their own: a decoder that crashes takes one of those with it."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context

from sv_eval.data.audit.facts import AudioDefect, AudioFacts
from sv_eval.data.audit.measure import Job
from sv_eval.machine.interrupts import interrupts_held

Measured = AudioFacts | AudioDefect
MeasureOne = Callable[[Job], Measured]

_BATCH = 16
_BATCHES_A_WORKER = 4
_WORTH_PROCESSES = 3000
"""Fewer clips are measured before another process has imported what it needs."""
_MOST_WORKERS = 8
_CRASHED = AudioDefect(
    kind="crashed", message="a decoder died on it; leave the clip out, or convert the file with another program"
)


def workers_for(n_clips: int, asked: int | None) -> int:
    """How many processes measure so many clips; 1 is this one."""
    if asked is not None:
        return asked
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _MOST_WORKERS) if n_clips >= _WORTH_PROCESSES else 1


def measured(jobs: Iterable[Job], measure: MeasureOne, workers: int) -> Iterator[Measured]:
    """What `measure` gives for each job, in order. Jobs are taken as they are needed."""
    if workers == 1:
        for job in jobs:
            with interrupts_held():
                result = measure(job)
            yield result
        return
    batches = _batches(iter(jobs))
    left: deque[list[Job]] = deque()
    while True:
        try:
            yield from _with_pool(batches, left, measure, workers)
        except BrokenProcessPool:
            # Any batch under way may have done it.
            for batch in list(left):
                yield from _apart(batch, measure)
            left.clear()
        else:
            return


def _with_pool(
    batches: Iterator[list[Job]], left: deque[list[Job]], measure: MeasureOne, workers: int
) -> Iterator[Measured]:
    """Measures batch after batch; `left` holds those whose results haven't been handed out."""
    waiting: deque[Future[list[Measured]]] = deque()
    pool = _processes(workers)
    try:
        while True:
            for batch in islice(batches, workers * _BATCHES_A_WORKER - len(waiting)):
                left.append(batch)
                with _unheard():
                    waiting.append(pool.submit(_all, measure, batch))
            if not waiting:
                return
            results = waiting.popleft().result()
            left.popleft()
            yield from results
    finally:
        pool.shutdown(cancel_futures=True)


def _apart(batch: list[Job], measure: MeasureOne) -> list[Measured]:
    """Measures a batch in a process of its own; each half of it, where that process dies."""
    results = _in_one_process(batch, measure)
    if results is not None:
        return results
    half = len(batch) // 2
    return [*_apart(batch[:half], measure), *_apart(batch[half:], measure)] if half else [_CRASHED]


def _in_one_process(batch: list[Job], measure: MeasureOne) -> list[Measured] | None:
    """What `measure` gives for each job of the batch; None where the process died."""
    pool = _processes(1)
    try:
        with _unheard():
            future = pool.submit(_all, measure, batch)
        return future.result()
    except BrokenProcessPool:
        return None
    finally:
        pool.shutdown(cancel_futures=True)


def _processes(workers: int) -> ProcessPoolExecutor:
    # Forking would copy whatever threads are under way here.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"))


@contextmanager
def _unheard() -> Iterator[None]:
    """Processes started within never hear of Ctrl-C, since this one ends them; here it waits until the end."""
    with interrupts_held():
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _all(measure: MeasureOne, batch: list[Job]) -> list[Measured]:
    return [measure(job) for job in batch]


def _batches(jobs: Iterator[Job]) -> Iterator[list[Job]]:
    while batch := list(islice(jobs, _BATCH)):
        yield batch
