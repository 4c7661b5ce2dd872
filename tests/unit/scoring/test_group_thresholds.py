"""Thresholds of random models are those that others published, as far as draws can be alike."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from sv_eval.scoring.group_thresholds import (
    SPARSE,
    UNIFORM,
    Threshold,
    bin_probabilities,
    enough_in_bins,
    interpolated,
    mean_threshold,
    recall_thresholds,
    share_threshold,
    truncated_gaussian,
)

PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "facts" / "ser_tests_thresholds.csv"
FEW: Mapping[tuple[str, int, int], tuple[float, float]] = {
    # Kind, samples in a group, groups: the published maximum and 99th percentile of 1,000 draws.
    ("share_uniform", 20, 2): (0.275, 0.2), ("share_uniform", 100, 6): (0.1367, 0.115),
    ("share_sparse", 100, 6): (0.14, 0.1183), ("share_uniform", 1000, 30): (0.054, 0.0409),
    ("bin", 100, 6): (0.1583, 0.125), ("mean", 20, 2): (0.0946, 0.0682), ("mean", 100, 6): (0.0486, 0.0355),
    ("uar", 100, 6): (0.129, 0.11), ("recall", 100, 6): (0.314, 0.253), ("uar", 1000, 30): (0.048, 0.035),
}  # fmt: skip
CHOICES = {"uniform": UNIFORM, "sparse": SPARSE}


def ours(kind: str, n: int, groups: int, seed: int = 0) -> Threshold:
    if kind.startswith("share"):
        return share_threshold(n, groups, probabilities=CHOICES[kind.removeprefix("share_")], seed=seed)
    if kind == "bin":
        return share_threshold(n, groups, probabilities=bin_probabilities(), seed=seed)
    if kind == "mean":
        return mean_threshold(n, groups, seed=seed)
    uar, recall = recall_thresholds(n, groups, seed=seed)
    return uar if kind == "uar" else recall


@pytest.mark.parametrize(("kind", "n", "groups"), FEW)
def test_a_published_threshold_lies_among_those_of_other_seeds(kind: str, n: int, groups: int) -> None:
    largest, p99 = FEW[kind, n, groups]

    found = [ours(kind, n, groups, seed) for seed in range(30)]

    for published, drawn in ((largest, [one.largest for one in found]), (p99, [one.p99 for one in found])):
        # Differences of shares come in steps of one sample.
        room = 1 / (n * groups) + 3 * float(np.std(drawn))
        assert min(drawn) - room <= published <= max(drawn) + room


def test_all_published_thresholds_of_shares_means_and_recalls_are_met() -> None:
    if not PUBLISHED.is_file():
        pytest.skip("the published table is not at hand")
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["varied"] != "True"]
    ratios: dict[str, list[float]] = {}
    for row in rows:
        n, groups, kind = int(row["n_samples"]), int(row["n_groups"]), row["simulation"]
        p99 = float(row["99_perc"])
        if kind == "relative_difference_per_class":
            found = share_threshold(n, groups, probabilities=CHOICES[row["distribution"]]).p99
        elif kind == "relative_difference_per_bin":
            found = share_threshold(n, groups, probabilities=bin_probabilities()).p99
        elif kind in ("recall", "recall_per_class"):
            truth, answers = CHOICES[row["distribution_truth"]], CHOICES[row["distribution_pred"]]
            both = recall_thresholds(n, groups, truth=truth, answers=answers)
            found = both[kind == "recall_per_class"].p99
        else:
            continue
        ratios.setdefault(kind, []).append(found / p99)

    assert {kind: len(each) for kind, each in ratios.items()} == {
        "relative_difference_per_class": 228, "relative_difference_per_bin": 114,
        "recall": 456, "recall_per_class": 456,
    }  # fmt: skip
    for each in ratios.values():
        # Neither side is systematically larger; single draws scatter by their seeds.
        assert np.median(each) == pytest.approx(1, abs=0.02)
        assert np.quantile(np.abs(np.log(each)), 0.95) < 0.25


def test_a_threshold_between_two_numbers_lies_on_the_line_between_theirs() -> None:
    published = {20: 0.275, 40: 0.175, 60: 0.1416667}

    assert interpolated(published, 20) == 0.275
    assert interpolated(published, 25) == 0.25
    assert interpolated(published, 50) == pytest.approx(0.15833335, abs=1e-9)
    assert interpolated(published, 5) == 0.275
    assert interpolated(published, 5000) == 0.1416667


def test_more_samples_and_fewer_groups_leave_less_to_chance() -> None:
    by_n = [share_threshold(n, 6).p99 for n in (20, 60, 200, 1000)]
    by_groups = [share_threshold(100, groups).p99 for groups in (2, 6, 30)]

    assert by_n == sorted(by_n, reverse=True)
    assert by_groups == sorted(by_groups)


def test_the_gaussian_is_truncated_and_its_bins_are_as_large_as_they_say() -> None:
    values = truncated_gaussian(np.random.default_rng(0), (200_000,))

    counts, _ = np.histogram(values, bins=4, range=(0, 1))
    assert values.min() >= 0
    assert values.max() <= 1
    assert values.mean() == pytest.approx(0.5, abs=0.002)
    assert counts / len(values) == pytest.approx(bin_probabilities(), abs=0.004)


def test_bins_with_too_few_samples_are_skipped() -> None:
    assert enough_in_bins([0, 50, 50, 0]) == (False, True, True, False)
    assert enough_in_bins([10, 40, 40, 10]) == (True, True, True, True)
