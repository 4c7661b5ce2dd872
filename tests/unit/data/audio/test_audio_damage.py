"""decode() on files that are no audio, damaged, too much or too little: a kind and a sentence, no crash."""

from __future__ import annotations

import io
import random
import tracemalloc
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from sv_eval.data.audio.decoding import decode
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.audit.facts import AudioDefect
from sv_eval.errors import AudioError, ConfigError
from tests.unit.data.audio.audited import measured


def kind_of(source: Path | bytes, **options) -> str:
    """The kind of the error that decoding ends with; also holds the message to its rules."""
    with pytest.raises(AudioError) as error:
        decode(source, **options)
    message = str(error.value)
    assert "\n" not in message
    assert ";" in message or "run `git" in message
    if isinstance(source, Path):
        assert source.name in message
    return error.value.kind


def wav(samples, rate_hz: int = 16_000, **options) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, **{"format": "WAV", **options})
    return file.getvalue()


def test_missing_file(tmp_path):
    assert kind_of(tmp_path / "none.wav") == "not_found"


def test_name_with_a_null_byte(tmp_path):
    assert kind_of(tmp_path / "a\0b.wav") == "not_found"


def test_folder(tmp_path):
    assert kind_of(tmp_path) == "not_audio"


def test_empty_file(tmp_path):
    path = tmp_path / "a.wav"
    path.touch()

    assert kind_of(path) == "empty"


def test_header_without_samples():
    assert kind_of(wav(np.zeros(0, np.float32))) == "empty"


@pytest.mark.parametrize(
    ("n_samples", "kind"), [(1, "too_short"), (110, "too_short"), (320, "too_short"), (399, "too_short")]
)
def test_clip_shorter_than_a_frame(n_samples, kind):
    assert kind_of(wav(np.zeros(n_samples, np.float32))) == kind


def test_clip_of_exactly_one_frame_passes():
    assert len(decode(wav(np.zeros(400, np.float32))).samples) == 400


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", "git lfs pull"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
        (b"PK\x03\x04 and so on", "zip"),
        (b"#!SILK_V3" + bytes(range(200)), "SILK .* pilk"),
        (b"\x02#!SILK_V3" + bytes(range(200)), "SILK .* pilk"),
        (b"\x1f\x8b\x08" + bytes(50), "gzip"),
        (b"MThd\0\0\0\6" + bytes(50), "MIDI"),
        (b"#EXTM3U\n#EXTINF:2,\n/etc/passwd\n#EXT-X-ENDLIST\n", "not audio"),
        (b"ffconcat version 1.0\nfile a.wav\n", "not audio"),
        (b"just some words " * 50, "not audio"),
        (b"\x00" * 5000, "not audio"),
        (b"R", "not audio"),
    ],
)
def test_what_is_no_audio_is_named(tmp_path, content, hint):
    path = tmp_path / "a.wav"
    path.write_bytes(content)

    with pytest.raises(AudioError, match=hint) as error:
        decode(path)

    assert error.value.kind == "not_audio"


def test_picture_without_sound(write_av, tone):
    import av

    path = write_av("a.mp4", tone(48_000), 48_000, "aac", video=True)
    silent = path.with_name("silent.mp4")
    with av.open(str(path)) as source, av.open(str(silent), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)

    assert kind_of(silent) == "not_audio"


@pytest.mark.parametrize("share", [0.5, 0.9])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.wav", {}),
        ("big.wav", {"endian": "BIG"}),
        ("a.rf64", {"format": "RF64"}),
        ("a.aiff", {}),
        ("a.au", {}),
        ("a.caf", {}),
        ("a.flac", {}),
        ("a.ogg", {}),
        ("a.opus", {"format": "OGG", "subtype": "OPUS"}),
        ("a.mp3", {}),
    ],
)
def test_file_that_was_cut_short(write_sound, tone, name, options, share):
    path = write_sound(name, tone(16_000), 16_000, **options)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])

    assert kind_of(path) == "truncated"


@pytest.mark.parametrize(("name", "codec"), [("a.m4a", "aac"), ("a.webm", "libopus"), ("a.mkv", "pcm_s16le")])
def test_container_that_was_cut_short(write_av, tone, name, codec):
    path = write_av(name, tone(48_000), 48_000, codec)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])

    assert kind_of(path) == "truncated"


def test_writer_that_counts_its_header_in_is_forgiven():
    content = bytearray(wav(np.zeros(8_000, np.float32)))
    content[40:44] = (16_000 + 44).to_bytes(4, "little")

    assert len(decode(bytes(content)).samples) == 8_000


def test_stretch_beyond_the_end():
    content = wav(np.zeros(16_000, np.float32))

    assert kind_of(content, start_s=0.5, end_s=3.0) == "truncated"
    assert kind_of(content, start_s=2.0) == "empty"


def test_samples_that_are_no_numbers():
    samples = np.zeros(8_000, np.float32)
    samples[77] = np.nan

    assert kind_of(wav(samples, subtype="FLOAT")) == "not_audio"


@pytest.mark.parametrize("rate_hz", [1, 999, 768_001, 2**31 - 1])
def test_sample_rate_that_cannot_be(rate_hz):
    content = bytearray(wav(np.zeros(8_000, np.float32)))
    content[24:28] = rate_hz.to_bytes(4, "little")

    assert kind_of(bytes(content)) == "not_audio"


def test_too_large_a_file(write_sound, tone):
    path = write_sound("a.wav", tone(16_000), 16_000)

    assert kind_of(path, limits=AudioLimits(max_encoded_bytes=1000)) == "too_large"


