"""What a request's latency counts from."""

from __future__ import annotations

import time

import pytest

from backends.remote.delivery import _Parcel


@pytest.mark.parametrize(
    ("planned_before_s", "sent_before_s", "latency_s"),
    [(None, 0.02, 0.02), (0.5, 0.02, 0.5), (0.02, 0.02, 0.02), (0.01, 0.02, 0.02)],
    ids=["no plan", "sent late", "sent in time", "sent early"],
)
def test_latency_is_from_the_plan_or_an_earlier_sending(planned_before_s, sent_before_s, latency_s) -> None:
    now = time.perf_counter()
    parcel = _Parcel("message", None if planned_before_s is None else now - planned_before_s, 0.1)
    timeline = parcel.next_attempt()
    timeline.begin_s, timeline.sending_s = now - sent_before_s - 0.001, now - sent_before_s

    passage = parcel.passage()
    later_s = time.perf_counter() - now

    assert passage.begin_s == now - sent_before_s
    assert latency_s - 1e-6 <= passage.latency_ms / 1000 <= latency_s + later_s + 1e-6
