"""Samples without a header."""

from __future__ import annotations

import numpy as np
import pytest

from sv_eval.data.audio.decoding import decode_raw
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.errors import AudioError

LIMITS = AudioLimits(max_duration_s=2.0, max_encoded_bytes=200_000)


def test_samples_come_back_with_full_scale_one():
    values = np.array([0, 16384, -32768, 32767] * 200, "<i2")
    waveform = decode_raw(values.tobytes(), sample_type="<i2", rate_hz=16_000)
    assert np.array_equal(waveform.samples, values.astype(np.float32) / 32768)
    assert (waveform.source_rate_hz, waveform.source_channels, waveform.container) == (16_000, 1, "raw/pcm_16")


def test_another_rate_is_brought_to_16_khz():
    tone = np.sin(2 * np.pi * 440 * np.arange(8_000) / 8_000).astype("<f4")
    waveform = decode_raw(tone.tobytes(), sample_type="<f4", rate_hz=8_000)
    assert waveform.duration_s == pytest.approx(1.0)
    assert np.abs(waveform.samples).max() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("data", "sample_type", "rate_hz", "kind"),
    [
        (b"", "<i2", 16_000, "empty"),
        (bytes(10), "<i2", 16_000, "too_short"),
        (bytes(1_601), "<i2", 16_000, "truncated"),
        (bytes(100_000), "<i2", 16_000, "too_long"),
        (bytes(300_000), "<i2", 48_000, "too_large"),
        (bytes(3_200), "<i2", 10, "not_audio"),
        (np.full(1_600, np.inf, "<f4").tobytes(), "<f4", 16_000, "not_audio"),
    ],
)
def test_what_can_not_be_judged_is_refused(data, sample_type, rate_hz, kind):
    with pytest.raises(AudioError) as error:
        decode_raw(data, sample_type=sample_type, rate_hz=rate_hz, limits=LIMITS)
    assert error.value.kind == kind