@pytest.mark.parametrize(("name", "codec"), [("a.wav", None), ("a.ogg", None), ("a.webm", "libopus")])
def test_too_long_a_clip(write_sound, write_av, tone, name, codec):
    path = write_av(name, tone(48_000), 48_000, codec) if codec else write_sound(name, tone(48_000), 48_000)

    assert kind_of(path, limits=AudioLimits(max_duration_s=1.0)) == "too_long"
    assert decode(path, limits=AudioLimits(max_duration_s=1.0), start_s=0.5, end_s=1.0).duration_s == 0.5


@pytest.mark.parametrize("suffix", ["flac", "opus", "webm"])
def test_bomb_is_stopped_while_decoding(tmp_path, write_av, suffix):
    seconds = 100
    silence = np.zeros((48_000 * seconds, 2), np.float32)
    path = tmp_path / f"bomb.{suffix}"
    if suffix == "webm":
        path = write_av("bomb.webm", silence, 48_000, "libopus", layout="stereo")
    else:
        options = {"format": "OGG", "subtype": "OPUS"} if suffix == "opus" else {}
        soundfile.write(path, silence, 48_000, **options)
    assert path.stat().st_size < 2_000_000
    limits = AudioLimits(max_decoded_bytes=20_000_000)

    tracemalloc.start()
    kind = kind_of(path, limits=limits)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert kind == "too_large"
    assert peak < 15_000_000
    assert kind_of(path, limits=AudioLimits(max_duration_s=10.0)) == "too_long"


def test_limits_that_contradict_each_other():
    with pytest.raises(ConfigError, match="no clip could pass"):
        AudioLimits(min_duration_s=5.0, max_duration_s=1.0)
    with pytest.raises(ConfigError, match="max_duration_s is -1"):
        AudioLimits(max_duration_s=-1.0)


def mutated(content: bytes, rng: random.Random) -> bytes:
    """The content with some bytes changed, cut, doubled or moved."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(data)) if rng.random() < 0.5 else rng.randrange(min(len(data), 200))
        action = rng.random()
        if action < 0.5:
            data[at] = rng.randrange(256)
        elif action < 0.7:
            data[at : at + 4] = rng.choice(
                [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"]
            )
        elif action < 0.8:
            del data[at : at + rng.randint(1, 64)]
        elif action < 0.9:
            data[at:at] = data[at : at + rng.randint(1, 64)]
        else:
            del data[at:]
        if not data:
            return b"R"
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.wav", None),
        ("a.aiff", None),
        ("a.au", None),
        ("a.caf", None),
        ("a.flac", None),
        ("a.ogg", None),
        ("a.mp3", None),
        ("a.opus", "libopus"),
        ("a.m4a", "aac"),
        ("a.webm", "libopus"),
        ("a.avi", "pcm_s16le"),
    ],
)
def test_mutated_files_end_in_samples_or_an_audio_error(write_sound, write_av, tone, name, codec):
    samples = tone(16_000, seconds=0.6)
    path = write_av(name, samples, 16_000, codec) if codec else write_sound(name, samples, 16_000)
    content = path.read_bytes()
    rng = random.Random(name)
    limits = AudioLimits(max_duration_s=30.0, max_decoded_bytes=20_000_000)

    for _ in range(60):
        path.write_bytes(mutated(content, rng))
        with suppress(AudioError):
            waveform = decode(path, limits=limits)
            assert np.isfinite(waveform.samples).all()
            assert waveform.duration_s <= 31.0


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=400),
    st.sampled_from(
        [b"", b"RIFF", b"OggS", b"fLaC", b"ID3", b"\x1aE\xdf\xa3", b"caff", b"FORM", b"\0\0\0 ftypM4A "]
    ),
)
def test_any_bytes_end_in_samples_or_an_audio_error(content, magic):
    with suppress(AudioError):
        assert len(decode(magic + content).samples) >= 400


@pytest.mark.parametrize("factor", [128.0, 32_768.0, 2.0**23, 2.0**31 / 8])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("container", ["WAV", "AIFF", "CAF", "AU"])
def test_floats_in_the_scale_of_integers_are_refused(tone, factor, subtype, container):
    samples = tone(16_000).astype(np.float64) * factor

    assert kind_of(wav(samples, format=container, subtype=subtype)) == "wrong_scale"


def test_a_quiet_clip_in_the_scale_of_integers_is_refused_too(tone):
    samples = tone(16_000) * np.float32(32_768 * 0.002)

    assert kind_of(wav(samples, subtype="FLOAT")) == "wrong_scale"


@pytest.mark.parametrize("factor", [0.001, 1.0, 2.5, 12.0])
def test_floats_above_full_scale_as_mixes_have_them_are_sound(tone, factor):
    samples = tone(16_000) * np.float32(factor)

    np.testing.assert_array_equal(decode(wav(samples, subtype="FLOAT")).samples, samples)


def test_another_scale_is_taken_as_it_is_on_demand(tone):
    samples = tone(16_000) * np.float32(32_768)

    heard = decode(wav(samples, subtype="FLOAT"), limits=AudioLimits(max_level=1e6))

    np.testing.assert_array_equal(heard.samples, samples)


def test_the_audit_finds_another_scale(tone):
    found = measured(wav(tone(16_000) * np.float32(32_768), subtype="FLOAT"))

    assert isinstance(found, AudioDefect)
    assert found.kind == "wrong_scale"
