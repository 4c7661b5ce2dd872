"""Whether labels drift between splits, held against scipy and against chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sv_eval.data.audit.drift import label_drift

LABELS = ("angry", "happy", "neutral", "sad")
COUNTS = st.integers(20, 3000)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(COUNTS, min_size=3, max_size=3), min_size=2, max_size=4))
def test_the_test_is_that_of_scipy(table: list[list[int]]) -> None:
    from scipy.stats import chi2_contingency

    theirs = chi2_contingency(table, correction=False)
    splits = {f"split{row}": dict(zip(LABELS, counts, strict=False)) for row, counts in enumerate(table)}
    if theirs.expected_freq.min() < 5:
        return

    ours = label_drift(splits)

    assert ours is not None
    assert ours.chi2 == pytest.approx(theirs.statistic, rel=1e-6, abs=1e-6)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-12)
    assert ours.df == theirs.dof
    assert 0 <= ours.v <= 1


def test_labels_that_tell_the_split() -> None:
    drift = label_drift({"train": {"sad": 1000}, "test": {"happy": 1000}})

    assert drift is not None
    assert drift.p == 0
    assert drift.v == pytest.approx(1, abs=0.001)


def test_a_small_shift_in_a_large_corpus_has_a_small_effect() -> None:
    drift = label_drift({"train": {"sad": 50_000, "happy": 50_000}, "test": {"sad": 26_000, "happy": 24_000}})

    assert drift is not None
    assert drift.p < 1e-12
    assert drift.v < 0.05


def test_rare_labels_are_taken_together() -> None:
    drift = label_drift({"train": {"a": 90, "b": 90, "c": 2, "d": 1}, "test": {"a": 90, "b": 90, "d": 3}})

    assert drift is not None
    assert drift.pooled[:1] + drift.pooled[-1:] == ("a", "d") or set(drift.pooled) >= {"c", "d"}
    assert drift.p > 0.1


@pytest.mark.parametrize(
    "counts",
    [{}, {"train": {"a": 5}}, {"train": {"a": 50}, "test": {"a": 50}}, {"train": {"a": 2}, "test": {"b": 1}},
     {"train": {}, "test": {}}],
)  # fmt: skip
def test_nothing_to_compare(counts: dict[str, dict[str, int]]) -> None:
    assert label_drift(counts) is None


@pytest.mark.parametrize("sizes", [(60, 30), (400, 100), (5000, 500)])
def test_false_alarms_are_as_rare_as_is_stated(sizes: tuple[int, int]) -> None:
    """Splits drawn alike: p below 0.05 in about one of twenty, an alarm by both criteria hardly ever."""
    generator = np.random.default_rng(7)
    shares = [0.45, 0.3, 0.15, 0.08, 0.02]
    below, alarms, n = 0, 0, 2000
    for _ in range(n):
        drawn = [generator.multinomial(size, shares) for size in sizes]
        splits = {
            name: dict(zip("abcde", map(int, row), strict=True)) for name, row in zip("xy", drawn, strict=True)
        }
        drift = label_drift(splits)
        assert drift is not None
        below += drift.p < 0.05
        alarms += drift.p < 0.001 and drift.v >= 0.1

    # Three standard errors of a binomial share.
    assert below / n < 0.05 + 3 * (0.05 * 0.95 / n) ** 0.5
    assert alarms / n < 0.001 + 3 * (0.001 * 0.999 / n) ** 0.5
