"""decode(): every container that corpora come in, to the same 16 kHz mono samples."""

from __future__ import annotations

import ctypes.util
import io
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sv_eval.data.audio.decoding import decode
from sv_eval.errors import AudioError


def lag(samples, reference) -> int:
    """By how many samples `samples` comes after `reference`."""
    size = 1 << 17
    product = np.fft.rfft(samples, size) * np.conj(np.fft.rfft(reference, size))
    best = int(np.argmax(np.fft.irfft(product)))
    return best if best < size // 2 else best - size


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_wav_of_any_rate_width_and_channels_becomes_16_khz_mono(write_sound, tone, rate_hz, channels, subtype):
    samples = np.tile(tone(rate_hz)[:, None], (1, channels))
    path = write_sound("a.wav", samples, rate_hz, subtype=subtype)

    waveform = decode(path)

    assert waveform.samples.dtype == np.float32
    assert waveform.samples.flags.c_contiguous
    assert waveform.samples.ndim == 1
    assert abs(len(waveform.samples) - 24_000) <= 1
    assert abs(lag(waveform.samples, tone(16_000))) <= 1
    assert waveform.container == f"wav/{subtype.lower()}"
    assert (waveform.source_rate_hz, waveform.source_channels) == (rate_hz, channels)


@pytest.mark.parametrize(
    ("name", "options", "container"),
    [
        ("a.flac", {}, "flac/pcm_16"),
        ("a.aiff", {}, "aiff/pcm_16"),
        ("a.au", {}, "au/pcm_16"),
        ("a.caf", {}, "caf/pcm_16"),
        ("a.mp3", {}, "mp3/mpeg_layer_iii"),
        ("a.ogg", {}, "ogg/vorbis"),
        ("a.opus", {"format": "OGG", "subtype": "OPUS"}, "ogg/opus"),
    ],
)
def test_formats_of_libsndfile_are_aligned(write_sound, tone, name, options, container):
    path = write_sound(name, tone(48_000), 48_000, **options)

    waveform = decode(path)

    assert waveform.container == container
    assert abs(lag(waveform.samples, tone(16_000))) <= 2
    assert abs(len(waveform.samples) - 24_000) <= 1200


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz", "container"),
    [
        ("a.m4a", "aac", 48_000, "mov/aac"),
        ("b.m4a", "aac", 44_100, "mov/aac"),
        ("c.m4a", "aac", 16_000, "mov/aac"),
        ("a.webm", "libopus", 48_000, "matroska/opus"),
        ("b.webm", "libopus", 16_000, "matroska/opus"),
        ("a.mkv", "pcm_s16le", 44_100, "matroska/pcm_s16le"),
        ("b.mkv", "pcm_u8", 16_000, "matroska/pcm_u8"),
        ("c.mkv", "pcm_s24le", 16_000, "matroska/pcm_s24le"),
        ("d.mkv", "pcm_f64le", 16_000, "matroska/pcm_f64le"),
    ],
)
def test_formats_of_ffmpeg_are_aligned_and_keep_their_length(write_av, tone, name, codec, rate_hz, container):
    path = write_av(name, tone(rate_hz), rate_hz, codec)

    waveform = decode(path)

    assert waveform.container == container
    assert abs(lag(waveform.samples, tone(16_000))) <= 2
    assert abs(len(waveform.samples) - 24_000) <= 2
    assert np.abs(waveform.samples).max() == pytest.approx(0.6, abs=0.08)


@pytest.mark.parametrize(("name", "codec"), [("a.avi", "pcm_s16le"), ("a.mp4", "aac"), ("a.mkv", "libopus")])
def test_audio_of_a_video_is_read(write_av, tone, name, codec):
    path = write_av(name, tone(48_000), 48_000, codec, video=True)

    waveform = decode(path)

    assert abs(lag(waveform.samples, tone(16_000))) <= 2
    assert abs(len(waveform.samples) - 24_000) <= 1200


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_opus_in_webm_is_aligned_with_opus_in_ogg(write_av, tone, rate_hz):
    in_webm = decode(write_av("a.webm", tone(rate_hz), rate_hz, "libopus"))
    in_ogg = decode(write_av("a.ogg", tone(rate_hz), rate_hz, "libopus"))

    assert in_webm.container == "matroska/opus"
    assert in_ogg.container == "ogg/opus"
    assert len(in_webm.samples) == len(in_ogg.samples) == 24_000
    assert abs(lag(in_webm.samples, in_ogg.samples)) <= 2


def test_channels_are_mixed_to_their_mean(write_sound):
    left, right = np.full(8_000, 0.5, np.float32), np.full(8_000, -0.1, np.float32)
    path = write_sound("a.wav", np.stack([left, right], axis=1), 16_000, subtype="FLOAT")

    assert decode(path).samples == pytest.approx(0.2, abs=1e-6)


def test_six_channels_of_a_video_are_mixed_to_their_mean(write_av, tone):
    samples = np.tile(tone(48_000)[:, None] / 2, (1, 6)).astype(np.float32)
    path = write_av("a.mkv", samples, 48_000, "pcm_s16le", layout="5.1")

    waveform = decode(path)

    assert waveform.source_channels == 6
    assert np.abs(waveform.samples - tone(16_000) / 2).max() < 0.01


def test_ffmpeg_and_soundfile_give_the_same_samples(write_sound, write_av, tone):
    samples = np.stack([tone(44_100), tone(44_100, seed=1)], axis=1)
    by_sndfile = decode(write_sound("a.wav", samples, 44_100, subtype="PCM_16"))
    by_ffmpeg = decode(write_av("a.mkv", samples, 44_100, "pcm_s16le", layout="stereo"))

    assert len(by_sndfile.samples) == len(by_ffmpeg.samples)
    assert np.abs(by_sndfile.samples - by_ffmpeg.samples).max() < 1e-3


