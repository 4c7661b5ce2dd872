"""Clips measured in several processes."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
from collections.abc import Iterator

import pytest

from sv_eval.data.audit.facts import AudioDefect
from sv_eval.data.audit.pool import measured, workers_for

# `eval` stands for a decoder: it can be sent to any process, and a job is what its words mean.
DOUBLE = functools.partial(eval, "2 * n")
CRASHES = functools.partial(eval, "__import__('os')._exit(1) if n == 20 else 2 * n")


def jobs(n: int) -> Iterator[dict[str, int]]:
    return ({"n": number} for number in range(n))


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order(workers: int) -> None:
    assert list(measured(jobs(300), DOUBLE, workers)) == [2 * n for n in range(300)]  # type: ignore[arg-type]


def test_no_jobs_no_results() -> None:
    assert list(measured(iter(()), DOUBLE, 2)) == []  # type: ignore[arg-type]


def test_a_decoder_that_dies_costs_its_clip_alone() -> None:
    found = list(measured(jobs(24), CRASHES, 2))  # type: ignore[arg-type]

    died = [place for place, result in enumerate(found) if isinstance(result, AudioDefect)]
    assert died == [20]
    assert {found[place].kind for place in died} == {"crashed"}
    assert [result for result in found if not isinstance(result, AudioDefect)] == [
        2 * n for n in range(24) if n not in died
    ]


def test_jobs_are_taken_as_they_are_needed() -> None:
    taken: list[int] = []

    def noted() -> Iterator[dict[str, int]]:
        for job in jobs(1000):
            taken.append(job["n"])
            yield job

    results = measured(noted(), DOUBLE, 2)  # type: ignore[arg-type]
    next(results)

    assert len(taken) < 500
    results.close()  # type: ignore[attr-defined]


def test_few_clips_are_not_worth_a_process() -> None:
    assert workers_for(100, None) == 1
    assert workers_for(100, 3) == 3
    assert 1 <= workers_for(100_000, None) <= min(8, os.cpu_count() or 1)


def test_an_interrupt_within_a_clip_comes_after_it() -> None:
    """As within a callback of libsndfile's, where nobody would hear of it."""
    ended: list[int] = []

    def swallows(job: dict[str, int]) -> int:
        if job["n"] == 3:
            with contextlib.suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        ended.append(job["n"])
        return job["n"]

    # Where the tests were started in the background, interrupts are ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            list(measured(jobs(10), swallows, 1))  # type: ignore[arg-type]
    finally:
        signal.signal(signal.SIGINT, before)

    assert ended == [0, 1, 2, 3]
