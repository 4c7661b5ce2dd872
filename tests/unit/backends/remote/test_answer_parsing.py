"""What the words of services mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sv_eval.backends.remote.answer_parsing import ParsedAnswer, answer_parser
from sv_eval.backends.remote.dialect import TAG_EMOJI
from sv_eval.backends.remote.errors import RemoteError
from sv_eval.common_words import COMMON_WORDS
from sv_eval.data.corpus.synonyms import SYNONYMS
from sv_eval.emotions import EMOTIONS, UNKNOWN
from sv_eval.errors import ConfigError
from sv_eval.finer_words import FINE, SPELLINGS
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


def test_a_pair_whose_halves_disagree_means_nothing() -> None:
    assert answer_parser(None).canonical("生气/happy") is None


def test_a_word_that_no_map_holds_is_kept_and_is_no_label() -> None:
    found = parsed(emotion=" Wistful ", confidence=0.9)

    assert (found.outcome, found.label, found.raw_label) == (Outcome.NO_TAG, None, "Wistful")


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ({"emotion": "disappointed"}, "disappointed"),
        ({"text": "<|en|><|SAD|>oh"}, "SAD"),
        ({"text": "oh 😔", "emoji": TAG_EMOJI}, "😔"),
        ({"emotion": "<|HAPPY|>"}, "<|HAPPY|>"),
        ({"emotion": "x" * 5000}, "x" * 200),
        ({"text": "nothing of the kind"}, None),
    ],
)
def test_the_services_own_word_is_kept_as_it_came(answer: dict[str, Any], word: str | None) -> None:
    emoji = answer.pop("emoji", None)

    assert answer_parser(None, emoji=emoji).prediction(ParsedAnswer(**answer), {}).raw_label == word


@pytest.mark.parametrize("word", ["calm", "disappointed", "anxious", "bored", "excited", "失望"])
def test_a_finer_word_counts_as_it_does_in_a_corpus(word: str) -> None:
    assert answer_parser(None).canonical(word) == FINE[SPELLINGS[word]].default


def test_words_of_services_and_of_corpora_never_lead_to_different_emotions() -> None:
    parser = answer_parser(None)

    # Who declines to answer says nothing; a corpus that does so has a clip of no emotion of ours.
    both = {word: emotion for word, emotion in SYNONYMS.items() if parser.canonical(word) != UNKNOWN}
    assert set(SYNONYMS) - set(both) == {word for word, emotion in COMMON_WORDS.items() if emotion == UNKNOWN}
    assert {word: parser.canonical(word) for word in both} == both


@pytest.mark.parametrize(
    "odd",
    [
        {"confidence": "0.93"},
        {"confidence": 93},
        {"confidence": -0.1},
        {"confidence": float("nan")},
        {"confidence": float("inf")},
        {"confidence": True},
        {"confidence": 10**400},
        {"confidence": [0.9]},
        {"scores": {"happy": "0.9"}},
        {"scores": {"happy": None}},
        {"scores": {"happy": float("nan")}},
        {"scores": [0.9]},
        {"language": {"code": "en"}},
        {"language": 7},
        {"event": ["Speech"]},
        {"text": {"text": "hm"}},
        {"emotion": 3},
        {"emotion": {"name": "happy"}},
        {"model": 4},
        {"server_ms": {"total": "12"}},
    ],
)
def test_a_field_of_another_type_is_this_answers_failure(odd: dict[str, Any]) -> None:
    answer = ParsedAnswer(**{"emotion": "happy", **odd})

    with pytest.raises(RemoteError) as caught:
        answer_parser(None).prediction(answer, {})

    assert caught.value.kind == "not_understood"
    assert next(iter(odd)).split("_")[0] in str(caught.value)


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


@pytest.mark.parametrize(
    ("text", "label", "raw"),
    [
        ("🎼first 😊 then 😡", "happy", "😊 😡"),
        ("one two 😊three😔", "happy", "😊 😔"),
        ("one 😔 two 😊 three 😔", "sad", "😔 😊 😔"),
        ("a 😡 b 😡", "angry", "😡"),
    ],
)
def test_the_most_frequent_emoji_counts_and_none_stays_in_the_text(text: str, label: str, raw: str) -> None:
    found = parsed(emoji=True, text=text)

    assert (found.label, found.raw_label) == (label, raw)
    assert not set(found.text or "") & set("🎼😊😡😔")


def test_tags_and_emoji_of_the_same_stretches_are_read_alike() -> None:
    tags = "<|en|><|HAPPY|>one<|en|><|HAPPY|>two<|en|><|SAD|>three"

    assert parsed(text=tags).label == parsed(emoji=True, text="one two 😊three😔").label == "happy"


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
    assert own.words.hash != answer_parser(None).words.hash


def test_a_word_can_only_mean_an_emotion() -> None:
    with pytest.raises(ConfigError, match="leads to 'gloomy', which is no emotion name"):
        answer_parser({"x": "gloomy"})


def test_scores_with_a_cut_off_are_kept_as_they_are_and_what_is_missing_stays_missing() -> None:
    parser = replace(answer_parser(None), cut_off=0.3)

    found = parser.prediction(ParsedAnswer(emotion="angry", scores={"anger": 0.8, "sadness": 0.4}), {})
    nothing = parser.prediction(ParsedAnswer(text="hello", scores={}), {})

    assert (found.scores, found.cut_off, found.confidence) == ({"angry": 0.8, "sad": 0.4}, 0.3, 0.8)
    assert (nothing.scores, nothing.cut_off, nothing.label) == ({}, 0.3, None)


def test_of_two_words_of_one_emotion_the_higher_score_counts_where_each_is_by_itself() -> None:
    parser = replace(answer_parser(None), cut_off=0.3)

    found = parser.prediction(ParsedAnswer(emotion="happy", scores={"joy": 0.8, "happiness": 0.9}), {})

    assert found.scores == {"happy": 0.9}


def test_what_is_no_share_is_no_score() -> None:
    parser = replace(answer_parser(None), cut_off=0.3)

    found = parser.prediction(ParsedAnswer(emotion="happy", scores={"joy": 80.0}), {})

    assert (found.scores, found.cut_off) == (None, None)
