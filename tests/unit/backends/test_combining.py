from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sv_eval.backends.segmentation.spans import Span
from sv_eval.backends.sensevoice.combining import RULES, combined, joined, vote_scores
from sv_eval.emotions import EMOTIONS, UNKNOWN
from sv_eval.records import SAMPLE_RATE_HZ, Outcome, Prediction

NAMES = (*EMOTIONS, UNKNOWN)


def says(
    label: str | None, text: str = "", language: str = "en", event: str = "Speech", **scores: float
) -> Prediction:
    """A stretch's answer; what the scores leave goes to the emotions that are not named."""
    rest = (1 - sum(scores.values())) / max(1, len(NAMES) - len(scores))
    filled = {name: scores.get(name, rest) for name in NAMES}
    forced = max(EMOTIONS, key=lambda name: filled[name])
    confidence = None if label is None else filled[label]
    return Prediction(
        label=label, forced=forced, scores=filled, confidence=confidence, text=text, language=language, event=event
    )


def spans(*seconds: float) -> list[Span]:
    borders = [0]
    for duration in seconds:
        borders.append(borders[-1] + round(duration * SAMPLE_RATE_HZ))
    return [Span(start, end) for start, end in pairwise(borders)]


def scores_of(answer: Prediction) -> dict[str, float]:
    assert answer.scores is not None
    return dict(answer.scores)


@pytest.mark.parametrize("rule", RULES)
def test_no_stretch_is_no_speech(rule: str) -> None:
    answer = combined([], [], rule)

    assert answer.outcome is Outcome.NO_SPEECH
    assert (answer.label, answer.forced, answer.segments) == (None, None, ())


@pytest.mark.parametrize("rule", RULES)
def test_a_single_stretch_is_the_answer_as_it_is(rule: str) -> None:
    said = says("sad", "so it goes", "zh", "BGM", happy=0.6, sad=0.3)

    answer = combined(spans(2), [said], rule)

    for name in ("label", "forced", "scores", "confidence", "text", "language", "event"):
        assert getattr(answer, name) == getattr(said, name)
    assert [(s.start_s, s.end_s, s.label, s.text) for s in answer.segments] == [(0, 2, "sad", "so it goes")]


def test_mean_weighs_posteriors_by_duration() -> None:
    answer = combined(spans(1, 3), [says("happy", happy=0.9), says("sad", sad=0.5, happy=0.3)], "mean")

    assert scores_of(answer)["happy"] == pytest.approx((0.9 + 3 * 0.3) / 4)
    assert answer.label == answer.forced == "happy"
    assert answer.confidence == scores_of(answer)["happy"]


def test_max_takes_each_emotions_highest_posterior() -> None:
    quiet, loud = says("neutral", neutral=0.6), says("angry", angry=0.95)

    answer = combined(spans(10, 1), [quiet, loud], "max")

    assert answer.label == "angry"
    assert scores_of(answer)["neutral"] / scores_of(answer)["angry"] == pytest.approx(0.6 / 0.95)


def test_vote_counts_the_duration_of_each_label() -> None:
    said = [says("sad", sad=0.99), says("happy", happy=0.4), says("happy", happy=0.4)]

    answer = combined(spans(3, 2, 2), said, "vote")

    assert answer.label == "happy"
    assert vote_scores([(3, said[0]), (2, said[1]), (2, said[2])])["happy"] == pytest.approx(4 / 7)
    assert scores_of(answer) == scores_of(combined(spans(3, 2, 2), said, "mean"))
    assert answer.confidence == scores_of(answer)["happy"]


def test_a_tied_vote_goes_to_the_higher_mean_posterior() -> None:
    weak, strong = says("happy", happy=0.5, sad=0.1), says("sad", sad=0.9)

    assert combined(spans(1, 1), [weak, strong], "vote").label == "sad"
    assert combined(spans(1, 1), [strong, weak], "vote").label == "sad"


def test_a_stretch_without_a_tag_votes_for_its_most_probable_emotion() -> None:
    said = [says(None, fearful=0.8), says("happy", happy=0.9)]

    answer = combined(spans(3, 1), said, "vote")

    assert answer.label == "fearful"


