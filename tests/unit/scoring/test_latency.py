from __future__ import annotations

from collections.abc import Callable

import pytest

from sv_eval.records import Record
from sv_eval.scoring.latency import latency_by_duration, latency_by_emotion, latency_summary
from sv_eval.scoring.table import RecordTable

Make = Callable[..., Record]


def table(records: list[Record]) -> RecordTable:
    return RecordTable.from_records(records)


def test_only_first_answers_of_one_session_are_measured(record: Make) -> None:
    records = [record(f"a{i}", "sad", "sad", session=0) for i in range(3)]
    records += [record(f"b{i}", "sad", "sad", session=1, latency_ms=70.0) for i in range(5)]
    records += [record("c", "sad", "sad", attempts=2), record("d", "sad", "failed", attempts=3)]
    records += [record("e", "sad", "sad", latency_ms=None)]

    found = latency_summary(table(records), confidence=0.95)

    assert (found.n, found.session, found.mean_ms) == (5, 1, 70.0)
    assert found.to_json()["excluded"] == {"resumed": 3, "retried": 1, "failed": 1, "unmeasured": 1}


def test_of_sessions_with_equally_many_records_the_last_counts(record: Make) -> None:
    records = [record(f"{i}", "sad", "sad", session=i % 2) for i in range(4)]

    assert latency_summary(table(records), confidence=0.95).session == 1


def test_rtf_counts_a_batch_once(record: Make) -> None:
    records = [record(f"{i}", "sad", "sad", latency_ms=400.0, batch_size=4, audio_s=2.0) for i in range(4)]

    assert latency_summary(table(records), confidence=0.95).rtf == pytest.approx(0.4 / 8.0)


def test_nothing_measured_is_null_with_the_reason(record: Make) -> None:
    data = latency_summary(table([record("a", "sad", "failed")]), confidence=0.95).to_json()

    assert (data["n"], data["mean"], data["reason"]) == (0, None, "no clean record")
    assert data["p50"]["reason"] == "n too small: 0 of 11"


def test_bins_hold_their_lower_edge_and_the_last_is_open(record: Make) -> None:
    records = [record(f"{s}", "sad", "sad", audio_s=s) for s in (0.5, 2.0, 3.9, 4.0, 100.0)]

    bins = latency_by_duration(table(records), (0.0, 2.0, 4.0), confidence=0.95)

    assert [(each.label, each.n) for each in bins] == [("0-2 s", 1), ("2-4 s", 2), ("4 s and more", 2)]


def test_each_emotion_has_its_own_median(record: Make) -> None:
    records = [record(f"s{i}", "sad", "sad", latency_ms=100.0 + i) for i in range(11)]
    records += [record(f"h{i}", "happy", "sad", latency_ms=1.0) for i in range(3)]

    found = latency_by_emotion(table(records), ("sad", "happy"), confidence=0.95)

    assert found["sad"][0].value == 105.0
    assert found["happy"][0].reason == "n too small: 3 of 11"
