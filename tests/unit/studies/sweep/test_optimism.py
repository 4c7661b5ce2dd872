"""What is said of the best setting's optimism: right on average, and nothing where nothing can be said."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sv_eval.scoring.clusters import Clusters
from sv_eval.studies.sweep.optimism import optimism
from sv_eval.studies.sweep.units import PairedUnits

Floats = NDArray[np.float64]


def units_of(scored: Floats, right: Floats, multiplicity: NDArray[np.int64] | None = None) -> PairedUnits:
    """Units by counts [settings, labels, groups]."""
    number = np.ones(scored.shape[-1], np.int64) if multiplicity is None else multiplicity
    counts = np.concatenate([np.broadcast_to(scored, right.shape), right]).astype(np.float64)
    clusters = Clusters(counts=counts, multiplicity=number, kind="speaker")
    return PairedUnits(counts=clusters, n_clips=int(scored[0].sum()), n_left_out=0)


def drawn(rng: np.random.Generator, chance: Floats, *, speakers: int, clips: int = 6) -> PairedUnits:
    """Settings with these chances of a right answer; all speakers are alike."""
    right = rng.binomial(clips, chance[:, None, None], (len(chance), 3, speakers)).astype(np.float64)
    return units_of(np.full((1, 3, speakers), float(clips)), right)


@pytest.mark.parametrize("speakers", [2, 4, 10, 20])
@pytest.mark.parametrize("differ", [0.0, 0.05])
def test_it_is_what_the_best_setting_loses_on_others(speakers: int, differ: float) -> None:
    rng, chance, rounds = np.random.default_rng(speakers), 0.6 + np.linspace(-differ, differ, 20), 300
    real, said = np.empty(rounds), np.empty(rounds)
    for run in range(rounds):
        units = drawn(rng, chance, speakers=speakers)
        uar = units.uar()
        real[run] = uar.max() - chance[uar.argmax()]
        said[run] = optimism(units, seed=run)

    error = np.hypot(real.std(), said.std()) / np.sqrt(rounds)
    # Settings that differ are picked worse by fewer speakers, most so by one of two.
    assert -3 * error < said.mean() - real.mean() < 3 * error + (0.15 * real.mean() if differ else 0)
    assert (said > -1e-12).all()


def test_a_setting_that_is_best_for_everybody_is_not_flattered() -> None:
    units = drawn(np.random.default_rng(0), np.array([0.2, 1.0, 0.3]), speakers=9)

    assert optimism(units, seed=0) == pytest.approx(0.0)


def test_of_two_speakers_each_picks_for_the_other() -> None:
    right = np.array([[[10.0, 2.0]], [[4.0, 9.0]], [[5.0, 5.0]]])

    # The second setting is the best of all, with 13 of 20. The first speaker picks the first one, which is right
    # 2 times for the second speaker, who picks the second one, which is right 4 times for the first.
    assert optimism(units_of(np.full((1, 1, 2), 10.0), right), seed=0) == pytest.approx((13 - 2 - 4) / 20)


def test_a_group_of_clips_is_as_good_as_each_of_them() -> None:
    rng = np.random.default_rng(1)
    for number in (np.array([2, 1, 1]), np.array([30, 21, 17])):
        right = rng.integers(0, 2, (8, 2, 3)).astype(np.float64)

        grouped = optimism(units_of(np.ones((1, 2, 3)), right, number), seed=2)
        repeated = np.repeat(right, number, axis=2)
        one_by_one = optimism(units_of(np.ones((1, 2, number.sum())), repeated), seed=2)

        assert grouped == pytest.approx(one_by_one)


def test_a_label_that_only_two_speakers_have_is_kept_in_sight() -> None:
    rng = np.random.default_rng(3)
    scored = np.full((1, 2, 12), 5.0)
    scored[0, 1, 2:] = 0

    found = optimism(units_of(scored, rng.binomial(scored.astype(int), 0.5, (6, 2, 12)).astype(float)), seed=0)

    assert found is not None
    assert 0 <= found < 0.5


def test_one_speaker_says_nothing_of_others() -> None:
    assert optimism(drawn(np.random.default_rng(4), np.full(5, 0.5), speakers=1), seed=0) is None


def test_settings_that_never_answer_a_label_are_not_picked() -> None:
    scored = np.full((3, 2, 6), 5.0)
    scored[0, 1] = 0
    right = np.full((3, 2, 6), 3.0)
    right[0, 0], right[0, 1] = 5.0, 0.0

    assert optimism(units_of(scored, right), seed=0) == pytest.approx(0.0)