@pytest.mark.parametrize("rule", RULES)
def test_stretches_that_all_lack_a_tag_give_no_tag_and_still_a_forced_label(rule: str) -> None:
    answer = combined(spans(1, 2), [says(None, sad=0.8), says(None, sad=0.7)], rule)

    assert answer.outcome is Outcome.NO_TAG
    assert (answer.label, answer.forced, answer.confidence) == (None, "sad", None)


@pytest.mark.parametrize("rule", RULES)
def test_the_forced_label_is_never_unknown(rule: str) -> None:
    said = [says(UNKNOWN, unknown=0.7, angry=0.2), says(UNKNOWN, unknown=0.6, angry=0.3)]

    answer = combined(spans(1, 1), said, rule)

    assert answer.outcome is Outcome.UNKNOWN
    assert answer.forced == "angry"


def test_under_vote_the_forced_label_is_voted_for_too() -> None:
    said = [says("happy", happy=0.4, sad=0.39), says("happy", happy=0.4, sad=0.39), says("sad", sad=0.9)]

    answer = combined(spans(1, 1, 1), said, "vote")

    assert (answer.label, answer.forced) == ("happy", "happy")


def test_language_and_event_are_those_of_most_of_the_time() -> None:
    said = [says("sad", language="zh", event="BGM"), says("sad", language="en"), says("sad", language="en")]

    assert combined(spans(1, 1, 1), said, "mean").language == "en"
    assert combined(spans(5, 1, 1), said, "mean").event == "BGM"


def test_a_stretch_that_names_no_language_does_not_count() -> None:
    nameless = Prediction(label="sad", scores=says("sad").scores, text="")

    answer = combined(spans(9, 1), [nameless, says("sad", language="ko")], "mean")

    assert answer.language == "ko"


def test_stretches_without_posteriors_can_vote() -> None:
    answer = combined(spans(1, 2), [Prediction(label="happy"), Prediction(label="sad")], "vote")

    assert (answer.label, answer.forced) == ("sad", None)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["good day", "to you"], "good day to you"),
        (["你好", "世界"], "你好世界"),
        (["今日は", "いい天気"], "今日はいい天気"),
        (["你好。", "hello"], "你好。hello"),
        (["안녕", "하세요"], "안녕 하세요"),
        (["one", "", None, "two"], "one two"),
        ([None, "two"], "two"),
        (["", None], ""),
        ([], ""),
    ],
)
def test_texts_are_joined_as_their_script_is_written(texts: list[str | None], expected: str) -> None:
    assert joined(texts) == expected


posteriors = st.lists(st.floats(0.001, 1), min_size=len(NAMES), max_size=len(NAMES))
stretches = st.lists(
    st.tuples(st.floats(0.1, 30), posteriors, st.sampled_from([None, *NAMES])), min_size=2, max_size=6
)


@given(stretches=stretches, rule=st.sampled_from(sorted(RULES)))
def test_combined_scores_are_a_distribution_that_agrees_with_the_label(
    stretches: list[tuple[float, list[float], str | None]], rule: str
) -> None:
    said = []
    for _, weights, label in stretches:
        scores = {name: weight / sum(weights) for name, weight in zip(NAMES, weights, strict=True)}
        forced = max(EMOTIONS, key=lambda name: scores[name])
        said.append(Prediction(label=label, forced=forced, scores=scores))

    answer = combined(spans(*(duration for duration, *_ in stretches)), said, rule)

    scores = scores_of(answer)
    assert sum(scores.values()) == pytest.approx(1)
    assert set(scores) == set(NAMES)
    assert answer.forced in EMOTIONS
    assert (answer.label is None) == all(label is None for *_, label in stretches)
    if answer.label is not None:
        assert scores[answer.label] == answer.confidence
        assert rule == "vote" or answer.confidence == max(scores.values())


@given(stretches=stretches, rule=st.sampled_from(sorted(RULES)))
def test_the_order_of_stretches_does_not_change_the_scores(
    stretches: list[tuple[float, list[float], str | None]], rule: str
) -> None:
    def answer(order: list[tuple[float, list[float], str | None]]) -> Prediction:
        said = [
            Prediction(label=label, scores={n: w / sum(weights) for n, w in zip(NAMES, weights, strict=True)})
            for _, weights, label in order
        ]
        return combined(spans(*(duration for duration, *_ in order)), said, rule)

    forwards, backwards = answer(stretches), answer(stretches[::-1])

    assert scores_of(forwards) == pytest.approx(scores_of(backwards))
