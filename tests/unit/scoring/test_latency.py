from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from msgspec import UNSET

from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Record
from sv_eval.report.interval import Interval
from sv_eval.report.latency import Excluded
from sv_eval.report.reasons import Why
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.latency import (
    latency_by_duration,
    latency_by_emotion,
    latency_histogram,
    latency_of,
    stage_times,
)
from sv_eval.scoring.scope import Scope, scope_of

Make = Callable[..., Record]


def scope(records: list[Record], **options: Any) -> Scope:
    return scope_of(RunRecords.of_records(records), ScoringConfig(confidence=0.95, **options))


def test_only_first_answers_of_one_session_are_measured(record: Make) -> None:
    records = [record(f"a{i}", "sad", "sad", session=0) for i in range(3)]
    records += [record(f"b{i}", "sad", "sad", session=1, latency_ms=70.0) for i in range(5)]
    records += [record("c", "sad", "sad", attempts=2), record("d", "sad", "failed", attempts=3)]
    records += [record("e", "sad", "sad", latency_ms=None)]

    found = latency_of(scope(records))

    assert (found.n, found.session, found.mean) == (5, 1, 70.0)
    assert found.excluded == Excluded(resumed=3, retried=1, failed=1, unmeasured=1)


def test_of_sessions_with_equally_many_records_the_last_counts(record: Make) -> None:
    records = [record(f"{i}", "sad", "sad", session=i % 2) for i in range(4)]

    assert latency_of(scope(records)).session == 1


def test_rtf_counts_a_batch_once(record: Make) -> None:
    records = [record(f"{i}", "sad", "sad", latency_ms=400.0, batch_size=4, audio_s=2.0) for i in range(4)]

    assert scope(records).timing.rtf == pytest.approx(0.4 / 8.0)


def in_calls(record: Make, calls: int, size: int, *, gap_s: float) -> list[Record]:
    """Records of `calls` calls of `size` clips of 2 s each; call i takes 100 + i ms, one is sent each `gap_s`."""
    return [
        record(
            f"{call:03d}-{i}",
            "sad" if i else "happy",
            "sad",
            latency_ms=100.0 + call,
            batch_size=size,
            call=call,
            sent_s=call * gap_s,
        )
        for call in range(calls)
        for i in range(size)
    ]


def test_rtf_counts_the_time_in_which_calls_overlap_once(record: Make) -> None:
    records = [
        record("a", "sad", "sad", latency_ms=1000.0, call=0, sent_s=0.0),
        record("b", "sad", "sad", latency_ms=1500.0, call=1, sent_s=0.5),
        record("c", "sad", "sad", latency_ms=200.0, call=2, sent_s=0.6),
        record("d", "sad", "sad", latency_ms=1000.0, call=3, sent_s=5.0),
    ]

    assert scope(records).timing.rtf == pytest.approx((2.0 + 1.0) / 8.0)


@pytest.mark.parametrize("size", [1, 4])
def test_rtf_of_calls_in_a_row_is_their_sum_whatever_the_gaps(record: Make, size: int) -> None:
    records = in_calls(record, 10, size, gap_s=3.0)

    found = scope(records).timing.rtf

    assert found == pytest.approx(sum(0.1 + i / 1000 for i in range(10)) / (10 * size * 2.0))


@pytest.mark.parametrize(
    ("size", "gap_s", "reason"),
    [(1, 1.0, None), (1, 0.05, "several calls were in flight at once"), (4, 1.0, "may share a call")],
)
def test_rtf_by_length_is_given_only_where_a_clip_had_its_call_to_itself(
    record: Make, size: int, gap_s: float, reason: str | None
) -> None:
    records = in_calls(record, 3, size, gap_s=gap_s)

    first, second = latency_by_duration(scope(records, duration_bins_s=(0.0, 2.0)))

    assert (first.rtf, first.rtf_reason, str(first.reason)) == (None, UNSET, "no clean record")
    if reason is None:
        assert second.rtf == pytest.approx(0.303 / 6.0)
        assert second.rtf_reason is UNSET
    else:
        assert second.rtf is None
        assert reason in str(second.rtf_reason)


