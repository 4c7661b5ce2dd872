"""Facts of a clip's sound: each is what was put into the sound, and an up-sampled file doesn't hide its band."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from sv_eval.data.audio.decoding import decode
from sv_eval.data.audio.measuring import measured
from sv_eval.records import SAMPLE_RATE_HZ, Waveform
from sv_eval.sound_facts import SoundFacts, sound_from_json, sound_to_json

CLIPS = sorted((Path(__file__).resolve().parents[4] / "datasets" / "demo" / "clips").glob("*_01.flac"))[::10]


def facts(samples: NDArray[np.floating]) -> SoundFacts:
    return measured(Waveform(samples=np.asarray(samples, dtype=np.float32)))


def voice(path: Path = CLIPS[0]) -> NDArray[np.float32]:
    return np.asarray(decode(path).samples)


def at_8_khz(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(soxr.resample(samples, SAMPLE_RATE_HZ, 8000), dtype=np.float32)


def tone(hz: float, seconds: float = 1.0) -> NDArray[np.float64]:
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ)


@pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.stem)
def test_the_band_of_telephone_sound_is_known_whatever_its_rate(path: Path, tmp_path: Path) -> None:
    clean, narrow = voice(path), at_8_khz(voice(path))
    for rate_hz, samples, name in ((8000, narrow, "a"), (16_000, soxr.resample(narrow, 8000, 16_000), "b")):
        soundfile.write(tmp_path / f"{name}.wav", samples, rate_hz, subtype="PCM_16")

        found = measured(decode(tmp_path / f"{name}.wav"))

        assert found.rate_hz == rate_hz
        assert found.band_hz == pytest.approx(3950, abs=150)
    assert facts(clean).band_hz == pytest.approx(8000, abs=500)


def test_a_file_that_is_played_at_double_speed_has_double_the_pitch() -> None:
    normal = [facts(voice(path)).pitch_hz or 0 for path in CLIPS]
    fast = [facts(at_8_khz(voice(path))).pitch_hz or 0 for path in CLIPS]

    assert np.median(fast) / np.median(normal) == pytest.approx(2, rel=0.15)


@pytest.mark.parametrize("hz", [80.0, 150.0, 320.0])
def test_the_pitch_of_a_voice_like_sound_is_its_own(hz: float) -> None:
    sound = sum(tone(hz * number) / number for number in range(1, 9))

    assert facts(0.1 * np.asarray(sound)).pitch_hz == pytest.approx(hz, rel=0.02)


def test_noise_has_no_pitch() -> None:
    assert facts(np.random.default_rng(1).normal(0, 0.1, 16_000)).pitch_hz is None


@pytest.mark.parametrize("snr_db", [5.0, 10.0, 20.0])
def test_the_snr_is_that_of_the_noise_put_in(snr_db: float) -> None:
    clean = voice()
    noise = np.random.default_rng(2).normal(0, float(clean.std()) * 10 ** (-snr_db / 20), len(clean))

    assert facts(clean + noise).snr_db == pytest.approx(snr_db, abs=2.0)


def test_silence_is_found_at_both_ends() -> None:
    padded = np.pad(voice(), (16_000, 24_000))
    found = facts(padded)

    assert found.lead_s == pytest.approx(1.0 + facts(voice()).lead_s, abs=0.07)
    assert found.tail_s == pytest.approx(1.5 + facts(voice()).tail_s, abs=0.07)
    assert found.silence > 40_000 / len(padded)


def test_level_peak_and_offset_are_those_of_the_samples() -> None:
    found = facts(0.5 * tone(440.0) + 0.1)

    assert found.level_dbfs == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.01)
    assert found.peak_dbfs == pytest.approx(20 * np.log10(0.6), abs=0.01)
    assert found.dc == pytest.approx(0.1, abs=1e-4)


def test_tops_that_were_cut_off_are_counted_even_when_they_were_turned_down() -> None:
    clean = voice()
    top = float(np.quantile(np.abs(clean), 0.95))

    assert facts(clean).clipped < 0.0005
    assert facts(0.3 * np.clip(clean, -top, top)).clipped == pytest.approx(0.05, abs=0.02)


def test_what_is_at_full_scale_in_the_file_is_counted_before_resampling(tmp_path: Path) -> None:
    clean = np.clip(20 * np.asarray(soxr.resample(voice(), 16_000, 44_100)), -1, 1)
    soundfile.write(tmp_path / "loud.wav", clean, 44_100, subtype="PCM_16")

    assert measured(decode(tmp_path / "loud.wav")).clipped == pytest.approx(
        np.mean(np.abs(clean) >= 0.999), abs=1e-4
    )


@pytest.mark.parametrize("samples", [np.zeros(8000), np.full(8000, 0.25), np.zeros(0)])
def test_silence_has_no_level_band_or_pitch(samples: NDArray[np.float64]) -> None:
    found = facts(samples)

    assert (found.level_dbfs, found.band_hz, found.snr_db, found.pitch_hz) == (None, None, None, None)
    assert found.silence == 1.0


@pytest.mark.parametrize("length", [2, 400, 513, 700])
def test_clips_as_short_as_can_be_are_measured(length: int) -> None:
    assert facts(np.random.default_rng(length).normal(0, 0.1, length)).peak_dbfs is not None


def test_facts_survive_their_way_through_a_record() -> None:
    found = facts(voice())

    assert sound_from_json(sound_to_json(found)) == found
    assert sound_from_json(None) is None
    assert len(str(sound_to_json(found))) < 300
