from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import f1_score, precision_score, recall_score

from sv_eval.scoring.bootstrap import COMBINED, EXACT, FEWEST, JACKKNIFE, PERCENTILE, Bounds, bounds, likeness
from sv_eval.scoring.clusters import Clusters
from sv_eval.scoring.config import POLICIES
from sv_eval.scoring.measures import OVERALL, Measures

UAR, ACCURACY, RECALL = 0, 1, len(OVERALL)


def clusters_from(
    hits: NDArray[np.float64], clips: NDArray[np.float64], multiplicity: NDArray[np.int64] | None = None
) -> Clusters:
    """Clusters of two labels where every wrong answer is the other label; arrays [2, clusters]."""
    predicted = hits + (clips - hits)[::-1]
    zero = np.zeros_like(hits)
    counts = np.stack([clips, hits, predicted, zero, hits, predicted, zero]).astype(np.float64)
    ones = np.ones(hits.shape[1], dtype=np.int64)
    return Clusters(counts=counts, multiplicity=ones if multiplicity is None else multiplicity, kind="speaker")


def random_clusters(speakers: int, seed: int = 0, clips: int = 10) -> Clusters:
    rng = np.random.default_rng(seed)
    hits = rng.binomial(clips, rng.beta(6, 3, speakers), (2, speakers)).astype(np.float64)
    return clusters_from(hits, np.full((2, speakers), float(clips)))


def test_resamples_draw_whole_clusters_as_often_as_chance_says() -> None:
    clusters = clusters_from(np.array([[1.0, 10.0, 100.0]] * 2), np.array([[200.0] * 3] * 2))

    drawn = np.concatenate([c[1, 0] for c in clusters.resampled(resamples=27_000, seed=3)])

    expected = Counter(float(sum(draw)) for draw in product([1, 10, 100], repeat=3))
    found = Counter(drawn.tolist())
    assert set(found) == set(expected)
    for total, times in expected.items():
        assert found[total] == pytest.approx(1000 * times, rel=0.12)


def test_equal_clusters_kept_once_are_drawn_like_single_ones() -> None:
    apart = random_clusters(1, 0)
    grouped = clusters_from(
        np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([30, 70])
    )
    single = clusters_from(np.repeat(np.array([[1.0, 0.0], [0.0, 1.0]]), [30, 70], axis=1), np.ones((2, 100)))
    assert apart.n == 1

    spread = [
        np.std(np.concatenate([c[1, 0] for c in each.resampled(resamples=20_000, seed=1)]))
        for each in (grouped, single)
    ]

    assert spread[0] == pytest.approx(np.sqrt(100 * 0.3 * 0.7), rel=0.03)
    assert spread[1] == pytest.approx(spread[0], rel=0.03)


def test_the_vector_equals_scikit_learn_on_the_same_answers() -> None:
    clusters = random_clusters(40, 2)
    measures = Measures.over(clusters.total, ("wrong",))
    counts = next(clusters.resampled(resamples=3, seed=0))

    vectors = measures(counts)

    for draw in range(3):
        support, hits = counts[0, :, draw].astype(int), counts[1, :, draw].astype(int)
        truth = np.repeat([0, 1], support)
        answers = [np.repeat([label, 1 - label], [hits[label], support[label] - hits[label]]) for label in (0, 1)]
        answer = np.concatenate(answers)
        expected = [
            recall_score(truth, answer, average="macro"),
            (truth == answer).mean(),
            f1_score(truth, answer, average="macro"),
            f1_score(truth, answer, average="weighted"),
            1.0,
            *recall_score(truth, answer, average=None),
            *precision_score(truth, answer, average=None),
            *f1_score(truth, answer, average=None),
        ]
        np.testing.assert_allclose(vectors[:, draw], expected, atol=1e-12, rtol=0)


def all_bounds(clusters: Clusters, **options: float) -> list[Bounds]:
    measures = Measures.over(clusters.total, ("wrong",))
    chosen = {"confidence": 0.95, "resamples": 2000, "seed": 0} | options
    return bounds(clusters, measures, measures.facts(clusters), **chosen)  # type: ignore[arg-type]


def test_the_seed_settles_the_bounds() -> None:
    clusters = random_clusters(50)

    assert all_bounds(clusters, seed=7) == all_bounds(clusters, seed=7)
    assert all_bounds(clusters, seed=7) != all_bounds(clusters, seed=8)


def test_chunks_of_any_number_cover_all_resamples() -> None:
    clusters = random_clusters(3000)

    assert sum(c.shape[-1] for c in clusters.resampled(resamples=1001, seed=0)) == 1001


@pytest.mark.parametrize(
    ("speakers", "methods"),
    [(FEWEST, (PERCENTILE, PERCENTILE)), (FEWEST - 1, (COMBINED, JACKKNIFE))],
)
def test_few_clusters_get_student_instead_of_percentiles(speakers: int, methods: tuple[str, str]) -> None:
    found = all_bounds(random_clusters(speakers))

    assert (found[UAR].method, found[ACCURACY].method) == methods
    assert width(found[UAR]) > 0