_BY_THE_SYSTEMS_LIBSNDFILE = """
import os, pathlib, sys
sys.modules["_soundfile_data"] = None  # the library that soundfile brings along
from sv_eval.data.audio.decoding import decode
from sv_eval.errors import AudioError
open_before = len(os.listdir("/dev/fd"))
for name in sys.argv[1:]:
    try:
        print(decode(pathlib.Path(name)).container)
    except AudioError as error:
        print(error.kind)
print(len(os.listdir("/dev/fd")) - open_before)
"""


@pytest.mark.skipif(not ctypes.util.find_library("sndfile"), reason="the system has no libsndfile of its own")
def test_the_systems_libsndfile_leaves_other_files_to_ffmpeg(write_sound, write_av, tone, tmp_path):
    # 1.2.0, which Debian 12 has, closes the descriptor of a file that it doesn't know, whatever it is asked.
    (tmp_path / "words.wav").write_text("Not a sound, but words.", encoding="utf-8")
    files = (
        write_av("a.m4a", tone(16_000), 16_000, "aac"),
        tmp_path / "words.wav",
        write_sound("a.flac", tone(16_000), 16_000),
    )

    done = subprocess.run(
        [sys.executable, "-c", _BY_THE_SYSTEMS_LIBSNDFILE, *files], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["mov/aac", "not_audio", "flac/pcm_16", "0"]


@pytest.mark.parametrize("name", ["a.wav", "a.raw", "a.mp3", "a.txt", "noending", "a.sd2"])
def test_content_decides_and_not_the_name(write_sound, tone, tmp_path, name):
    made = write_sound("x.aiff", tone(16_000), 16_000)
    shutil.move(made, tmp_path / name)

    assert decode(tmp_path / name).container == "aiff/pcm_16"


def test_name_that_is_no_utf8_is_read_and_printed(write_sound, tone, tmp_path):
    made = write_sound("x.wav", tone(16_000), 16_000)
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/Caf\xe9 (1).wav"))
    shutil.move(made, odd)
    missing = Path(os.fsdecode(os.fsencode(tmp_path) + b"/nich\xe9.wav"))

    with pytest.raises(AudioError) as error:
        decode(missing)

    assert len(decode(odd).samples) == 24_000
    str(error.value).encode()


def test_bytes_are_decoded_like_the_file(write_sound, tone):
    path = write_sound("a.flac", tone(44_100), 44_100)

    of_file, of_bytes = decode(path), decode(path.read_bytes())

    assert np.array_equal(of_file.samples, of_bytes.samples)
    assert of_bytes.encoded is None


def test_encoded_bytes_are_kept_on_demand(write_sound, write_av, tone):
    wav = write_sound("a.wav", tone(16_000), 16_000)
    m4a = write_av("a.m4a", tone(48_000), 48_000, "aac")

    assert decode(wav, keep_encoded=True).encoded == wav.read_bytes()
    assert decode(m4a, keep_encoded=True).encoded == m4a.read_bytes()
    assert decode(wav.read_bytes(), keep_encoded=True).encoded == wav.read_bytes()
    assert decode(wav, keep_encoded=True, start_s=0.5).encoded is None


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.mkv"])
@pytest.mark.parametrize(("start_s", "end_s"), [(0.5, 1.0), (None, 0.7), (0.3, None), (0.0, 1.5)])
def test_a_stretch_equals_that_part_of_the_whole(write_sound, write_av, tone, name, start_s, end_s):
    if name.endswith("mkv"):
        path = write_av(name, tone(16_000), 16_000, "pcm_s16le")
    else:
        path = write_sound(name, tone(16_000), 16_000)
    whole = decode(path).samples

    stretch = decode(path, start_s=start_s, end_s=end_s).samples

    expected = whole[round((start_s or 0) * 16_000) : None if end_s is None else round(end_s * 16_000)]
    assert abs(len(stretch) - len(expected)) <= 1
    shared = min(len(stretch), len(expected))
    assert np.abs(stretch[:shared] - expected[:shared]).max() < 0.02


def test_long_file_is_resampled_without_seams(write_sound):
    time = np.arange(44_100 * 8) / 44_100
    path = write_sound("a.wav", (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32), 44_100)

    samples = decode(path).samples

    ideal = 0.5 * np.sin(2 * np.pi * 440 * np.arange(len(samples)) / 16_000)
    assert len(samples) == 128_000
    assert np.abs(samples - ideal)[200:-200].max() < 1e-3


def test_many_threads_decode_alike(write_sound, write_av, tone):
    paths = [
        write_sound("a.wav", tone(44_100), 44_100),
        write_sound("a.ogg", tone(16_000), 16_000),
        write_av("a.m4a", tone(48_000), 48_000, "aac"),
    ]
    alone = [decode(path).samples for path in paths]

    with ThreadPoolExecutor(8) as pool:
        together = [waveform.samples for waveform in pool.map(decode, paths * 20)]

    assert all(np.array_equal(samples, alone[index % 3]) for index, samples in enumerate(together))


def test_streamed_wav_of_unknown_length_is_read_whole(tone):
    file = io.BytesIO()
    soundfile.write(file, tone(16_000), 16_000, format="WAV")
    content = bytearray(file.getvalue())
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"

    assert len(decode(bytes(content)).samples) == 24_000


def test_importing_loads_no_codec():
    code = (
        "import sys, sv_eval.data.audio.decoding, sv_eval.data.corpus.reading\n"
        "loaded = {'av', 'soundfile', 'soxr', 'datasets', 'pandas', 'yaml', 'omegaconf'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
