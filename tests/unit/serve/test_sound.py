"""Loudness, and samples in pieces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sv_eval.data.audio.level import peak_dbfs, rms_dbfs
from sv_eval.serve.sound import SampleStream
from sv_eval.wire.problems import ServiceError


def test_loudness_of_a_sine_and_of_nothing() -> None:
    sine = np.sin(np.arange(16_000) * 2 * np.pi * 100 / 16_000).astype(np.float32)
    assert peak_dbfs(sine) == pytest.approx(0.0, abs=0.01)
    assert rms_dbfs(sine) == pytest.approx(-3.01, abs=0.01)
    assert peak_dbfs(np.zeros(10, np.float32)) is None
    assert rms_dbfs(np.zeros(0, np.float32)) is None


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40))
def test_pieces_of_any_length_give_the_same_samples(cuts: list[int]) -> None:
    values = np.arange(-50, 50, dtype="<i2")
    data = values.tobytes()
    stream, out, at = SampleStream("pcm_s16le", 16_000), [], 0
    for cut in cuts:
        out.append(stream.feed(data[at : at + cut]))
        at = min(at + cut, len(data))
    out.append(stream.feed(data[at:]))
    out.append(stream.finish())
    assert np.array_equal(np.concatenate(out), values.astype(np.float32) / 32768)


def test_another_rate_is_brought_to_16_khz() -> None:
    tone = np.sin(np.arange(48_000) * 2 * np.pi * 440 / 48_000).astype("<f4")
    stream = SampleStream("pcm_f32le", 48_000)
    pieces = [stream.feed(tone[at : at + 4_800].tobytes()) for at in range(0, 48_000, 4_800)]
    samples = np.concatenate([*pieces, stream.finish()])
    expected = np.sin(np.arange(16_000) * 2 * np.pi * 440 / 16_000)
    assert len(samples) == 16_000
    assert np.abs(samples[200:-200] - expected[200:-200]).max() < 1e-3


def test_half_a_sample_at_the_end_and_samples_that_are_no_numbers() -> None:
    stream = SampleStream("pcm_s16le", 16_000)
    stream.feed(b"abc")
    with pytest.raises(ServiceError) as caught:
        stream.finish()
    assert caught.value.code.word == "truncated"
    with pytest.raises(ServiceError) as caught:
        SampleStream("pcm_f32le", 16_000).feed(np.array([np.nan], "<f4").tobytes())
    assert caught.value.code.word == "not_audio"