def with_rare_label(speakers: int, rare: int, seed: int = 0) -> Clusters:
    """Two labels, the second of which only the first `rare` speakers have."""
    rng = np.random.default_rng(seed)
    clips = np.full((2, speakers), 10.0)
    clips[1, rare:] = 0
    return clusters_from(rng.binomial(clips.astype(int), rng.beta(6, 3, speakers)).astype(np.float64), clips)


def width(found: Bounds) -> float:
    assert found.low is not None
    assert found.high is not None
    return found.high - found.low


def test_a_label_of_two_speakers_costs_the_mean_no_more_than_its_share() -> None:
    clusters = with_rare_label(400, 2, seed=1)

    found = all_bounds(clusters)

    common, rare = found[RECALL], found[RECALL + 1]
    assert width(rare) > 0.5
    assert 0.5 * width(rare) <= width(found[UAR]) <= 0.5 * (width(common) + width(rare)) + 1e-9


def test_a_label_of_one_speaker_may_be_anything_and_the_mean_says_which() -> None:
    clusters = with_rare_label(400, 1)

    found = all_bounds(clusters)

    assert str(found[RECALL + 1].reason) == "one speaker only: no spread can be seen"
    assert found[UAR].free == (1,)
    assert 0.5 <= width(found[UAR]) <= 0.5 * (width(found[RECALL]) + 1.0)


def test_the_mean_of_sure_labels_is_no_surer_than_its_scarcest() -> None:
    clips = np.full((2, 400), 10.0)
    clips[1, 2:] = 0

    found = all_bounds(clusters_from(clips.copy(), clips))[UAR]

    assert found.method == COMBINED
    assert found.high == 1.0
    assert found.low is not None
    assert found.low < 0.7


def test_one_cluster_has_no_bounds_and_says_why() -> None:
    found = all_bounds(random_clusters(1))[ACCURACY]

    assert (found.low, found.high) == (None, None)
    assert str(found.reason) == "one speaker only: no spread can be seen"


def test_clusters_that_are_all_alike_have_no_bounds_and_say_why() -> None:
    found = all_bounds(clusters_from(np.full((2, 40), 5.0), np.full((2, 40), 10.0)))[UAR]

    assert (found.low, found.high) == (None, None)
    assert "alike" in str(found.reason)


def test_all_right_is_not_certainty_and_a_whole_cluster_counts_once_if_nothing_is_known() -> None:
    found = all_bounds(clusters_from(np.full((2, 10), 10.0), np.full((2, 10), 10.0)))[RECALL]

    assert found.low == pytest.approx(0.025 ** (1 / 10))
    assert found.high == 1.0
    assert found.method == EXACT
    assert "10 effective clips" in str(found.reason)


def test_all_right_for_one_label_counts_clips_where_speakers_do_not_matter() -> None:
    hits = np.stack([np.full(10, 10.0), np.array([4.0, 6.0] * 5)])
    clusters = clusters_from(hits, np.full((2, 10), 10.0))

    found = all_bounds(clusters)[RECALL]

    assert likeness(clusters) == 0.0
    assert found.low == pytest.approx(0.025 ** (1 / 100))


def test_likeness_is_one_for_speakers_all_right_or_all_wrong() -> None:
    hits = np.array([[10.0, 0.0] * 100, [10.0, 0.0] * 100])

    assert likeness(clusters_from(hits, np.full((2, 200), 10.0))) == pytest.approx(1.0, abs=0.01)


def test_a_label_that_a_resample_lost_makes_its_mean_undefined_not_smaller() -> None:
    clusters = random_clusters(5)
    measures = Measures.over(clusters.total, POLICIES)
    counts = clusters.total.copy()
    counts[:, 1] = 0.0

    vector = measures(counts)

    assert np.isnan(vector[[UAR, 2, RECALL + 1]]).all()
    assert np.isfinite(vector[ACCURACY])


@pytest.mark.parametrize(("speakers", "least"), [(8, 0.915), (20, 0.92), (50, 0.92)])
def test_intervals_hold_the_truth_about_as_often_as_they_say(speakers: int, least: float) -> None:
    rng = np.random.default_rng(speakers)
    held = np.zeros(2)
    for run in range(300):
        chance = rng.beta(6, 3, speakers)
        hits = rng.binomial(10, chance, (2, speakers)).astype(np.float64)
        clusters = clusters_from(hits, np.full((2, speakers), 10.0))
        found = all_bounds(clusters, resamples=1000, seed=run)
        held += [(found[i].low or 0.0) <= 6 / 9 <= (found[i].high or 1.0) for i in (UAR, RECALL)]

    assert (held / 300 >= least).all()
    assert (held / 300 <= 0.985).all()
