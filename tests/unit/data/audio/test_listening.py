"""Loudness and quality on request: those of the standard and of the package's own code."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sv_eval.data.audio.decoding import decode
from sv_eval.data.audio.listening import listening
from sv_eval.data.audio.measuring import measured
from sv_eval.errors import ConfigError
from sv_eval.records import SAMPLE_RATE_HZ, Waveform
from sv_eval.sound_facts import SoundFacts

CLIP = sorted((Path(__file__).resolve().parents[4] / "datasets" / "demo" / "clips").glob("*_01.flac"))[0]


def heard(samples: NDArray[np.floating], *, lufs: bool = False, dnsmos: bool = False) -> SoundFacts:
    listen = listening(lufs=lufs, dnsmos=dnsmos)
    assert listen is not None
    waveform = Waveform(samples=np.asarray(samples, np.float32))
    return listen(waveform, measured(waveform))


def test_nothing_is_added_that_nobody_asked_for() -> None:
    assert listening(lufs=False, dnsmos=False) is None
    assert heard(decode(CLIP).samples, lufs=True).dnsmos is None


def test_a_sine_at_full_scale_has_the_loudness_that_the_standard_gives_it() -> None:
    # BS.1770-4: 997 Hz at 0 dBFS in one front channel is -3.01 LKFS.
    sine = np.sin(2 * np.pi * 997 * np.arange(3 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ)

    assert heard(sine, lufs=True).lufs == pytest.approx(-3.01, abs=0.1)
    assert heard(0.1 * sine, lufs=True).lufs == pytest.approx(-23.01, abs=0.1)


@pytest.mark.parametrize("seconds", [0.1, 0.39])
def test_less_than_a_block_has_no_loudness(seconds: float) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, round(seconds * SAMPLE_RATE_HZ))

    assert heard(noise, lufs=True).lufs is None


@pytest.mark.parametrize("samples", [np.zeros(32_000), np.full(32_000, 0.2)])
def test_silence_has_neither(samples: NDArray[np.float64]) -> None:
    found = heard(samples, lufs=True, dnsmos=True)

    assert (found.lufs, found.dnsmos) == (None, None)


def test_the_quality_is_that_of_the_package_itself() -> None:
    from speechmos import dnsmos

    clip = np.asarray(decode(CLIP).samples)

    assert heard(clip, dnsmos=True).dnsmos == pytest.approx(dnsmos.run(clip, SAMPLE_RATE_HZ)["ovrl_mos"], abs=1e-3)


def test_noise_costs_quality_and_long_clips_are_judged_whole() -> None:
    clip = np.asarray(decode(CLIP).samples)
    long = np.resize(clip, 20 * SAMPLE_RATE_HZ)
    noisy = long + np.random.default_rng(0).normal(0, 0.3 * clip.std(), len(long))

    clean, worse = (heard(samples, dnsmos=True).dnsmos for samples in (long, noisy))
    assert clean is not None
    assert worse is not None
    assert worse < clean - 0.5


@pytest.mark.parametrize(("setting", "package"), [("dnsmos", "speechmos"), ("lufs", "pyloudnorm")])
def test_a_missing_package_is_named_with_its_extra(
    setting: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(ConfigError, match=rf"run\.{setting} needs {package} .* pip install 'sv-eval\[mos\]'"):
        listening(**{"lufs": False, "dnsmos": False, setting: True})
