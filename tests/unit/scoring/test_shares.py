"""What left the samples is counted, overall and by emotion, with bounds that allow for bursts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sv_eval.record_file.run_records import RunRecords
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.scope import scope_of
from sv_eval.scoring.shares import clopper_pearson, share, shares_of
from sv_eval.scoring.timing import timing_of


def shares(records, **options):
    return shares_of(scope_of(RunRecords.of_records(records), ScoringConfig(confidence=0.95)), **options)


@pytest.mark.parametrize(("n", "of"), [(0, 20), (3, 20), (20, 20), (1, 1), (17, 400)])
def test_bounds_are_those_of_clopper_and_pearson(n, of):
    found = stats.binomtest(n, of).proportion_ci(0.95, method="exact")

    assert clopper_pearson(n, of, 0.95) == pytest.approx((found.low, found.high))


def test_fewer_independent_requests_have_wider_bounds():
    plain, burst = share(20, 400, 0.95), share(20, 400, 0.95, inflation=10.0)

    assert plain.value == burst.value == 0.05
    assert burst.low < plain.low
    assert burst.high > plain.high
    assert burst.worth == 40


def test_every_way_of_leaving_is_counted(record):
    records = [record(f"a{i:02}", "sad", "sad", sent_s=i * 1.0, call=i) for i in range(20)]
    records += [record("b0", "sad", "failed", attempts=3), record("b1", "happy", "failed")]
    records += [record("c0", "happy", "happy", attempts=2, latency_ms=900.0)]
    records += [record("d0", "happy", "unknown"), record("d1", "happy", "no_tag"), record("d2", "sad", "no_speech")]
    records += [record("e0", "sad", "sad", session=1)]

    found = shares(records, max_late_ms=5.0)

    counts = {
        name: getattr(found, name).n for name in ("failed", "retried", "resumed", "unknown", "no_tag", "no_speech")
    }
    assert counts == {"failed": 2, "retried": 1, "resumed": 1, "unknown": 1, "no_tag": 1, "no_speech": 1}
    assert found.failed.of == 27
    assert found.resumed.of == 25
    assert found.late.value is None
    happy = found.by_emotion["happy"]
    assert (happy.failed.n, happy.failed.of, happy.retried.n, happy.unknown.n) == (1, 4, 1, 1)


def test_a_burst_of_failures_is_worth_few_of_them(record):
    def run(places):
        return [
            record(f"{i:03}", "sad", "failed" if i in places else "sad", sent_s=float(i), call=i)
            for i in range(400)
        ]

    burst = shares(run(range(100, 140)), max_late_ms=5.0).failed
    spread = shares(
        run(set(np.random.default_rng(0).choice(400, 40, replace=False).tolist())), max_late_ms=5.0
    ).failed

    assert burst.n == spread.n == 40
    assert burst.worth < 60
    assert burst.high - burst.low > 1.5 * (spread.high - spread.low)


def test_what_callers_waited_has_every_answer(record):
    records = [record(f"a{i}", "sad", "sad", session=0, latency_ms=500.0) for i in range(3)]
    records += [record(f"b{i}", "sad", "sad", session=1, latency_ms=50.0) for i in range(5)]
    records += [record("c", "sad", "sad", attempts=2, session=1, latency_ms=2000.0), record("d", "sad", "failed")]

    found = timing_of(RunRecords.of_records(records).requests)

    assert sorted(found.waited.latency_ms.tolist()) == [50.0] * 5 + [500.0] * 3 + [2000.0]
    assert sorted(found.calls.sample.latency_ms.tolist()) == [50.0] * 5
