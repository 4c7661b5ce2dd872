"""What goes to a chat server and what comes back."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sv_eval.backend import NO_ADJUSTMENTS
from sv_eval.backends.chat.backend import dialect_of
from sv_eval.backends.chat.dialect import option_scores
from sv_eval.backends.chat.gemini import GeminiChat
from sv_eval.backends.chat.openai_chat import OpenAiChat
from sv_eval.backends.chat.protocol import protocol_of
from sv_eval.backends.remote.errors import RemoteError
from sv_eval.backends.remote.http_messages import HttpReply
from sv_eval.backends.remote.sound import WAV, Sound
from sv_eval.errors import ConfigError
from sv_eval.records import Waveform


def sound() -> Sound:
    return Sound(Waveform(samples=np.zeros(1600, np.float32)), WAV)


def asked(dialect: OpenAiChat, clip: str = "a") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(dialect.message_about(clip, sound(), NO_ADJUSTMENTS).body)
    return found


def reply(content: Any, media: str = "application/json") -> HttpReply:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return HttpReply(status=200, body=body, headers={"Content-Type": media})


def choice(text: Any, **more: Any) -> dict[str, Any]:
    return {"model": "m", "choices": [{"message": {"content": text}, **more}]}


def test_a_question_holds_the_protocol_and_the_clip_whole() -> None:
    found = asked(OpenAiChat(protocol="letters_zh", model="m", logprobs=5))

    system, user = found["messages"]
    assert system["content"] == protocol_of("letters_zh").system
    audio, text = user["content"]
    assert base64.b64decode(audio["input_audio"]["data"])[:4] == b"RIFF"
    assert audio["input_audio"]["format"] == "wav"
    assert "\nA. " in text["text"]
    assert (found["model"], found["temperature"], found["top_logprobs"], found["logprobs"]) == ("m", 0.0, 5, True)


def test_a_part_may_be_a_data_url_and_a_key_a_further_one() -> None:
    found = asked(OpenAiChat(part="audio_url", extra={"modalities": ["text"]}))

    assert found["messages"][1]["content"][0]["audio_url"]["url"].startswith("data:audio/wav;base64,UklGR")
    assert found["modalities"] == ["text"]
    assert "model" not in found


def test_a_server_can_be_held_to_the_form() -> None:
    schema = asked(OpenAiChat(protocol="json_en", structured="json_schema"))["response_format"]["json_schema"][
        "schema"
    ]
    choices = asked(OpenAiChat(protocol="letters_en", structured="choice"))["structured_outputs"]["choice"]

    assert sorted(schema["properties"]["emotion"]["enum"]) == sorted(protocol_of("json_en").options.values())
    assert choices == list("ABCDEFG")


def test_every_clip_has_its_order_and_all_shifts_come_equally_often() -> None:
    protocol = protocol_of("word_en")
    first = [protocol.order_of(f"clip {number}")[0] for number in range(7000)]

    assert {name: pytest.approx(1000, abs=120) for name in protocol.options} == {
        name: first.count(name) for name in protocol.options
    }
    assert protocol.order_of("x") == protocol.order_of("x")
    assert any(protocol.order_of("x", seed) != protocol.order_of("x") for seed in range(1, 9))
    assert sorted(protocol.order_of("x")) == sorted(protocol.options)


def test_a_letter_is_read_in_the_order_in_which_it_was_asked() -> None:
    dialect = OpenAiChat(protocol="letters_en")
    for clip in map(str, range(20)):
        question = dialect.message_about(clip, sound(), NO_ADJUSTMENTS)
        parsed = dialect.read_of(question, reply(choice("B")))

        assert parsed.emotion == question.order[1]


@pytest.mark.parametrize(
    ("content", "emotion", "why"),
    [
        (choice("sad"), "sad", None),
        (choice([{"type": "text", "text": "sad"}]), "sad", None),
        (choice(None, finish_reason="content_filter"), None, "refused"),
        ({"choices": [{"message": {"content": None, "refusal": "I won't."}}]}, None, "refused"),
        (choice(""), None, "unparsed"),
        (choice("happy, or sad"), None, "hedged"),
    ],
)
def test_answers_of_the_wire_are_read(content: Any, emotion: str | None, why: str | None) -> None:
    parsed = OpenAiChat().read(reply(content))

    assert (parsed.emotion, parsed.unread) == (emotion, why)


@pytest.mark.parametrize(
    "content",
    [[], {}, {"choices": []}, {"choices": [3]}, choice(7), choice("sad", logprobs=3), {"choices": None}, b"no",
     {"error": {"message": "out of memory"}}, choice("sad", logprobs={"content": [{"token": "s"}]})],
)  # fmt: skip
def test_what_is_no_answer_is_no_label(content: Any) -> None:
    with pytest.raises(RemoteError):
        OpenAiChat().read(reply(content))


def test_a_stream_s_pieces_are_one_answer() -> None:
    events = [
        {"model": "m", "choices": [{"delta": {"role": "assistant"}}]},
        *({"choices": [{"delta": {"content": letter}}]} for letter in "sad"),
        {"choices": [], "usage": {"total_tokens": 3}},
        {"choices": [{"delta": {}, "finish_reason": "stop"}]},
    ]
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"

    parsed = OpenAiChat(stream=True).read(reply(body, "text/event-stream"))

    assert (parsed.emotion, parsed.model) == ("sad", "m")


def gemini(**more: Any) -> GeminiChat:
    return GeminiChat(**{"model": "g", "protocol": "json_en", **more})


def test_gemini_s_wire() -> None:
    dialect = gemini(structured=True, logprobs=3, extra={"thinkingConfig": {"thinkingBudget": 0}})
    found = json.loads(dialect.message_about("a", sound(), NO_ADJUSTMENTS).body)

    assert dialect.traits.path == "/v1beta/models/g:generateContent"
    audio, text = found["contents"][0]["parts"]
    assert base64.b64decode(audio["inline_data"]["data"])[:4] == b"RIFF"
    assert "Choose one of" in text["text"]
    settings = found["generationConfig"]
    assert (settings["responseMimeType"], settings["logprobs"]) == ("application/json", 3)
    assert settings["thinkingConfig"] == {"thinkingBudget": 0}


@pytest.mark.parametrize(
    ("content", "emotion", "why"),
    [
        ({"candidates": [{"content": {"parts": [{"text": '{"emotion": "sad"}'}]}}]}, "sad", None),
        (
            {"candidates": [{"content": {"parts": [{"text": "happy", "thought": True}, {"text": "sad"}]}}]},
            "sad",
            None,
        ),
        ({"candidates": [{"finishReason": "SAFETY"}]}, None, "refused"),
        ({"promptFeedback": {"blockReason": "OTHER"}}, None, "refused"),
        ({"candidates": [{"content": {"parts": []}, "finishReason": "MAX_TOKENS"}]}, None, "unparsed"),
    ],
)
def test_gemini_s_answers_are_read(content: Any, emotion: str | None, why: str | None) -> None:
    parsed = gemini().read(reply(content))

    assert (parsed.emotion, parsed.unread) == (emotion, why)


@pytest.mark.parametrize("content", [{}, [], {"candidates": [1]}, {"candidates": [{"content": {"parts": "sad"}}]}])
def test_what_is_none_of_gemini_s_is_no_label(content: Any) -> None:
    with pytest.raises(RemoteError):
        gemini().read(reply(content))


@pytest.mark.parametrize(
    ("wire", "wrong", "why"),
    [
        ("gemini", {}, "model"), ("gemmini", {}, "mean gemini"),
        ("gemini", {"model": "g", "stream": True}, "stream"),
        ("gemini", {"model": "g", "structured": "choice"}, "structured"),
        ("gemini", {"model": "g", "structured": "json_schema"}, "is of the form word"),
    ],
)  # fmt: skip
def test_what_a_wire_has_not_is_told(wire: str, wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        dialect_of(wire, **wrong)


def test_scores_are_of_the_first_token_over_the_options_in_all_spellings() -> None:
    protocol = protocol_of("letters_en")
    order = tuple(protocol.options)
    told = {"A": np.log(0.5), " a": np.log(0.1), "B": np.log(0.2), "Hmm": np.log(0.2)}

    scores, outside = option_scores(told, protocol, order)

    assert scores is not None
    assert outside == pytest.approx(0.2)
    assert (scores[order[0]], scores[order[1]], scores[order[2]]) == (pytest.approx(0.75), pytest.approx(0.25), 0.0)
    assert option_scores(None, protocol, order) == (None, None)
    assert option_scores(told, protocol_of("json_en"), order) == (None, None)


def test_a_token_that_begins_several_options_counts_for_none() -> None:
    protocol = protocol_of({
        "name": "x", "version": 1, "language": "en", "form": "word", "user": "{options}",
        "options": {"sad": "sad", "surprised": "surprised", "happy": "happy"},
    })  # fmt: skip

    scores, outside = option_scores({"s": np.log(0.6), "ha": np.log(0.3)}, protocol, tuple(protocol.options))

    assert scores is not None
    assert scores["happy"] == pytest.approx(1.0)
    assert outside == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"form": "words"}, "did you mean word"),
        ({"order": "random"}, "order is 'random'"),
        ({"language": "de"}, "language is 'de'"),
        ({"user": "Which?"}, "{options}"),
        ({"options": {"sad": "sad"}}, "two to 26"),
        ({"options": {"sad": "sad", "glad": "glad"}}, "'glad' is no emotion"),
        ({"options": {"sad": "one", "happy": "One"}}, "each called otherwise"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"colour": "red"}, "unknown key"),
    ],
)
def test_a_protocol_that_cannot_be_is_told(tmp_path: Path, change: dict[str, Any], why: str) -> None:
    whole = {
        "name": "mine", "version": 1, "language": "en", "form": "word", "user": "{options}?",
        "options": {"sad": "sad", "happy": "happy"}, **change,
    }  # fmt: skip
    file = tmp_path / "mine.yaml"
    file.write_text(json.dumps(whole), encoding="utf-8")

    with pytest.raises(ConfigError, match=why.replace("{", r"\{")):
        protocol_of(str(file))


def test_an_unknown_protocol_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean letters_en"):
        protocol_of("leters_en")


def test_anything_that_is_told_or_meant_changes_the_hash() -> None:
    plain = {
        "name": "mine", "version": 1, "language": "en", "form": "word", "user": "{options}?",
        "options": {"sad": "sad", "happy": "happy"},
    }  # fmt: skip
    changes: list[dict[str, Any]] = [
        {"user": "{options}!"}, {"temperature": 0.5}, {"options": {"happy": "happy", "sad": "sad"}}, {"version": 2},
        {"order": "fixed"}, {"system": "x"}, {"seed": None},
    ]  # fmt: skip

    assert len({protocol_of({**plain, **change}).hash for change in [{}, *changes]}) == 1 + len(changes)


@pytest.mark.parametrize("wrong", [{"part": "audio"}, {"structured": "json_schema"}, {"logprobs": 21}])
def test_wrong_settings_are_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        OpenAiChat(**wrong)
