"""What ends a run before all that was planned is done: a verdict that is sure, a percentile that is narrow."""

from __future__ import annotations

import time
from collections.abc import Callable

from sv_eval.records import Record
from sv_eval.run.early_stopping import VERDICT, UntilSure
from sv_eval.run.load import LoadConfig
from sv_eval.run.phases import StoppingRule
from sv_eval.run.session import OnRecord, Session


def until_sure(on_record: OnRecord, session: Session, verdict: UntilSure | None) -> OnRecord:
    """`on_record`, and the end of a run whose verdict is sure."""
    if verdict is None:
        return on_record

    def keep_and_look(record: Record) -> None:
        on_record(record)
        if session.ended_by is None and verdict.sure(record):
            session.ended_by = VERDICT
            session.stop.set()

    return keep_and_look


def until_enough(on_record: OnRecord, session: Session, load: LoadConfig, all_once: Callable[[], bool]) -> OnRecord:
    """`on_record`, and the end of a measurement of several rounds once it has enough.

    all_once: whether the whole first round is there, which accuracy is of, whatever it costs.
    """
    if load.rounds == 1:
        return on_record
    stopping_rule, clock = StoppingRule(load, begin_s=time.perf_counter()), time.perf_counter

    def keep_and_look(record: Record) -> None:
        on_record(record)
        reached = stopping_rule.enough(record, clock())
        if reached and session.ended_by is None and all_once():
            session.ended_by = reached
            session.stop.set()

    return keep_and_look
