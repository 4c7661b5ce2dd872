"""A room decays in the time that was asked for, and neither moves the clip nor makes it louder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sv_eval.data.audio.decoding import decode
from sv_eval.data.audio.measuring import speech_power
from sv_eval.data.conditions.condition import condition_from
from sv_eval.data.conditions.room import Room, decay_s
from sv_eval.data.conditions.step import Float32
from sv_eval.errors import ConfigError
from sv_eval.records import Clip

CLIPS = Path(__file__).resolve().parents[4] / "datasets" / "demo" / "clips"
VOICE = np.asarray(decode(CLIPS / "en_m1_neutral_01.flac").samples)
NEEDED = "the extra [rooms] is not installed"


def heard(samples: Float32 = VOICE, clip: str = "a", seed: int = 0, **settings: Any) -> Float32:
    found = condition_from({"name": "test", "seed": seed, "steps": {"room": settings}})
    assert found is not None
    return found(samples, Clip(id=clip), list)


def test_a_plain_exponential_decays_in_its_own_time() -> None:
    noise = np.random.default_rng(0).standard_normal(32_000)

    decaying = noise * 10 ** (-3 * np.arange(32_000) / 16_000 / 0.5)

    assert decay_s(decaying) == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize(("rt60_s", "distance_m"), [(0.3, 1.0), (0.3, 3.0), (0.6, 1.0), (0.6, 3.0), (0.9, 3.0)])
def test_a_room_decays_in_the_time_that_was_asked_for(rt60_s: float, distance_m: float) -> None:
    pytest.importorskip("pyroomacoustics", reason=NEEDED)
    room = Room(rt60_s=rt60_s, distance_m=distance_m)

    found = [decay_s(room.response(placement).samples) for placement in range(3)]

    assert found == pytest.approx([rt60_s] * 3, rel=0.1)


def test_further_away_less_of_the_sound_is_direct() -> None:
    pytest.importorskip("pyroomacoustics", reason=NEEDED)

    def direct_share(distance_m: float) -> float:
        response = Room(rt60_s=0.3, distance_m=distance_m).response(0)
        energy = response.samples**2
        return float(energy[: response.direct + 40].sum() / energy.sum())

    assert direct_share(0.5) > direct_share(1.0) > direct_share(3.0)


def test_the_clip_is_neither_moved_nor_made_louder_nor_longer() -> None:
    pytest.importorskip("pyroomacoustics", reason=NEEDED)
    click = np.zeros(16_000, np.float32)
    click[5000] = 0.5

    assert int(np.argmax(np.abs(heard(click, rt60_s=0.3, distance_m=3.0)))) == 5000
    changed = heard(rt60_s=0.6, distance_m=3.0)
    assert len(changed) == len(VOICE)
    assert speech_power(changed) == pytest.approx(speech_power(VOICE), rel=0.02)


def test_a_clips_place_is_its_own_and_the_same_on_every_rerun() -> None:
    pytest.importorskip("pyroomacoustics", reason=NEEDED)
    clips = {clip: heard(clip=clip, rt60_s=0.3) for clip in "abcdef"}

    assert all(np.array_equal(heard(clip=clip, rt60_s=0.3), samples) for clip, samples in clips.items())
    assert len({samples.tobytes() for samples in clips.values()}) > 1
    fixed = {heard(clip=clip, rt60_s=0.3, placements=1).tobytes() for clip in "abcdef"}
    assert len(fixed) == 1


@pytest.mark.parametrize("samples", [np.zeros(800, np.float32), VOICE[:400]])
def test_silence_and_the_shortest_clips_come_through(samples: Float32) -> None:
    pytest.importorskip("pyroomacoustics", reason=NEEDED)

    changed = heard(samples, rt60_s=0.3)

    assert len(changed) == len(samples)
    assert np.isfinite(changed).all()


def test_a_distance_as_long_as_the_room_is_found() -> None:
    pytest.importorskip("pyroomacoustics", reason=NEEDED)
    room = Room(rt60_s=0.3, distance_m=9.0, length_m=10.0, width_m=2.5, height_m=2.5)

    assert room.response(0).direct >= round(9.0 / 343 * 16_000)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"rt60_s": 9.0}, "rt60_s"), ({"distance_m": 30.0}, "distance_m"), ({"placements": 0}, "placements"),
        ({"height_m": 1.0}, "height_m"), ({"rt60": 0.5}, "rt60_s"),
    ],
)  # fmt: skip
def test_a_room_that_cannot_be_is_refused_by_name(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        heard(**settings)


def test_a_time_that_no_walls_give_is_refused() -> None:
    pytest.importorskip("pyroomacoustics", reason=NEEDED)

    with pytest.raises(ConfigError, match="no walls give a room"):
        heard(rt60_s=0.1, length_m=40.0, width_m=40.0, height_m=20.0)


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyroomacoustics", None)

    with pytest.raises(ConfigError, match=r"pip install 'sv-eval\[rooms\]'"):
        Room()
