"""What a request's latency counts from."""

from __future__ import annotations

import time

import pytest

from sv_eval.backends.remote.delivery import _PendingRequest


@pytest.mark.parametrize(
    ("planned_before_s", "sent_before_s", "latency_s"),
    [(None, 0.02, 0.02), (0.5, 0.02, 0.5), (0.02, 0.02, 0.02), (0.01, 0.02, 0.02)],
    ids=["no plan", "sent late", "sent in time", "sent early"],
)
def test_latency_is_from_the_plan_or_an_earlier_sending(planned_before_s, sent_before_s, latency_s) -> None:
    now = time.perf_counter()
    pending = _PendingRequest("message", None if planned_before_s is None else now - planned_before_s, 0.1)
    timeline = pending.next_attempt()
    timeline.begin_s, timeline.sending_s = now - sent_before_s - 0.001, now - sent_before_s

    passage = pending.passage()
    later_s = time.perf_counter() - now

    assert passage.begin_s == now - sent_before_s
    assert latency_s - 1e-6 <= passage.latency_ms / 1000 <= latency_s + later_s + 1e-6


def test_what_the_answer_lay_unread_is_taken_off() -> None:
    now = time.perf_counter()
    pending = _PendingRequest("message", None, 0.1)
    timeline = pending.next_attempt()
    timeline.sending_s, timeline.outside_s = now - 0.5, 0.3

    latency_s = pending.passage().latency_ms / 1000

    assert 0.2 <= latency_s <= 0.2 + (time.perf_counter() - now) + 1e-6


def test_a_caller_with_nothing_else_to_do_counts_from_sending() -> None:
    now = time.perf_counter()
    pending = _PendingRequest("message", now - 0.5, 0.1, from_sending=True)
    pending.next_attempt().sending_s = now - 0.1

    passage = pending.passage()

    assert pending.planned
    assert passage.begin_s == now - 0.1
    assert passage.latency_ms / 1000 <= 0.1 + (time.perf_counter() - now) + 1e-6