def test_clips_of_one_call_are_one_measurement(record: Make) -> None:
    found = latency_of(scope(in_calls(record, 25, 8, gap_s=1.0)))

    assert (found.n, found.n_calls) == (200, 25)
    assert found.p95 == Interval(value=None, n=200, n_calls=25, reason=Why.of("too_few_calls", n=25, needed=130))
    assert str(found.p95.reason) == "n too small: 25 calls of 130"
    assert (found.p50.value, found.p50.n, found.p50.n_calls) == (112.0, 200, 25)
    assert found.mean == pytest.approx(112.0)


def test_a_batched_percentile_is_that_of_its_calls(record: Make) -> None:
    batched = latency_of(scope(in_calls(record, 150, 8, gap_s=1.0))).p95
    single = latency_of(scope(in_calls(record, 150, 1, gap_s=1.0))).p95

    assert (batched.value, batched.low, batched.high) == (single.value, single.low, single.high)


def test_an_emotion_has_the_calls_that_hold_a_clip_of_it(record: Make) -> None:
    records = in_calls(record, 20, 8, gap_s=1.0)

    found = latency_by_emotion(scope(records, labels=("sad", "happy")))

    assert [(each.p50.n, each.p50.n_calls) for each in found.values()] == [(140, 20), (20, 20)]
    assert str(found["sad"].p95.reason) == "n too small: 20 calls of 130"


def test_the_histogram_counts_calls(record: Make) -> None:
    found = latency_histogram(scope(in_calls(record, 25, 8, gap_s=1.0)).timing.calls.latency_ms)

    assert found is not None
    assert sum(found.counts) == 25


def test_records_without_call_numbers_count_a_batch_by_its_common_latency(record: Make) -> None:
    records = [record(f"{i}", "sad", "sad", latency_ms=100.0 + i // 4, batch_size=4) for i in range(12)]
    records += [record(f"x{i}", "sad", "sad", latency_ms=50.0) for i in range(2)]

    assert latency_of(scope(records)).n_calls == 5


def test_nothing_measured_is_null_with_the_reason(record: Make) -> None:
    found = latency_of(scope([record("a", "sad", "failed")]))

    assert (found.n, found.mean, str(found.reason)) == (0, None, "no clean record")
    assert str(found.p50.reason) == "n too small: 0 of 11"


def test_bins_hold_their_lower_edge_and_the_last_is_open(record: Make) -> None:
    records = [record(f"{s}", "sad", "sad", audio_s=s) for s in (0.5, 2.0, 3.9, 4.0, 100.0)]

    bins = latency_by_duration(scope(records, duration_bins_s=(0.0, 2.0, 4.0)))

    assert [(each.label, each.n) for each in bins] == [("0-2 s", 1), ("2-4 s", 2), ("4 s and more", 2)]


def test_each_emotion_has_its_own_median(record: Make) -> None:
    records = [record(f"s{i}", "sad", "sad", latency_ms=100.0 + i) for i in range(11)]
    records += [record(f"h{i}", "happy", "sad", latency_ms=1.0) for i in range(3)]

    found = latency_by_emotion(scope(records, labels=("sad", "happy")))

    assert found["sad"].p50.value == 105.0
    assert str(found["happy"].p50.reason) == "n too small: 3 of 11"


def test_stages_count_calls_as_the_latency_does(record: Make) -> None:
    records = [
        replace(
            one, prediction=replace(one.prediction, stages_ms={"inference": 5.0 + number // 8 + 0.1 * (number % 8)})
        )
        for number, one in enumerate(in_calls(record, 25, 8, gap_s=1.0))
        if one.prediction is not None
    ]

    found = stage_times(scope(records))["inference"]

    assert found.n == 200
    assert (found.p50.n, found.p50.n_calls) == (200, 25)
    # A call's clips leave a stage together, when the last of them is through.
    assert found.p50.value == pytest.approx(5.0 + 12 + 0.7)
    assert found.p95 == Interval(value=None, n=200, n_calls=25, reason=Why.of("too_few_calls", n=25, needed=130))
