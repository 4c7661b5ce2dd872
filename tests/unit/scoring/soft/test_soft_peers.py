"""Soft figures are those of scikit-learn, scipy and nltk, and of a count by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from nltk.metrics.agreement import AnnotationTask
from scipy.spatial.distance import cdist, jensenshannon
from scipy.stats import entropy as scipy_entropy
from sklearn.metrics import f1_score, log_loss

from sv_eval.record_file.ballots import Ballots, ballots_of
from sv_eval.scoring.soft.agreement import alpha_of
from sv_eval.scoring.soft.ceiling import ceiling_of
from sv_eval.scoring.soft.distances import (
    FLOOR,
    cross_entropy,
    entropy,
    jensen_shannon,
    soft_f1,
    total_variation,
)
from sv_eval.scoring.soft.raters import Raters, raters_of

LABELS = ("angry", "happy", "neutral", "sad")
RNG = np.random.default_rng(7)
Q, P = RNG.dirichlet(np.ones(4), 200), RNG.dirichlet(np.full(4, 0.5), 200)
NEAR = {"rel": 0, "abs": 1e-9}


def as_they_are(word: str) -> str:
    return word


def drawn(sets: int, seed: int = 1) -> tuple[list[dict[str, str]], Raters]:
    """Clips of one to six raters who say one class each, as raters and as what is scored."""
    rng = np.random.default_rng(seed)
    clips = []
    for _ in range(sets):
        shares = rng.dirichlet(np.ones(4))
        names = rng.choice(20, rng.integers(1, 7), replace=False)
        clips.append({f"r{name}": LABELS[rng.choice(4, p=shares)] for name in names})
    ballots = [ballots_of(None, {rater: (word,) for rater, word in clip.items()}) for clip in clips]
    return clips, raters_of([one for one in ballots if one], LABELS, as_they_are)


def test_cross_entropy_is_scikit_learns_log_loss_of_each_vote() -> None:
    of_votes = [
        sum(q[k] * log_loss([k], [p], labels=range(4)) for k in range(4)) for q, p in zip(Q, P, strict=True)
    ]

    assert cross_entropy(Q, P) == pytest.approx(np.array(of_votes), **NEAR)


def test_divergences_are_those_of_scipy() -> None:
    assert entropy(Q) == pytest.approx(scipy_entropy(Q, axis=1), **NEAR)
    floored = np.maximum(P, FLOOR)
    kl = (Q * np.log(Q / floored)).sum(axis=1)
    assert cross_entropy(Q, P) - entropy(Q) == pytest.approx(kl, **NEAR)
    exact = (floored == P).all(axis=1)
    assert exact.sum() > 100
    assert kl[exact] == pytest.approx(scipy_entropy(Q[exact], P[exact], axis=1), **NEAR)
    assert jensen_shannon(Q, P) == pytest.approx(jensenshannon(Q, P, base=2, axis=1) ** 2, **NEAR)
    assert total_variation(Q, P) == pytest.approx(np.diag(cdist(Q, P, "cityblock")) / 2, **NEAR)


def test_soft_f1_of_certain_raters_and_answers_is_scikit_learns() -> None:
    rng = np.random.default_rng(3)
    was, said = rng.integers(0, 4, 300), rng.integers(0, 4, 300)
    q, p = np.eye(4)[was], np.eye(4)[said]

    found = soft_f1(np.minimum(p, q).sum(axis=0), (p + q).sum(axis=0))

    assert found == pytest.approx(f1_score(was, said, average=None), **NEAR)


def test_soft_f1_of_shares_is_the_harmonic_mean_of_fuzzy_precision_and_recall() -> None:
    hit = [sum(min(p[k], q[k]) for p, q in zip(P, Q, strict=True)) for k in range(4)]
    precision = [hit[k] / sum(p[k] for p in P) for k in range(4)]
    recall = [hit[k] / sum(q[k] for q in Q) for k in range(4)]
    by_hand = [2 * a * b / (a + b) for a, b in zip(precision, recall, strict=True)]

    assert soft_f1(np.minimum(P, Q).sum(axis=0), (P + Q).sum(axis=0)) == pytest.approx(by_hand, **NEAR)


@pytest.mark.parametrize("seed", range(5))
def test_alpha_is_nltks(seed: int) -> None:
    clips, raters = drawn(150, seed)
    triples = [(rater, str(i), word) for i, clip in enumerate(clips) for rater, word in clip.items()]
    # nltk counts the votes of clips with a single rater among what is to be expected; Krippendorff does not.
    paired = [one for one in triples if len(clips[int(one[1])]) > 1]

    found = alpha_of(raters, np.arange(150), np.arange(150) % 9, 0.95)

    assert found.value == pytest.approx(AnnotationTask(paired).alpha(), **NEAR)


def test_alpha_of_krippendorffs_own_example_is_his() -> None:
    # Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, example C: four observers, missing data.
    table = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    words = [f"w{value}" for value in range(1, 6)]
    sets = []
    for unit in range(12):
        given = {f"o{i}": (f"w{row[unit]}",) for i, row in enumerate(table) if row[unit] is not None}
        ballots = ballots_of(None, given)
        assert ballots is not None
        sets.append(ballots)

    found = alpha_of(raters_of(sets, words, as_they_are), np.arange(12), np.arange(12), 0.95)

    assert found.value == pytest.approx(0.743, abs=5e-4)


def test_people_are_held_against_each_other_as_by_hand() -> None:
    clips, raters = drawn(60)
    found = ceiling_of(raters)
    for place, clip in enumerate(clips):
        words = list(clip.values())
        if len(words) < 2:
            continue
        by_hand = {name: [] for name in ("js", "tvd", "soft_accuracy", "cross_entropy")}  # type: ignore[var-annotated]
        for left_out in range(len(words)):
            others = words[:left_out] + words[left_out + 1 :]
            q = np.array([others.count(label) / len(others) for label in LABELS])
            one = np.array([float(words[left_out] == label) for label in LABELS])
            by_hand["js"].append(jensenshannon(one, q, base=2) ** 2)
            by_hand["tvd"].append(np.abs(one - q).sum() / 2)
            by_hand["soft_accuracy"].append(others.count(words[left_out]) / len(others))
            by_hand["cross_entropy"].append(-np.log((others.count(words[left_out]) + 0.5) / (len(others) + 2)))
        for name, values in by_hand.items():
            assert getattr(found, name)[place] == pytest.approx(np.mean(values), **NEAR)


def test_raters_who_said_several_share_their_vote() -> None:
    ballots = ballots_of(None, {"r1": ("angry",), "r2": ("angry", "sad"), "r3": ("bored", "sad"), "r4": ("bored",)})
    assert ballots is not None
    found = raters_of([ballots], LABELS, as_they_are)

    assert found.distribution[0].tolist() == pytest.approx([1.5 / 3, 0, 0, 1.5 / 3])
    assert (found.n[0], found.outside[0]) == (3.0, 1.5)


def test_alpha_of_several_things_said_is_the_mean_over_one_of_each() -> None:
    sets: list[Ballots] = []
    said = [(("angry", "sad"), ("sad",), ("happy",)), (("sad",), ("sad", "happy"), ("sad",))]
    for clip in said:
        ballots = ballots_of(None, {f"r{i}": words for i, words in enumerate(clip)})
        assert ballots is not None
        sets.append(ballots)
    differ, votes = 0.0, dict.fromkeys(LABELS, 0.0)
    for clip in said:
        for one, other in itertools.permutations(clip, 2):
            differ += np.mean([a != b for a in one for b in other]) / 2
        for words in clip:
            for word in words:
                votes[word] += 1 / len(words)
    expected = 36 - sum(count**2 for count in votes.values())

    found = alpha_of(raters_of(sets, LABELS, as_they_are), np.arange(2), np.arange(2), 0.95)

    assert found.value == pytest.approx(1 - 5 * differ / expected, **NEAR)
