from __future__ import annotations

import numpy as np
import pytest

from sv_eval.scoring.mean_bounds import correlations, mean_bounds

VALUES, LOW, HIGH = np.array([0.8, 0.5]), np.array([0.7, 0.0]), np.array([0.85, 1.0])


def test_independent_labels_add_their_squares() -> None:
    low, high = mean_bounds(VALUES, LOW, HIGH, np.eye(2))

    assert low == pytest.approx(0.65 - np.hypot(0.1, 0.5) / 2)
    assert high == pytest.approx(0.65 + np.hypot(0.05, 0.5) / 2)


def test_labels_that_go_together_reach_what_their_bounds_allow_and_no_further() -> None:
    assert mean_bounds(VALUES, LOW, HIGH, np.ones((2, 2))) == pytest.approx((0.35, 0.925))


@pytest.mark.parametrize(("clusters", "expected"), [(3, 0.0), (8, -1.0)])
def test_a_negative_correlation_is_believed_from_enough_clusters_only(clusters: int, expected: float) -> None:
    step = np.linspace(-0.1, 0.1, clusters)
    step[step == 0.0] = 0.01

    found = correlations(VALUES, VALUES[:, None] + np.stack([step, -step]), np.ones(clusters), 0.3)

    assert found[0, 1] == pytest.approx(expected)


def test_the_likeness_stands_in_for_a_label_that_never_changes() -> None:
    without = VALUES[:, None] + np.stack([np.linspace(-0.1, 0.1, 6), np.zeros(6)])

    found = correlations(VALUES, without, np.ones(6), 0.3)

    np.testing.assert_allclose(found, [[1.0, 0.3], [0.3, 1.0]])


def test_a_cluster_that_alone_has_a_label_tells_nothing_of_it() -> None:
    without = np.array([[0.7, 0.9, 0.8], [np.nan, 0.5, 0.5]])

    assert correlations(VALUES, without, np.ones(3), 0.3)[0, 1] == 0.3
