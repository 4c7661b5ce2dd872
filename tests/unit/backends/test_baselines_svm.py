from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sv_eval.backends.baselines.svm import GRID, fit
from sv_eval.errors import CorpusError

LABELS = ("angry", "happy", "sad")


def clouds(n: int = 90, *, apart: float = 2.0, seed: int = 0) -> tuple[NDArray[np.float64], list[str], list[str]]:
    """Features of three emotions by six speakers, each with a shift of their own."""
    rng = np.random.default_rng(seed)
    code = np.arange(n) % 3
    speaker = np.arange(n) // 3 % 6
    centres = apart * np.eye(3, 5)
    shifts = rng.standard_normal((6, 5))
    features = centres[code] + 0.3 * shifts[speaker] + rng.standard_normal((n, 5))
    return features, [LABELS[each] for each in code], [f"s{each}" for each in speaker]


def test_what_can_be_told_apart_is_told_apart() -> None:
    features, truth, speakers = clouds(apart=6.0)
    model = fit(features, truth, speakers, c=None, who="test")

    answers = [model.judge(row)[0] for row in features]
    assert answers == truth


def test_the_label_is_the_posteriors_best_and_the_posterior_sums_to_one() -> None:
    features, truth, speakers = clouds()
    model = fit(features, truth, speakers, c=0.01, who="test")

    for row in features:
        label, scores = model.judge(row)
        assert scores is not None
        assert sum(scores.values()) == pytest.approx(1)
        assert label == max(scores, key=lambda name: scores[name])


def test_the_temperature_makes_the_posterior_as_sure_as_it_is_right() -> None:
    features, truth, speakers = clouds(900, apart=1.5)
    unseen, answers, _ = clouds(3000, apart=1.5, seed=1)
    model = fit(features, truth, speakers, c=0.01, who="test")

    judged = [model.judge(row) for row in unseen]
    right = np.mean([label == answer for (label, _), answer in zip(judged, answers, strict=True)])
    sure = np.mean([scores[label] for label, scores in judged if scores is not None])
    assert sure == pytest.approx(right, abs=0.06)


def test_what_is_chosen_within_the_training_clips_never_parts_a_speaker() -> None:
    # Every speaker has one emotion and a feature of their own, and nothing else tells the emotions apart: parts
    # that a speaker is on both sides of would know the answer, and make the posterior sure of it.
    rng = np.random.default_rng(0)
    n, people = 240, 12
    speaker = np.arange(n) % people
    features = np.concatenate([0.1 * rng.standard_normal((n, 2)), 5.0 * np.eye(people)[speaker]], axis=1)
    truth = [LABELS[each % 2] for each in speaker]

    by_speaker = fit(features, truth, [f"s{each}" for each in speaker], c=None, who="test")
    by_clip = fit(features, truth, list(range(n)), c=None, who="test")

    assert by_speaker.c in GRID
    sure = [scores[label] for row in features for label, scores in [by_speaker.judge(row)] if scores is not None]
    assert len(sure) == n
    assert max(sure) < 0.6
    assert min(scores[label] for row in features for label, scores in [by_clip.judge(row)] if scores) > 0.8


def test_two_emotions_work_as_three_do() -> None:
    features, truth, speakers = clouds(apart=6.0)
    two = [place for place, label in enumerate(truth) if label != "sad"]
    model = fit(
        features[two], [truth[place] for place in two], [speakers[place] for place in two], c=None, who="test"
    )

    assert model.labels == ("angry", "happy")
    assert [model.judge(features[place])[0] for place in two] == [truth[place] for place in two]


def test_an_emotion_of_one_speaker_alone_does_not_stop_the_choice() -> None:
    features, truth, speakers = clouds()
    truth = ["surprised" if speaker == "s0" else label for label, speaker in zip(truth, speakers, strict=True)]

    model = fit(features, truth, speakers, c=None, who="test")

    assert model.labels == (*LABELS, "surprised")
    assert model.temperature is not None


def test_one_training_speaker_needs_a_c_and_gives_no_posterior() -> None:
    features, truth, _ = clouds()
    alone = ["s0"] * len(truth)

    with pytest.raises(CorpusError, match=r"one training speaker only.*backend\.c=0\.01"):
        fit(features, truth, alone, c=None, who="test")
    assert fit(features, truth, alone, c=0.01, who="test").judge(features[0])[1] is None


def test_one_emotion_can_not_be_told_apart() -> None:
    features, truth, speakers = clouds()

    with pytest.raises(CorpusError, match="no emotion but sad"):
        fit(features, ["sad"] * len(truth), speakers, c=None, who="test")


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000), scale=st.floats(1e-3, 1e3))
def test_the_scale_of_a_feature_does_not_matter(seed: int, scale: float) -> None:
    features, truth, speakers = clouds(seed=seed)
    scaled = features * np.array([scale, 1, 1, 1, 1])

    one, other = (fit(each, truth, speakers, c=0.01, who="test") for each in (features, scaled))

    assert [one.judge(a)[0] for a in features] == [other.judge(b)[0] for b in scaled]
