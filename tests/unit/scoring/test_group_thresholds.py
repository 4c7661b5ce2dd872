"""Thresholds of random models are those that others published, as far as draws can be alike."""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from sv_eval.scoring.error_thresholds import ClassThresholds, ValueThresholds, class_thresholds, value_thresholds
from sv_eval.scoring.group_thresholds import (
    SPARSE,
    UNIFORM,
    Threshold,
    bin_probabilities,
    enough_in_bins,
    interpolated,
    mean_shift_threshold,
    mean_threshold,
    share_shift_threshold,
    share_threshold,
    truncated_gaussian,
)

PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "facts" / "ser_tests_thresholds.csv"
FEW: Mapping[tuple[str, int, int], tuple[float, float]] = {
    # Kind, samples in a group, groups: the published maximum and 99th percentile of 1,000 draws.
    ("share_uniform", 20, 2): (0.275, 0.2), ("share_uniform", 100, 6): (0.1367, 0.115),
    ("share_sparse", 100, 6): (0.14, 0.1183), ("share_uniform", 1000, 30): (0.054, 0.0409),
    ("bin", 100, 6): (0.1583, 0.125), ("mean", 20, 2): (0.0946, 0.0682), ("mean", 100, 6): (0.0486, 0.0355),
    ("recall", 100, 6): (0.129, 0.11), ("recall_per_class", 100, 6): (0.314, 0.253),
    ("recall", 1000, 30): (0.048, 0.035), ("precision", 100, 6): (0.1277, 0.1095),
    ("precision_per_class", 100, 6): (0.3744, 0.2449), ("share_shift", 100, 6): (0.1111, 0.0945),
    ("mean_shift", 100, 6): (0.0362, 0.0302), ("ccc", 20, 2): (0.4892, 0.3973), ("ccc", 100, 6): (0.2846, 0.2337),
    ("mae", 20, 2): (0.0703, 0.057), ("mae", 100, 6): (0.0386, 0.0332), ("mde", 100, 6): (0.0656, 0.0536),
}  # fmt: skip
CHOICES = {"uniform": UNIFORM, "sparse": SPARSE}


def ours(kind: str, n: int, groups: int, seed: int = 0) -> Threshold:
    if kind == "share_shift":
        return share_shift_threshold(n, groups, seed=seed)
    if kind.startswith("share"):
        return share_threshold(n, groups, probabilities=CHOICES[kind.removeprefix("share_")], seed=seed)
    if kind == "bin":
        return share_threshold(n, groups, probabilities=bin_probabilities(), seed=seed)
    if kind in ("mean", "mean_shift"):
        return (mean_threshold if kind == "mean" else mean_shift_threshold)(n, groups, seed=seed)
    if kind in ("ccc", "mae", "mde"):
        return cast("Threshold", getattr(value_thresholds(n, groups, seed=seed), kind))
    return cast("Threshold", getattr(class_thresholds(n, groups, seed=seed), kind))


@pytest.mark.parametrize(("kind", "n", "groups"), FEW)
def test_a_published_threshold_lies_among_those_of_other_seeds(kind: str, n: int, groups: int) -> None:
    largest, p99 = FEW[kind, n, groups]

    found = [ours(kind, n, groups, seed) for seed in range(20)]

    for published, drawn in ((largest, [one.largest for one in found]), (p99, [one.p99 for one in found])):
        # Differences of shares come in steps of one sample.
        room = 1 / (n * groups) + 3 * float(np.std(drawn))
        assert min(drawn) - room <= published <= max(drawn) + room


def of_row(row: Mapping[str, str]) -> Threshold | None:
    """What we draw for a row of the published table; None for values whose truth differs, and for too many."""
    n, groups, kind, varied = (
        int(row["n_samples"]),
        int(row["n_groups"]),
        row["simulation"],
        row["varied"] == "True",
    )
    bins = bin_probabilities()
    if kind in ("relative_difference_per_class", "class_shift_diff"):
        draw = share_threshold if kind.startswith("relative") else share_shift_threshold
        return draw(n, groups, probabilities=CHOICES[row["distribution"]])
    if kind in ("relative_difference_per_bin", "bin_shift_diff"):
        draw = share_threshold if kind.startswith("relative") else share_shift_threshold
        return draw(n, groups, probabilities=bins)
    if kind.startswith(("recall", "precision")):
        if kind.endswith("bin"):
            return None if varied else of_classes(n, groups, bins, bins, kind.replace("bin", "class"), varied)
        truth, answers = CHOICES[row["distribution_truth"]], CHOICES[row["distribution_pred"]]
        return of_classes(n, groups, truth, answers, kind, varied)
    if varied or n * groups > 800:
        return None
    if kind in ("mean", "mean_shift_diff"):
        return (mean_threshold if kind == "mean" else mean_shift_threshold)(n, groups)
    return cast("Threshold", getattr(of_values(n, groups), kind))


@functools.cache
def of_values(n: int, groups: int) -> ValueThresholds:
    return value_thresholds(n, groups)


@functools.cache
def all_of_classes(
    n: int, groups: int, truth: tuple[float, ...], answers: tuple[float, ...], varied: bool
) -> ClassThresholds:
    return class_thresholds(n, groups, truth=truth, answers=answers, varied=varied)


def of_classes(
    n: int, groups: int, truth: tuple[float, ...], answers: tuple[float, ...], kind: str, varied: bool
) -> Threshold:
    return cast("Threshold", getattr(all_of_classes(n, groups, truth, answers, varied), kind))


def test_published_thresholds_of_every_kind_are_met() -> None:
    if not PUBLISHED.is_file():
        pytest.skip("the published table is not at hand")
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["n_groups"] in ("2", "6", "30")]
    ratios: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        found = of_row(row)
        if found is not None:
            ratios.setdefault((row["simulation"], row["varied"]), []).append(found.p99 / float(row["99_perc"]))

    of_classes_alone = ("recall", "precision", "recall_per_class", "precision_per_class")
    assert {kind for kind, _ in ratios} == {row["simulation"] for row in rows}
    assert {kind for kind, varied in ratios if varied == "True"} == set(of_classes_alone)
    assert sum(map(len, ratios.values())) > 1700
    for each in ratios.values():
        # Neither side is systematically larger; single draws scatter by their seeds.
        assert np.median(each) == pytest.approx(1, abs=0.025)
        assert np.quantile(np.abs(np.log(each)), 0.95) < 0.25


def test_groups_whose_truth_differs_lie_further_apart() -> None:
    for figure in ("recall", "recall_per_class", "precision", "precision_per_class"):
        alike, apart = (of_classes(200, 6, SPARSE, SPARSE, figure, varied).p99 for varied in (False, True))
        assert apart > 1.2 * alike


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
