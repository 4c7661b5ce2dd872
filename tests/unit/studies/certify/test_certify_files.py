"""The same sound as files of many kinds: our own decoder hears it in all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sv_eval.data.audio.decoding import decode
from sv_eval.studies.certify.files import LOSSY, by_ffmpeg, by_sndfile, chunk, on_16_bits, wav
from sv_eval.studies.certify.guise import Material
from sv_eval.studies.certify.relation import Need, Rule
from sv_eval.studies.certify.relations import RELATIONS

Samples = np.ndarray[Any, np.dtype[np.float32]]


@pytest.fixture
def sound() -> Samples:
    """A second of a voice-like sound."""
    rng = np.random.default_rng(0)
    time = np.arange(16_000) / 16_000
    tones = sum(np.sin(2 * np.pi * 150 * k * time) / k for k in range(1, 20))
    return on_16_bits((0.2 * tones + rng.normal(0, 0.01, 16_000)).astype(np.float32))


@pytest.mark.parametrize(
    "make",
    [
        wav,
        lambda one: wav(one, extensible=True),
        lambda one: wav(one, unknown_size=True),
        lambda one: wav(one, before=chunk(b"LIST", b"INFOodd")),
        lambda one: wav(np.stack([one, one], axis=1)),
        lambda one: by_sndfile(one, "WAV", "PCM_24"),
        lambda one: by_sndfile(one, "WAV", "FLOAT"),
        lambda one: by_sndfile(one, "FLAC"),
    ],
)
def test_forms_without_loss_hold_every_sample(make: Callable[[Samples], bytes], sound: Samples) -> None:
    np.testing.assert_array_equal(decode(make(sound)).samples, sound)


@pytest.mark.parametrize("form", LOSSY)
def test_lossy_forms_hold_the_sound_in_its_place(form: str, sound: Samples) -> None:
    heard = decode(by_ffmpeg(sound, form)).samples[: len(sound)]

    assert np.corrcoef(heard, sound[: len(heard)])[0, 1] > 0.98


def test_every_file_relation_compares_what_this_projects_decoder_hears_alike(sound: Samples) -> None:
    material = Material(sounds=[sound, sound[::-1].copy()], answers=[], others=[1, 0], long_s=4.0)
    of_files = [one for one in RELATIONS.values() if Need.FILES in one.needs and one.disguise is not None]
    channels = ("left_only", "right_only", "antiphase")

    assert len(of_files) > 15
    for relation in of_files:
        assert relation.disguise is not None
        comparison = relation.disguise(material, 0)
        assert comparison is not None
        if relation.name in channels or comparison.guise.file is None:
            continue
        heard = on_16_bits(decode(comparison.guise.file).samples)
        expected = comparison.reference.samples if comparison.reference else sound
        if relation.rule is Rule.HEARD:
            assert len(heard) != len(expected), relation.name
        else:
            np.testing.assert_array_equal(heard, expected, err_msg=relation.name)
