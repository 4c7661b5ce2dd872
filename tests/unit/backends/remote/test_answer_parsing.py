"""What the words of services mean."""

from __future__ import annotations

import pytest

from sv_eval.backends.remote.answer_parsing import ParsedAnswer, answer_parser
from sv_eval.backends.remote.dialect import TAG_EMOJI
from sv_eval.backends.remote.errors import RemoteError
from sv_eval.emotions import EMOTIONS
from sv_eval.errors import ConfigError
from sv_eval.records import Outcome, Prediction


def parsed(emoji: bool = False, **said: object) -> Prediction:
    return answer_parser(None, emoji=TAG_EMOJI if emoji else None).prediction(ParsedAnswer(**said), {})  # type: ignore[arg-type]


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_every_emotion_is_understood_as_word_tag_and_pair(emotion: str) -> None:
    words = answer_parser(None)

    for form in (emotion, emotion.upper(), f" {emotion} ", f"<|{emotion.upper()}|>", f"某/{emotion}"):
        assert words.canonical(form) == emotion


@pytest.mark.parametrize(
    ("word", "emotion"),
    [
        ("生气/angry", "angry"),
        ("中立", "neutral"),
        ("<unk>", "unknown"),
        ("EMO_UNKNOWN", "unknown"),
        ("Joy", "happy"),
    ],
)
def test_the_words_of_services(word: str, emotion: str) -> None:
    assert answer_parser(None).canonical(word) == emotion


def test_a_pair_whose_halves_disagree_is_not_understood() -> None:
    with pytest.raises(RemoteError) as caught:
        answer_parser(None).canonical("生气/happy")
    assert caught.value.kind == "unmapped_label"


def test_tags_are_read_and_taken_out_of_the_text() -> None:
    found = parsed(text="<|zh|><|HAPPY|><|Speech|><|withitn|>你好")

    assert (found.label, found.forced, found.text) == ("happy", "happy", "你好")
    assert (found.language, found.event) == ("zh", "Speech")


def test_tags_may_stand_anywhere_or_be_missing() -> None:
    assert parsed(text="<|Speech|><|en|>hello<|SAD|>").label == "sad"
    assert parsed(text="<|en|><|Speech|>hello").outcome is Outcome.NO_TAG
    assert parsed(text="hello").outcome is Outcome.NO_TAG


def test_the_emotion_of_most_stretches_is_the_clips() -> None:
    joined = "<|en|><|SAD|><|Speech|>a<|en|><|ANGRY|><|Speech|>b<|en|><|ANGRY|><|Speech|>c"

    assert parsed(text=joined).label == "angry"
    assert parsed(text="<|en|><|EMO_UNKNOWN|>a<|en|><|EMO_UNKNOWN|>b<|en|><|SAD|>c").label == "sad"
    # Within a stretch the first tag counts, as it does in process.
    assert parsed(text="<|en|><|SAD|><|ANGRY|>a").label == "sad"


def test_a_declined_answer_is_unknown() -> None:
    found = parsed(text="<|en|><|EMO_UNKNOWN|><|Speech|>hm")

    assert (found.outcome, found.forced) == (Outcome.UNKNOWN, None)


def test_no_speech_is_told_from_no_tag() -> None:
    assert parsed(text="<|nospeech|><|Event_UNK|>").outcome is Outcome.NO_SPEECH
    assert parsed(no_speech=True).outcome is Outcome.NO_SPEECH


def test_the_last_emoji_counts_and_none_stays_in_the_text() -> None:
    found = parsed(emoji=True, text="🎼first 😊 then 😡")

    assert (found.label, found.text) == ("angry", "first then")


def test_emoji_without_an_emotion_are_no_tag() -> None:
    assert parsed(emoji=True, text="👏 thank you").outcome is Outcome.NO_TAG


def test_scores_are_brought_to_our_words() -> None:
    found = parsed(scores={"生气/angry": 60, "开心/happy": 30, "<unk>": 10}, emotion="生气/angry")

    assert found.scores == pytest.approx({"angry": 0.6, "happy": 0.3, "unknown": 0.1})
    assert (found.label, found.forced) == ("angry", "angry")
    assert found.confidence == pytest.approx(0.6)


def test_numbers_that_are_no_distribution_are_dropped() -> None:
    assert parsed(scores={"angry": 3.2, "happy": 1.1}, emotion="angry").scores is None
    assert parsed(scores={"angry": -0.5, "happy": 1.5}, emotion="angry").scores is None


def test_words_of_ones_own_win_and_change_the_maps_hash() -> None:
    own = answer_parser({"disappointed": "sad", "calm": "other"})

    assert own.canonical("Disappointed") == "sad"
    assert own.canonical("calm") == "other"
    assert own.map.hash != answer_parser(None).map.hash


def test_a_word_can_only_mean_an_emotion() -> None:
    with pytest.raises(ConfigError, match="leads to 'gloomy', which is no emotion name"):
        answer_parser({"x": "gloomy"})
