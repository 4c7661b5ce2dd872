"""FunASR's runtimes end an answer in their own ways; all of its stretches are the answer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sv_eval.backends.remote.answer_parsing import answer_parser
from sv_eval.backends.remote.dialects.funasr_websocket import FunAsrWebsocket
from sv_eval.backends.remote.errors import RemoteError
from sv_eval.backends.remote.timeline import Timeline
from sv_eval.errors import ConfigError
from sv_eval.records import Prediction
from tests.unit.backends.remote.talk import Talk


def said(emotion: str, **more: Any) -> dict[str, Any]:
    return {"mode": "offline", "text": f"<|en|><|{emotion}|><|Speech|>hm ", "wav_name": "clip", **more}


def read(*messages: dict[str, Any], closes: bool = False, settle_s: float = 0.05) -> Prediction:
    dialect = FunAsrWebsocket(settle_s=settle_s)
    talk: Any = Talk([json.dumps(one).encode() for one in messages], closes=closes)
    parsed = asyncio.run(dialect.converse(talk, ("", b"x"), Timeline()))
    return answer_parser(None).prediction(parsed, {})


def test_the_python_runtime_sends_one_message_for_each_stretch() -> None:
    found = read(said("HAPPY", is_final=True), said("SAD", is_final=True), said("SAD", is_final=False))

    assert (found.label, found.raw_label) == ("sad", "SAD")
    assert found.text == "hm hm hm"


def test_the_last_stretch_may_be_empty() -> None:
    found = read(said("SAD", is_final=True), {"mode": "offline", "text": "", "is_final": False})

    assert found.label == "sad"


def test_newer_runtimes_say_that_it_is_the_end() -> None:
    assert read(said("HAPPY", is_final=True), said("SAD", is_final=True), {"is_end": True}).label == "happy"
    assert read(said("HAPPY", is_final=True), said("ANGRY", is_end=True, is_final=True)).label == "happy"


@pytest.mark.parametrize("closes", [True, False])
def test_the_cpp_runtime_sends_one_message_and_calls_it_final(closes: bool) -> None:
    assert read(said("ANGRY", is_final=True), closes=closes).label == "angry"


def test_a_message_without_is_final_is_the_whole_answer() -> None:
    assert read(said("ANGRY"), said("SAD")).label == "angry"


def test_what_is_no_offline_text_is_passed_over() -> None:
    online = {"mode": "2pass-online", "text": "<|SAD|>", "is_final": True}

    assert read(said("HAPPY", is_final=True), online, said("HAPPY", is_final=False)).label == "happy"


def test_waiting_for_another_stretch_is_no_latency() -> None:
    timeline = Timeline()
    talk: Any = Talk([json.dumps(said("ANGRY", is_final=True)).encode()], closes=False)

    asyncio.run(FunAsrWebsocket(settle_s=0.2).converse(talk, ("", b"x"), timeline))

    assert timeline.outside_s >= 0.2


def test_an_error_after_the_first_stretch_is_an_error() -> None:
    with pytest.raises(RemoteError, match="out of memory"):
        read(said("HAPPY", is_final=True), {"error": "out of memory"})


def test_waiting_for_no_time_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"backend\.dialect\.settle_s=0"):
        FunAsrWebsocket(settle_s=0)
