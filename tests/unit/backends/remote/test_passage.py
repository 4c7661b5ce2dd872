"""What a request's latency counts from, and up to where."""

from __future__ import annotations

import time

import pytest

from backends.remote.delivery import _Parcel


def parcel(planned_s: float | None, *, sending_s: float, received_s: float | None) -> _Parcel:
    made = _Parcel("message", planned_s, 0.1)
    timeline = made.next_attempt()
    timeline.begin_s, timeline.sending_s, timeline.received_s = sending_s - 0.001, sending_s, received_s
    return made


@pytest.mark.parametrize(
    ("planned_s", "latency_ms"),
    [(None, 20.0), (99.5, 520.0), (100.0, 20.0), (100.0005, 20.0)],
    ids=["no plan", "sent late", "sent in time", "sent early"],
)
def test_latency_is_from_the_plan_or_an_earlier_sending_to_the_last_byte(planned_s, latency_ms) -> None:
    passage = parcel(planned_s, sending_s=100.0, received_s=100.02).passage()

    assert passage.latency_ms == pytest.approx(latency_ms)
    assert passage.begin_s == 100.0


def test_without_an_answer_it_lasts_until_now() -> None:
    begin_s = time.perf_counter()

    passage = parcel(begin_s, sending_s=begin_s, received_s=None).passage()

    assert 0 <= passage.latency_ms <= (time.perf_counter() - begin_s) * 1000
