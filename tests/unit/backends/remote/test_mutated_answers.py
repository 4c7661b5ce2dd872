"""Answers of every dialect, damaged in every part: each is read, or is this clip's failure."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from sv_eval.backends.remote.answer_parsing import ParsedAnswer, answer_parser
from sv_eval.backends.remote.dialect import Dialect
from sv_eval.backends.remote.dialects.api4sensevoice import Api4SenseVoice
from sv_eval.backends.remote.dialects.dashscope import DashScope
from sv_eval.backends.remote.dialects.flat import FlatDialect
from sv_eval.backends.remote.dialects.funasr_websocket import FunAsrWebsocket
from sv_eval.backends.remote.dialects.generic import Generic
from sv_eval.backends.remote.dialects.kserve import KServe
from sv_eval.backends.remote.dialects.openai import OpenAiTranscriptions
from sv_eval.backends.remote.dialects.sensevoice_api import SenseVoiceApi
from sv_eval.backends.remote.dialects.service import JsonDialect
from sv_eval.backends.remote.dialects.service_websocket import StreamDialect
from sv_eval.backends.remote.dialects.sherpa_websocket import SherpaWebsocket
from sv_eval.backends.remote.errors import RemoteError
from sv_eval.backends.remote.http_messages import HttpReply
from sv_eval.backends.remote.http_transport import HttpDialect
from sv_eval.backends.remote.timeline import Timeline
from sv_eval.backends.remote.websocket_transport import WebsocketDialect
from sv_eval.record_file.as_json import record_to_json
from sv_eval.record_file.line import read_line
from sv_eval.records import Clip, Prediction, Record
from sv_eval.run.plain_answers import plain_answer
from tests.endurance.mutations import as_text, changed, with_bytes_changed
from tests.unit.backends.remote.talk import Talk

SCORES = {"happy": 0.7, "sad": 0.2, "neutral": 0.1}
STRETCH = {"start": 0.0, "end": 1.5, "emotion": "happy", "scores": SCORES, "text": "hm"}
DATA = {
    "emotion": "happy", "confidence": 0.7, "text": "hm", "language": "en", "event": "Speech", "scores": SCORES,
    "segments": [STRETCH, {**STRETCH, "start": 1.5, "end": 2.0}], "model": "m",
}  # fmt: skip
TAGS = "<|en|><|HAPPY|><|Speech|><|withitn|>hm"
ANSWERS: Mapping[str, tuple[Callable[[], Dialect], list[Any]]] = {
    "service": (JsonDialect, [{"success": True, "data": DATA}]),
    "flat": (FlatDialect, [{"text": "hm", "emotion": "happy", "confidence": 0.7, "scores": SCORES}]),
    "websocket": (StreamDialect, [{"type": "ready"}, {"type": "final", "data": DATA}]),
    "openai": (OpenAiTranscriptions, [{"text": "hm", "emotion": "happy", "scores": SCORES, "confidence": 0.7}]),
    "sensevoice_api": (SenseVoiceApi, [{"result": [{"key": "clip", "text": "hm", "raw_text": TAGS}]}]),
    "funasr": (
        FunAsrWebsocket,
        [
            {"mode": "offline", "text": TAGS, "is_final": True},
            {"mode": "offline", "text": TAGS, "is_final": False},
        ],
    ),
    "sherpa": (SherpaWebsocket, [{"lang": "<|en|>", "emotion": "<|HAPPY|>", "event": "<|Speech|>", "text": "hm"}]),
    "api4sensevoice": (Api4SenseVoice, [{"code": 0, "msg": "", "data": "hm 😊"}]),
    "kserve": (KServe, [{"outputs": [{"name": "TRANSCRIPTS", "data": [TAGS]}]}]),
    "dashscope": (
        DashScope,
        [
            {
                "output": {
                    "choices": [
                        {
                            "message": {
                                "annotations": [{"type": "audio_info", "emotion": "happy", "language": "en"}],
                                "content": [{"text": "hm"}],
                            }
                        }
                    ]
                }
            }
        ],
    ),
    "generic": (
        lambda: Generic(
            emotion="$.e", scores="$.s[*].p", score_labels="$.s[*].w", text="$.t", confidence="$.c",
            language="$.l", event="$.v", server_ms="$.ms", failed="$.error", failure_message="$.error.message",
        ),
        [
            {
                "e": "happy", "s": [{"w": "happy", "p": 0.7}, {"w": "sad", "p": 0.3}], "t": "hm", "c": 0.7,
                "l": "en", "v": "Speech", "ms": {"total": 3.5}, "error": None,
            }
        ],
    ),
}  # fmt: skip
RUNS = 300


def mutated(messages: list[Any], drawn: random.Random) -> list[bytes]:
    """The messages with some of their parts damaged; at times the bytes themselves."""
    found = changed(messages, drawn)
    said = [as_text(one).encode() for one in (found if isinstance(found, list) else [found])]
    if said and drawn.random() < 0.1:
        place = drawn.randrange(len(said))
        said[place] = with_bytes_changed(said[place], drawn)
    return said


def answer(dialect: Dialect, messages: list[bytes]) -> ParsedAnswer:
    """What a dialect makes of messages, with the errors that its transport turns into a clip's failure."""
    try:
        if isinstance(dialect, HttpDialect):
            body = messages[0] if messages else b""
            return dialect.read(HttpReply(status=200, body=body, headers={"Content-Type": "application/json"}))
        assert isinstance(dialect, WebsocketDialect)
        opening = ("", b"") if not isinstance(dialect, SherpaWebsocket) else b""
        talk: Any = Talk(messages)
        return asyncio.run(dialect.converse(talk, opening, Timeline()))
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise RemoteError("not_understood", repr(error)) from error


def read(dialect: Dialect, messages: list[bytes]) -> Prediction:
    parser = answer_parser(None, emoji=dialect.traits.emoji)
    parsed = answer(dialect, messages)
    parser.by_emoji(parsed)
    return parser.prediction(parsed, {})


@pytest.mark.parametrize("name", ANSWERS)
def test_the_undamaged_answer_is_read(name: str) -> None:
    made, messages = ANSWERS[name]

    assert read(made(), [json.dumps(one).encode() for one in messages]).label == "happy"


@pytest.mark.parametrize("name", ANSWERS)
def test_a_damaged_answer_is_a_label_or_a_failure(name: str) -> None:
    made, messages = ANSWERS[name]
    drawn = random.Random(f"answers {name}")
    kinds: dict[str, int] = {}

    for _ in range(RUNS):
        said = mutated(messages, drawn)
        try:
            found = plain_answer(read(made(), said))
        except RemoteError as error:
            kinds[error.kind] = kinds.get(error.kind, 0) + 1
            continue
        assert isinstance(found, Prediction)
        record = Record(clip=Clip(id="c", reference="happy"), outcome=found.outcome, prediction=found)
        line = json.dumps(record_to_json(record), allow_nan=False)
        assert read_line(line).outcome == found.outcome
        kinds["read"] = kinds.get("read", 0) + 1

    assert {"read", "not_understood"} <= set(kinds), kinds
