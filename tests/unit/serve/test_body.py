"""Base64, JSON and form fields on their way in."""

from __future__ import annotations

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sv_eval.serve.body import checked, from_base64, parsed
from sv_eval.serve.routes_emotion import FileOptions
from sv_eval.wire.messages import BatchRequest, EmotionRequest, StreamStart
from sv_eval.wire.problems import ServiceError


@given(st.binary(min_size=1, max_size=2000))
def test_base64_comes_back_as_it_was(data: bytes) -> None:
    text = base64.b64encode(data).decode()
    lines = base64.encodebytes(data).decode()
    assert from_base64(text, 10_000) == data
    assert from_base64(lines, 10_000) == data
    assert from_base64(f"data:audio/wav;base64,{text}", 10_000) == data


@given(st.text(max_size=60))
def test_any_text_is_bytes_or_a_clear_error(text: str) -> None:
    with suppress(ServiceError):
        assert from_base64(text, 1000)


@pytest.mark.parametrize("text", ["a", "abc", "ab=c", "äöü=", "abcd-_==", "data:audio/wav,abcd"])
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(ServiceError) as caught:
        from_base64(text, 1000)
    assert caught.value.code.word == "invalid_base64"


def test_the_limit_is_on_the_decoded_bytes() -> None:
    text = base64.b64encode(bytes(1000)).decode()
    assert len(from_base64(text, 1000)) == 1000
    with pytest.raises(ServiceError) as caught:
        from_base64(base64.b64encode(bytes(1010)).decode(), 1000)
    assert caught.value.code.word == "too_large"


@pytest.mark.parametrize(
    ("body", "word", "parameter"),
    [
        (b"", "invalid_request", None),
        (b"{", "invalid_request", None),
        (b"\xff\xfe", "invalid_request", None),
        (b"[]", "invalid_parameter", "body"),
        (b"{}", "invalid_parameter", "audio"),
        (b'{"audio": 3}', "invalid_parameter", "audio"),
        (b'{"audio": "QQ==", "vad_threshold": 1.5}', "invalid_parameter", "vad_threshold"),
        (b'{"audio": "QQ==", "vad_threshold": "0.5"}', "invalid_parameter", "vad_threshold"),
        (b'{"audio": "QQ==", "chunk_size": 0.1}', "invalid_parameter", "chunk_size"),
        (b'{"audio": "QQ==", "vad_treshold": 0.5}', "invalid_parameter", "vad_treshold"),
        (b'{"audio": "QQ==", "sample_rate": 16000.5}', "invalid_parameter", "sample_rate"),
        (b'{"audio": "QQ==", "use_itn": "yes"}', "invalid_parameter", "use_itn"),
        (b'{"audio": "QQ==", "vad_threshold": NaN}', "invalid_parameter", "vad_threshold"),
    ],
)
def test_a_wrong_body_names_what_is_wrong(body: bytes, word: str, parameter: str | None) -> None:
    with pytest.raises(ServiceError) as caught:
        parsed(EmotionRequest, body)
    assert caught.value.code.word == word
    assert [item["parameter"] for item in caught.value.errors] == ([parameter] if parameter else [])


def test_no_value_that_was_sent_comes_back_in_an_error() -> None:
    with pytest.raises(ServiceError) as caught:
        parsed(EmotionRequest, b'{"audio": "QQ==", "language": ["secret"]}')
    assert "secret" not in str(caught.value) + str(caught.value.errors)


def test_the_messages_of_a_batch_and_of_a_stream() -> None:
    batch = parsed(BatchRequest, b'{"items": [{"id": "a", "audio": "QQ=="}]}')
    assert batch.items[0].id == "a"
    with pytest.raises(ServiceError, match="items"):
        parsed(BatchRequest, b'{"items": []}')
    assert parsed(StreamStart, b'{"type": "start"}').sample_rate == 16_000
    with pytest.raises(ServiceError, match="encoding"):
        parsed(StreamStart, b'{"type": "start", "encoding": "mp3"}')


def test_form_fields_are_read_from_text() -> None:
    options = checked(
        FileOptions, {"use_itn": "true", "vad_threshold": "0.6", "sample_rate": "8000", "ban_unknown": "1"}
    )
    assert (options.use_itn, options.vad_threshold, options.sample_rate, options.ban_unknown) == (
        True,
        0.6,
        8000,
        True,
    )
    for fields in ({"vad_threshold": "loud"}, {"use_itn": "maybe"}, {"colour": "red"}, {"vad_threshold": "nan"}):
        with pytest.raises(ServiceError) as caught:
            checked(FileOptions, fields)
        assert caught.value.errors[0]["parameter"] == next(iter(fields))
