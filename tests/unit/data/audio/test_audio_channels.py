"""Several channels: mixed, chosen, and such as cancel each other."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from sv_eval.data.audio.channels import channel_word, channels_of
from sv_eval.data.audio.decoding import decode
from sv_eval.data.audit.facts import AudioDefect, AudioFacts
from sv_eval.errors import AudioError
from tests.unit.data.audio.audited import measured

RNG = np.random.default_rng(14)
LEFT, RIGHT = (0.1 * RNG.standard_normal((2, 16_000))).astype(np.float32)


def stereo(*channels: np.ndarray, rate_hz: int = 16_000, **options: str) -> bytes:
    file = io.BytesIO()
    options = {"format": "WAV", "subtype": "FLOAT", **options}
    soundfile.write(file, np.stack(channels, axis=1), rate_hz, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (None, None), ("mix", None), ("Mix", None), ("left", "1"), ("RIGHT", "2"), (1, "1"), ("3", "3"),
        ("2.0", "2"), (" left ", "1"), ("each", "each"),
    ],
)  # fmt: skip
def test_words_for_channels(given: object, meant: str | None) -> None:
    assert channel_word(given) == meant


@pytest.mark.parametrize("given", ["middle", 0, -1, "1.5", True, "", "99999", [1]])
def test_words_that_are_no_channel(given: object) -> None:
    with pytest.raises(ValueError, match="give mix, left, right, a number from 1, or each"):
        channel_word(given)


def test_the_mix_is_the_mean_and_is_said() -> None:
    heard, facts = decode(stereo(LEFT, RIGHT)), measured(stereo(LEFT, RIGHT))

    np.testing.assert_allclose(heard.samples, (LEFT + RIGHT) / 2, atol=1e-7)
    assert heard.marks == ("mixed",)
    assert isinstance(facts, AudioFacts)
    assert facts.marks == ("mixed",)


@pytest.mark.parametrize(("channel", "samples"), [(1, LEFT), (2, RIGHT)])
def test_a_channel_is_heard_alone(channel: int, samples: np.ndarray) -> None:
    heard = decode(stereo(LEFT, RIGHT), channel=channel)

    np.testing.assert_array_equal(heard.samples, samples)
    assert heard.marks == ()
    assert heard.source_channels == 2


def test_a_channel_of_a_compressed_file_is_heard_alone() -> None:
    heard = decode(stereo(LEFT, RIGHT, format="FLAC", subtype="PCM_16"), channel=2)

    np.testing.assert_allclose(heard.samples, RIGHT, atol=1e-4)


def test_a_channel_that_is_not_there_is_a_failure_with_what_is_there() -> None:
    with pytest.raises(AudioError, match="channel 3 was asked for, and there are 2 channels") as error:
        decode(stereo(LEFT, RIGHT), channel=3)

    assert error.value.kind == "no_channel"


def test_the_only_channel_of_a_mono_file_is_its_first() -> None:
    np.testing.assert_array_equal(decode(stereo(LEFT), channel=1).samples, LEFT)
    with pytest.raises(AudioError, match="there is one channel"):
        decode(stereo(LEFT), channel=2)


def test_the_file_itself_is_handed_on_only_where_all_of_it_is_heard() -> None:
    both, one = stereo(LEFT, RIGHT), stereo(LEFT)

    assert decode(both, keep_encoded=True).encoded == both
    assert decode(both, channel=1, keep_encoded=True).encoded is None
    assert decode(one, channel=1, keep_encoded=True).encoded == one


@pytest.mark.parametrize(
    "options", [{}, {"subtype": "PCM_16"}, {"format": "FLAC", "subtype": "PCM_16"}, {"rate_hz": 44_100}]
)
def test_channels_that_cancel_each_other_are_named_and_no_silence(options: dict[str, str]) -> None:
    content = stereo(LEFT, -LEFT, **options)

    with pytest.raises(AudioError, match=r"channels cancel each other .* dataset\.channel=left") as error:
        decode(content)
    facts = measured(content)

    assert error.value.kind == "cancelling"
    assert isinstance(facts, AudioDefect)
    assert facts.kind == "cancelling"
    assert decode(content, channel=1).marks == ()
    assert isinstance(measured(content, channel=1), AudioFacts)


def test_channels_that_nearly_cancel_each_other_are_marked() -> None:
    content = stereo(LEFT, np.float32(-0.9) * LEFT)

    assert decode(content).marks == ("cancelling", "mixed")
    facts = measured(content)
    assert isinstance(facts, AudioFacts)
    assert "cancelling" in facts.marks


@pytest.mark.parametrize(
    "channels",
    [
        (LEFT, LEFT), (LEFT, 0 * LEFT), (LEFT, RIGHT), (0 * LEFT, 0 * LEFT), (LEFT, np.float32(-0.2) * LEFT),
        (LEFT, RIGHT, *(0 * LEFT,) * 14),
    ],
)  # fmt: skip
def test_other_channels_cancel_nothing(channels: tuple[np.ndarray, ...]) -> None:
    assert decode(stereo(*channels)).marks == ("mixed",)


def test_channels_that_are_no_numbers_are_damage() -> None:
    with pytest.raises(AudioError) as error:
        decode(stereo(LEFT, np.full_like(LEFT, np.nan)))

    assert error.value.kind == "not_audio"


def test_the_number_of_channels_is_asked_of_the_header(write_av, tone, tmp_path) -> None:
    (tmp_path / "a.wav").write_bytes(stereo(LEFT, RIGHT, LEFT))

    assert channels_of(tmp_path / "a.wav") == 3
    assert channels_of(stereo(LEFT)) == 1
    assert channels_of(write_av("a.m4a", tone(48_000), 48_000, "aac")) == 1
    assert channels_of(b"no audio at all") is None
    assert channels_of(tmp_path / "none.wav") is None
