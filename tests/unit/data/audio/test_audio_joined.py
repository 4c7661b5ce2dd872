"""decode() on files of several recordings, and on headers that tell less than the file holds."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable
from functools import partial

import av
import numpy as np
import pytest
import soundfile

from sv_eval.data.audio.decoding import decode
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.audit.facts import AudioFacts
from sv_eval.errors import AudioError
from sv_eval.records import Waveform
from tests.unit.data.audio.audited import measured


def voiced(seconds: float, rate_hz: int = 16_000, pitch_hz: float = 220.0) -> np.ndarray:
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    return (0.3 * np.sin(2 * np.pi * pitch_hz * time)).astype(np.float32)


def sound(samples: np.ndarray, rate_hz: int, **options: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, **options)
    return file.getvalue()


def coded(
    samples: np.ndarray, rate_hz: int, container: str, codec: str, layout: str = "mono", **options: str
) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=options) as target:
        stream = target.add_stream(codec, rate=rate_hz, layout=layout)
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="fltp", layout="mono")
        frame.sample_rate = rate_hz
        resampler = av.AudioResampler(
            format=stream.codec_context.format, layout=layout, rate=rate_hz,
            frame_size=stream.codec_context.frame_size or None,
        )  # fmt: skip
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            target.mux(stream.encode(piece))
        target.mux(stream.encode(None))
    return file.getvalue()


def pitches(heard: Waveform) -> tuple[float, float]:
    """The strongest frequency near both ends, Hz."""
    found = []
    for place in (slice(4_000, 12_000), slice(-12_000, -4_000)):
        piece = heard.samples[place]
        spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece))))
        found.append(float(np.argmax(spectrum)) * 16_000 / len(piece))
    return found[0], found[1]


FIRST, SECOND, OTHER = voiced(1.9), voiced(1.8, pitch_hz=330.0), voiced(1.8, 48_000, 330.0)
SINGLE: dict[str, Callable[[np.ndarray, int], bytes]] = {
    "opus": partial(sound, format="OGG", subtype="OPUS"),
    "vorbis": partial(sound, format="OGG", subtype="VORBIS"),
    "mp3": partial(sound, format="MP3"),
    "mp3 without a count": partial(coded, container="mp3", codec="libmp3lame", write_xing="0", id3v2_version="0"),
    "mp3 of lame": partial(coded, container="mp3", codec="libmp3lame"),
    "m4a": partial(coded, container="mp4", codec="aac"),
    **{name: partial(sound, format=name) for name in ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC")},
}


def hold_to_the_end(joined: bytes, *, within_s: float) -> None:
    """A run and an audit hear FIRST, and SECOND behind it."""
    heard, facts = decode(joined), measured(joined)

    assert heard.duration_s == pytest.approx(3.7, abs=within_s)
    assert pitches(heard) == pytest.approx((220.0, 330.0), abs=5)
    assert heard.marks == ("joined",)
    assert isinstance(facts, AudioFacts)
    assert facts.marks == ("joined",)
    assert facts.duration_s == pytest.approx(heard.duration_s, abs=0.01)


@pytest.mark.parametrize("name", [name for name in SINGLE if name != "mp3 without a count"])
def test_recordings_of_one_rate_that_were_joined_are_heard_to_the_end(name: str) -> None:
    hold_to_the_end(SINGLE[name](FIRST, 16_000) + SINGLE[name](SECOND, 16_000), within_s=0.2)


@pytest.mark.parametrize("name", list(SINGLE))
def test_recordings_of_two_rates_that_were_joined_are_heard_to_the_end(name: str) -> None:
    hold_to_the_end(SINGLE[name](FIRST, 16_000) + SINGLE[name](OTHER, 48_000), within_s=0.25)


@pytest.mark.parametrize("second", ["WAV", "AIFF", "AU", "FLAC", "vorbis"])
@pytest.mark.parametrize(
    "first", ["WAV", "AIFF", "AU", "CAF", "FLAC", "vorbis", "opus", "mp3", "mp3 of lame", "m4a"]
)
def test_recordings_of_two_kinds_that_were_joined_are_heard_to_the_end(first: str, second: str) -> None:
    hold_to_the_end(SINGLE[first](FIRST, 16_000) + SINGLE[second](SECOND, 16_000), within_s=0.1)


@pytest.mark.parametrize("channels", [(1, 2), (2, 1)])
@pytest.mark.parametrize("name", ["mp3", "opus", "vorbis", "FLAC", "WAV"])
def test_recordings_of_other_channels_that_were_joined_are_heard_to_the_end(
    name: str, channels: tuple[int, int]
) -> None:
    first, second = (
        SINGLE[name](np.stack([samples] * n, axis=1) if n > 1 else samples, 16_000)
        for samples, n in zip((FIRST, SECOND), channels, strict=True)
    )

    heard = decode(first + second)

    assert heard.duration_s == pytest.approx(3.7, abs=0.1)
    assert heard.marks == ("joined", "mixed")


@pytest.mark.parametrize("stereo_first", [True, False])
def test_mp3_without_a_count_may_change_its_channels(stereo_first: bool) -> None:
    parts = [
        coded(samples, 16_000, "mp3", "libmp3lame", layout="stereo" if stereo else "mono", write_xing="0")
        for samples, stereo in ((FIRST, stereo_first), (SECOND, not stereo_first))
    ]

    heard = decode(b"".join(parts))

    assert heard.duration_s == pytest.approx(3.7, abs=0.3)
    assert heard.marks == ("joined", "mixed")


def test_the_same_file_joined_to_itself_is_heard_twice() -> None:
    once = SINGLE["opus"](FIRST, 16_000)

    assert decode(once + once + once).duration_s == pytest.approx(5.7, abs=0.1)


@pytest.mark.parametrize("name", list(SINGLE))
def test_one_recording_has_no_mark(name: str) -> None:
    assert decode(SINGLE[name](FIRST, 16_000)).marks == ()


@pytest.mark.parametrize("tag", [b"TAG" + b"x" * 125, b"\0" * 3_000, b"APETAGEX" + b"\1" * 400])
@pytest.mark.parametrize("name", ["mp3", "mp3 of lame", "FLAC"])
def test_tags_and_filling_behind_a_recording_are_no_other_one(name: str, tag: bytes) -> None:
    heard = decode(SINGLE[name](FIRST, 16_000) + tag)

    assert heard.marks == ()
    assert heard.duration_s == pytest.approx(1.9, abs=0.1)


def tag(n: int) -> bytes:
    """An ID3 tag with a picture of so many bytes, as far as a decoder cares."""
    return (
        b"ID3\4\0\0" + bytes([n >> 21 & 127, n >> 14 & 127, n >> 7 & 127, n & 127]) + bytes(range(256)) * (n // 256)
    )


@pytest.mark.parametrize("name", ["WAV", "AIFF", "FLAC", "CAF", "vorbis", "mp3", "mp3 of lame"])
def test_titles_at_the_end_of_a_file_are_no_other_recording(name: str) -> None:
    heard = decode(SINGLE[name](FIRST, 16_000) + tag(5_120))

    assert heard.marks == ()
    assert heard.duration_s == pytest.approx(1.9, abs=0.1)


@pytest.mark.parametrize("name", ["WAV", "FLAC", "mp3"])
def test_titles_before_the_next_recording_are_passed_over(name: str) -> None:
    heard = decode(SINGLE[name](FIRST, 16_000) + tag(5_120) + SINGLE["mp3"](SECOND, 16_000))

    assert heard.marks == ("joined",)
    assert heard.duration_s == pytest.approx(3.7, abs=0.1)


@pytest.mark.parametrize("start_s", [0.5, 2.5])
def test_a_stretch_of_a_joined_file_is_that_of_the_whole(start_s: float) -> None:
    joined = SINGLE["WAV"](FIRST, 16_000) + SINGLE["WAV"](SECOND, 16_000)
    begin, end = round(start_s * 16_000), round((start_s + 1) * 16_000)

    stretch = decode(joined, start_s=start_s, end_s=start_s + 1)

    np.testing.assert_array_equal(stretch.samples, decode(joined).samples[begin:end])


def test_limits_hold_over_all_recordings_of_a_file() -> None:
    once = SINGLE["WAV"](FIRST, 16_000)

    with pytest.raises(AudioError) as error:
        decode(once * 5, limits=AudioLimits(max_duration_s=6.0))

    assert error.value.kind == "too_long"


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content


FORMAT, DATA = SINGLE["WAV"](FIRST, 16_000)[12:36], SINGLE["WAV"](FIRST, 16_000)[44:]
JUNK, FILLER = chunk(b"JUNK", b"\0" * 28), chunk(b"FLLR", b"\0" * 4_044)
LIST = chunk(b"LIST", b"INFO" + chunk(b"ISFT", b"abcd"))


def wav(
    before: bytes = b"", data_size: int | None = None, riff_size: int | None = None, behind: bytes = b""
) -> bytes:
    size = len(DATA) if data_size is None else data_size
    body = FORMAT + before + b"data" + struct.pack("<I", size) + DATA + behind
    return b"RIFF" + struct.pack("<I", len(body) + 4 if riff_size is None else riff_size) + b"WAVE" + body


def patched(content: bytes, chunk_name: bytes, offset: int, size: bytes) -> bytes:
    at = content.index(chunk_name) + offset
    return content[:at] + size + content[at + len(size) :]


@pytest.mark.parametrize("before", [b"", JUNK, FILLER, LIST, JUNK + FILLER])
@pytest.mark.parametrize("riff_size", [None, 0, 36, 0xFFFFFFFF])
def test_a_wav_whose_recorder_was_killed_is_heard_whole(before: bytes, riff_size: int | None) -> None:
    heard, facts = decode(wav(before, 0, riff_size)), measured(wav(before, 0, riff_size))

    assert heard.duration_s == pytest.approx(1.9)
    assert heard.marks == ("unfinished",)
    assert isinstance(facts, AudioFacts)
    assert facts.marks == ("unfinished",)


@pytest.mark.parametrize("size", [0x7FFFFFFF, 0x7FFFF000, 0x80000000, 0xFFFFFFFF])
@pytest.mark.parametrize("before", [b"", FILLER])
def test_a_wav_that_was_written_to_a_pipe_is_nothing_to_speak_of(before: bytes, size: int) -> None:
    heard = decode(wav(before, size, 0xFFFFFFFF))

    assert heard.duration_s == pytest.approx(1.9)
    assert heard.marks == ()


@pytest.mark.parametrize(
    ("content", "marks"),
    [
        (patched(SINGLE["RF64"](FIRST, 16_000), b"ds64", 8, bytes(24)), ("unfinished",)),
        (patched(SINGLE["AU"](FIRST, 16_000), b".snd", 8, bytes(4)), ("unfinished",)),
        (patched(SINGLE["AIFF"](FIRST, 16_000), b"SSND", 4, bytes(4)), ("unfinished",)),
        (patched(SINGLE["AU"](FIRST, 16_000), b".snd", 8, b"\xff" * 4), ()),
        (patched(SINGLE["CAF"](FIRST, 16_000), b"data", 4, b"\xff" * 8), ()),
        (patched(SINGLE["FLAC"](FIRST, 16_000), b"fLaC", 21, b"\xf0\0\0\0\0"), ()),
    ],
    ids=["rf64", "au", "aiff", "au piped", "caf piped", "flac piped"],
)
def test_sizes_that_were_never_filled_in_are_read_to_the_end(content: bytes, marks: tuple[str, ...]) -> None:
    heard = decode(content)

    assert heard.duration_s == pytest.approx(1.9, abs=0.01)
    assert heard.marks == marks


def test_two_recordings_whose_recorder_was_killed_are_two() -> None:
    heard = decode(wav(FILLER, 0, 0) + wav(b"", 0, 0))

    assert heard.duration_s == pytest.approx(3.8)
    assert heard.marks == ("joined", "unfinished")


@pytest.mark.parametrize(
    "content",
    [
        wav(b"", 20_000),
        wav(FILLER, 20_000),
        patched(SINGLE["AU"](FIRST, 16_000), b".snd", 8, struct.pack(">I", 20_000)),
        patched(SINGLE["CAF"](FIRST, 16_000), b"data", 4, struct.pack(">q", 20_000)),
        patched(SINGLE["FLAC"](FIRST, 16_000), b"fLaC", 21, b"\xf0" + struct.pack(">I", 10_000)),
    ],
    ids=["wav", "wav with filler", "au", "caf", "flac"],
)
def test_a_header_that_tells_less_is_said_by_the_run_as_by_the_audit(content: bytes) -> None:
    heard, facts = decode(content), measured(content)

    assert heard.duration_s == pytest.approx(0.625, abs=0.01)
    assert heard.marks == ("tells_less",)
    assert isinstance(facts, AudioFacts)
    assert facts.marks == ("tells_less",)


def test_a_header_that_tells_of_one_sample_is_blamed_for_it() -> None:
    with pytest.raises(AudioError, match="by its header, which is wrong") as error:
        decode(wav(b"", 2))

    assert error.value.kind == "too_short"


@pytest.mark.parametrize("behind", [LIST, LIST + LIST, b"\0" * 40])
def test_chunks_behind_the_samples_are_no_sound(behind: bytes) -> None:
    assert decode(wav(behind=behind)).marks == ()


def test_a_wav_without_samples_that_chunks_follow_is_empty() -> None:
    nothing = FORMAT + b"data" + struct.pack("<I", 0) + LIST
    with pytest.raises(AudioError) as error:
        decode(b"RIFF" + struct.pack("<I", len(nothing) + 4) + b"WAVE" + nothing)

    assert error.value.kind == "empty"


def test_any_recordings_joined_with_any_filling_between_end_in_samples_or_an_audio_error() -> None:
    rng = random.Random(12)
    pieces = [make(voiced(0.4), rate) for make in SINGLE.values() for rate in (16_000, 48_000)]
    pieces += [wav(FILLER, 0, 0), wav(b"", 20_000), wav(b"", 0xFFFFFFFF), LIST, b"\0" * 100, b"TAG" + b" " * 125]
    for _ in range(300):
        content = b"".join(rng.choices(pieces, k=rng.randint(2, 4)))
        if rng.random() < 0.3:
            content = content[: rng.randrange(1, len(content))]
        outcomes = []
        for of_the_file in (decode, measured):
            try:
                outcomes.append(of_the_file(content))
            except AudioError as error:
                outcomes.append(error.kind)
        run, audit = outcomes
        if isinstance(run, Waveform) and isinstance(audit, AudioFacts):
            assert audit.marks == run.marks
            assert audit.duration_s == pytest.approx(run.duration_s, abs=0.02)
        else:
            # What is too short for a recogniser is long enough to be measured.
            assert not isinstance(run, Waveform) or isinstance(audit, AudioFacts)


@pytest.mark.parametrize("name", ["WAV", "AIFF", "AU", "CAF", "RF64", "FLAC"])
def test_any_placeholder_in_a_header_ends_in_samples_or_an_audio_error(name: str) -> None:
    content = SINGLE[name](FIRST, 16_000)
    heads = {"WAV": b"data", "AIFF": b"SSND", "AU": b".snd", "CAF": b"data", "RF64": b"ds64", "FLAC": b"fLaC"}
    at = content.index(heads[name])
    sizes = [bytes(4), b"\xff" * 4, b"\x7f" + b"\xff" * 3, b"\0\0\0\1", b"\1\0\0\0", b"\0\0\1\0", b"\x80\0\0\0"]
    lengths = []
    for offset in range(4, 26):
        for size in sizes:
            try:
                lengths.append(decode(content[: at + offset] + size + content[at + offset + 4 :]).duration_s)
            except AudioError:
                continue

    assert 0 < max(lengths) <= 600
