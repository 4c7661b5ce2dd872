"""Each step does to the sound what its name and its settings say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from sv_eval.data.audio.decoding import decode
from sv_eval.data.audio.measuring import measured, speech_power
from sv_eval.data.conditions.condition import Condition, condition_from
from sv_eval.data.conditions.step import Float32
from sv_eval.data.conditions.telephone import lost_packets
from sv_eval.errors import ConfigError
from sv_eval.records import Clip, Waveform
from sv_eval.sound_facts import SoundFacts
from tests.unit.codecs import skipped_where_it_is_lacking

CLIPS = Path(__file__).resolve().parents[4] / "datasets" / "demo" / "clips"
VOICE = np.asarray(decode(CLIPS / "en_m1_neutral_01.flac").samples)
OTHER = np.asarray(decode(CLIPS / "zh_f2_angry_02.flac").samples)
RATE_HZ = 16_000


def condition(seed: int = 0, /, **steps: dict[str, Any]) -> Condition:
    found = condition_from({"name": "test", "seed": seed, "steps": steps})
    assert found is not None
    return found


def changed(samples: Float32 = VOICE, clip: str = "a", **steps: dict[str, Any]) -> Float32:
    return condition(**steps)(samples, Clip(id=clip), lambda n: [OTHER] * n)


def facts(samples: Float32) -> SoundFacts:
    return measured(Waveform(samples=samples))


@pytest.mark.parametrize("color", ["white", "pink", "hum", "babble"])
@pytest.mark.parametrize("snr_db", [0.0, 20.0])
def test_noise_is_so_far_below_the_speech(color: str, snr_db: float) -> None:
    noise = changed(noise={"color": color, "snr_db": snr_db}) - VOICE

    assert 10 * np.log10(speech_power(VOICE) / np.mean(noise**2)) == pytest.approx(snr_db, abs=0.2)


def test_silence_around_the_speech_changes_nothing_of_the_noise_in_it() -> None:
    noise = changed(noise={"snr_db": 10.0}) - VOICE
    padded = np.pad(VOICE, 2 * RATE_HZ)

    assert np.std(changed(padded, noise={"snr_db": 10.0}) - padded) == pytest.approx(np.std(noise), rel=0.02)


def test_pink_noise_has_equal_power_in_every_octave() -> None:
    noise = changed(np.tile(VOICE, 8), noise={"color": "pink", "snr_db": -20.0})
    power = np.abs(np.fft.rfft(noise)) ** 2
    hz = np.fft.rfftfreq(len(noise), 1 / RATE_HZ)
    octaves = [power[(hz >= low) & (hz < 2 * low)].sum() for low in (250, 500, 1000, 2000, 4000)]

    assert max(octaves) / min(octaves) < 1.6


def test_noise_may_come_from_a_folder(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "street.wav", OTHER, RATE_HZ)

    noise = changed(noise={"color": "folder", "folder": str(tmp_path), "snr_db": 10.0}) - VOICE

    assert 10 * np.log10(speech_power(VOICE) / np.mean(noise**2)) == pytest.approx(10, abs=0.2)


@pytest.mark.parametrize("codec", ["mulaw", "alaw", "g722", "amr_nb", "opus", "mp3"])
def test_a_codec_leaves_the_length_and_the_place_and_loses_something(codec: str) -> None:
    with skipped_where_it_is_lacking():
        heard = changed(telephone={"codec": codec})
    delays = np.correlate(np.pad(heard, 800), VOICE, "valid")

    assert len(heard) == len(VOICE)
    assert abs(int(np.argmax(delays)) - 800) <= 8
    assert 0 < np.mean((heard - VOICE) ** 2) < np.mean(VOICE**2)


@pytest.mark.parametrize("codec", ["linear", "mulaw", "alaw", "amr_nb"])
def test_what_comes_over_a_narrow_line_is_known_as_narrow(codec: str) -> None:
    with skipped_where_it_is_lacking():
        heard = changed(telephone={"codec": codec, "low_hz": 300.0, "high_hz": 3400.0})

    assert (facts(heard).band_hz or 0) < 4100


def test_packets_get_lost_in_the_share_and_in_the_bursts_asked_for() -> None:
    lost = lost_packets(200_000, 0.1, 4.0, np.random.default_rng(5))
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate(([0], lost.astype(int), [0])))))[::2]

    assert lost.mean() == pytest.approx(0.1, rel=0.05)
    assert runs.mean() == pytest.approx(4.0, rel=0.05)


def test_a_lost_packet_is_silence_or_the_one_before() -> None:
    steady = np.tile(np.float32([0.25, -0.25]), 8000)
    settings = {"codec": "g722", "loss": 0.2, "burst": 1.0}
    silent = changed(steady, telephone=settings | {"conceal": "none"})
    repeated = changed(steady, telephone=settings | {"conceal": "repeat"})

    gaps = (np.abs(silent).reshape(-1, 320).max(axis=1) == 0).mean()
    assert gaps == pytest.approx(0.2, abs=0.15)
    assert (np.abs(repeated).reshape(-1, 320).max(axis=1) == 0).mean() < gaps


@pytest.mark.parametrize(
    ("steps", "name", "expected"),
    [
        ({"level": {"gain_db": -20.0}}, "level_dbfs", (facts(VOICE).level_dbfs or 0) - 20),
        ({"dc": {"offset": 0.05}}, "dc", 0.05),
        ({"padding": {"lead_s": 2.0, "tail_s": 0.0}}, "lead_s", 2.0 + facts(VOICE).lead_s),
        ({"clipping": {"share": 0.2}}, "clipped", 0.2),
        ({"band": {"high_hz": 3000.0}}, "band_hz", 3400),
        ({"pitch": {"semitones": 12.0}}, "pitch_hz", 2 * (facts(VOICE).pitch_hz or 0)),
        ({"rate_header": {"rate_hz": 8000}}, "pitch_hz", 2 * (facts(VOICE).pitch_hz or 0)),
        ({"speed": {"factor": 2.0, "keep_pitch": True}}, "pitch_hz", facts(VOICE).pitch_hz),
    ],
)
def test_the_facts_of_the_changed_sound_tell_of_the_change(
    steps: dict[str, Any], name: str, expected: float
) -> None:
    assert getattr(facts(changed(**steps)), name) == pytest.approx(expected, rel=0.15, abs=0.1 * (name == "lead_s"))


@pytest.mark.parametrize(
    ("steps", "length"),
    [
        ({"speed": {"factor": 1.25}}, 0.8), ({"speed": {"factor": 1.25, "keep_pitch": True}}, 0.8),
        ({"pitch": {"semitones": -3.0}}, 1.0), ({"rate_header": {"rate_hz": 8000}}, 0.5),
        ({"level": {"speech_dbfs": -30.0}}, 1.0),
    ],
)  # fmt: skip
def test_the_length_is_what_the_change_makes_of_it(steps: dict[str, Any], length: float) -> None:
    assert len(changed(**steps)) / len(VOICE) == pytest.approx(length, rel=0.03)


def test_the_speech_is_brought_to_a_level() -> None:
    assert 10 * np.log10(speech_power(changed(level={"speech_dbfs": -30.0}))) == pytest.approx(-30, abs=0.1)


def test_what_comes_out_is_a_wav_of_16_bits_already() -> None:
    heard = changed(level={"gain_db": 60.0}) * 32_768

    assert np.array_equal(heard, np.rint(heard))
    assert (heard.min(), heard.max()) == (-32_768, 32_767)


def test_chance_is_the_clips_own_whatever_came_before() -> None:
    same = condition(noise={"snr_db": 10.0}, telephone={"codec": "mulaw", "loss": 0.1})
    heard = {clip: same(VOICE, Clip(id=clip), list) for clip in "ab"}

    for clip in "ba":
        assert np.array_equal(same(VOICE, Clip(id=clip), list), heard[clip])
    assert not np.array_equal(heard["a"], heard["b"])


def test_another_seed_is_other_noise() -> None:
    one, other = (condition(seed, noise={"snr_db": 10.0})(VOICE, Clip(id="a"), list) for seed in (0, 1))

    assert not np.array_equal(one, other)


def test_steps_follow_each_other_and_may_be_of_one_kind() -> None:
    both = changed(first={"kind": "level", "gain_db": -6.0}, second={"kind": "level", "gain_db": -6.0})

    assert np.allclose(both, changed(level={"gain_db": -12.0}), atol=1 / 32_768)


@pytest.mark.parametrize("samples", [np.zeros(800, np.float32), VOICE[:400]])
@pytest.mark.parametrize(
    "steps",
    [
        {"noise": {}}, {"noise": {"color": "babble"}}, {"noise": {"color": "pink"}}, {"telephone": {"loss": 0.1}},
        {"telephone": {"codec": "g722"}}, {"band": {}}, {"speed": {}}, {"pitch": {}}, {"clipping": {}},
        {"level": {"speech_dbfs": -20.0}},
    ],
)  # fmt: skip
def test_silence_and_the_shortest_clips_come_through(samples: Float32, steps: dict[str, Any]) -> None:
    assert np.isfinite(changed(samples, **steps)).all()


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ({"telephon": {}}, "telephone"), ({"telephone": {"codec": "g711"}}, "not known"),
        ({"telephone": {"codec": "mulaw", "rate_hz": 16_000}}, "8000"), ({"telephone": {"loss": 1.0}}, "loss"),
        ({"noise": {"color": "folder"}}, "folder"), ({"noise": {"snr_db": 500.0}}, "snr_db"),
        ({"level": {}}, "gain_db"),
        ({"band": {"high_hz": None}}, "low_hz"), ({"speed": {"factor": 3.0}}, "half to double"),
        ({"padding": {"lead_s": -1.0}}, "lead_s"), ({"clipping": {"share": 1.0}}, "share"),
        ({"rate_header": {"rate_hz": 1}}, "rate_hz"), ({"noise": {"snr": 3.0}}, "snr_db"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_refused_by_name(steps: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        condition(**steps)


def test_no_steps_are_no_condition() -> None:
    assert condition_from(None) is None
    assert condition_from({"name": "none", "steps": {}}) is None
