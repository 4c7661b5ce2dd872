"""Decoding one clip: the file's own content decides how, never its name's ending."""

from __future__ import annotations

import io
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from sv_eval.data.audio.container import HEAD_BYTES, Extent, extent_of, foreign_hint
from sv_eval.data.audio.ffmpeg import decode_ffmpeg
from sv_eval.data.audio.joined import Window, behind_tag
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.audio.mono import MonoTrack
from sv_eval.data.audio.sndfile import Origin, decode_sndfile
from sv_eval.errors import AudioError
from sv_eval.machine.interrupts import interrupts_held
from sv_eval.records import SAMPLE_RATE_HZ, Waveform

_SENT = "the audio sent"
_RAW_BLOCK_BYTES = 1 << 20
_MOST_JOINED = 1000
_BEYOND_SOUND = 1e9
"""Times full scale: what damage makes of samples, and what no model could add up. NaN is not below it either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFile:
    """A file that somebody else opened, and closes."""

    file: BinaryIO
    """It, at any position."""
    name: str
    """What messages call it."""
    size: int
    """Its bytes."""


def decode(
    source: Path | bytes | OpenFile,
    *,
    limits: AudioLimits | None = None,
    start_s: float | None = None,
    end_s: float | None = None,
    channel: int | None = None,
    keep_encoded: bool = False,
) -> Waveform:
    """The audio of a file, or of a file's bytes, from `start_s` to `end_s`; raises AudioError.

    channel: which one is heard, from 1; None for the mean of all. `keep_encoded` hands the original bytes on, save
    where only a stretch or one channel of several is wanted.
    """
    limits = limits or AudioLimits()
    whole = start_s is None and end_s is None
    with _opened(source) as (file, name, size):
        _check_file(file, name, size, limits)
        track = MonoTrack(name, limits, start_s, end_s, channel)
        origin = _decoded(file, name, size, track)
        samples = track.samples()
        all_of_it = whole and (channel is None or origin.channels == 1)
        encoded = _encoded(file, source) if keep_encoded and all_of_it else None
    where = "" if whole else f" from {start_s or 0:g} s to {'its end' if end_s is None else f'{end_s:g} s'}"
    _check_samples(
        samples, f"{name} by its header, which is wrong," if "tells_less" in track.marks else name, where, limits
    )
    return Waveform(
        samples=samples,
        encoded=encoded,
        container=origin.container,
        source_rate_hz=origin.rate_hz,
        source_channels=origin.channels,
        marks=tuple(sorted(track.marks)),
        clipped=track.clipping.share,
    )


def read_track(
    source: Path | bytes, track_of: Callable[[str], MonoTrack], limits: AudioLimits
) -> tuple[MonoTrack, Origin]:
    """The track that `track_of` makes of the source's name, with all of the audio in it; raises AudioError.

    For who needs the samples as they were encoded: the track decides what becomes of them.
    """
    with _opened(source) as (file, name, size):
        _check_file(file, name, size, limits)
        track = track_of(name)
        return track, _decoded(file, name, size, track)


def decode_raw(data: bytes, *, sample_type: str, rate_hz: int, limits: AudioLimits | None = None) -> Waveform:
    """The audio of mono samples without a header; raises AudioError.

    sample_type: numpy's name of their type, `<i2` (full scale 32768) or `<f4` (full scale 1).
    """
    limits, kind = limits or AudioLimits(), np.dtype(sample_type)
    if len(data) > limits.max_encoded_bytes:
        raise AudioError("too_large", f"{_SENT} has {len(data)} bytes, more than {limits.max_encoded_bytes}")
    if len(data) % kind.itemsize:
        raise AudioError("truncated", f"{_SENT} ends within a sample of {kind.itemsize} bytes; send whole samples")
    track = MonoTrack(_SENT, limits)
    for begin in range(0, len(data), _RAW_BLOCK_BYTES):
        track.add(floats(data[begin : begin + _RAW_BLOCK_BYTES], sample_type)[:, None], rate_hz)
    samples = track.samples() if data else np.zeros(0, np.float32)
    _check_samples(samples, _SENT, "", limits)
    container = f"raw/{'float' if kind.kind == 'f' else 'pcm_16'}"
    return Waveform(
        samples=samples,
        container=container,
        source_rate_hz=rate_hz,
        source_channels=1,
        clipped=track.clipping.share,
    )


def floats(data: bytes, sample_type: str) -> NDArray[np.float32]:
    """Samples of the type `<i2` or `<f4` as float32 with full scale 1, shape [n]."""
    values = np.frombuffer(data, dtype=sample_type)
    if values.dtype.kind == "f":
        return values.astype(np.float32)
    return values.astype(np.float32) / np.float32(32768)


def _check_samples(samples: NDArray[np.float32], name: str, where: str, limits: AudioLimits) -> None:
    """Refuses what no recogniser can judge."""
    if len(samples) == 0:
        raise AudioError("empty", f"{name} holds no samples{where}; record it again or leave the clip out")
    if len(samples) < round(limits.min_duration_s * SAMPLE_RATE_HZ):
        raise AudioError(
            "too_short",
            f"{name} lasts {len(samples) / SAMPLE_RATE_HZ:.4f} s, less than {limits.min_duration_s:g} s; "
            "no recogniser can judge it, leave the clip out",
        )
    check_level(samples, name, limits)


def check_level(samples: NDArray[np.float32], name: str, limits: AudioLimits) -> None:
    """Refuses samples that are no numbers, and floats in the scale of integers; raises AudioError.

    A format of integers can't go beyond full scale, and floats hardly do: what is 24 dB above it was never divided.
    """
    peak = max(samples.max(), -samples.min())
    if not peak < _BEYOND_SOUND:
        raise AudioError(
            "not_audio",
            f"{name} holds samples that are no numbers, or of no sound (NaN, infinite, huge); fetch it again",
        )
    if peak > limits.max_level:
        raise AudioError(
            "wrong_scale",
            f"{name} reaches {peak:.4g} times full scale, as floats do that are in the scale of integers; divide "
            "its samples (by 32768 where they came of 16 bits), or raise dataset.limits.max_level",
        )


@contextmanager
def _opened(source: Path | bytes | OpenFile) -> Iterator[tuple[BinaryIO, str, int]]:
    """The source as a file, with a name for messages and its size in bytes."""
    if isinstance(source, bytes):
        yield io.BytesIO(source), _SENT, len(source)
        return
    if isinstance(source, OpenFile):
        source.file.seek(0)
        yield source.file, _printable(source.name), source.size
        return
    try:
        status = source.stat()
        if not stat.S_ISREG(status.st_mode):
            raise AudioError("not_audio", f"{_printable(source)} is no file; point the clip at an audio file")
        file = source.open("rb", buffering=0)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AudioError(
            "not_found",
            f"{_printable(source)} can't be opened ({reason}); check dataset.root and the path",
        ) from error
    with file:
        yield file, _printable(source.name), status.st_size


def _check_file(file: BinaryIO, name: str, size: int, limits: AudioLimits) -> None:
    """Refuses what no decoder should be shown."""
    if size == 0:
        raise AudioError("empty", f"{name} is an empty file; fetch it again")
    if size > limits.max_encoded_bytes:
        raise AudioError(
            "too_large",
            f"{name} has {size} bytes, more than {limits.max_encoded_bytes}; "
            "raise dataset.limits.max_encoded_bytes",
        )
    if hint := foreign_hint(file.read(HEAD_BYTES)):
        raise AudioError("not_audio", f"{name} {hint}")


def _decoded(file: BinaryIO, name: str, size: int, track: MonoTrack) -> Origin:
    """Decodes the recording in the file, or one after another where several were joined; the first one's origin."""
    first: Origin | None = None
    begin, part = 0, file
    for _ in range(_MOST_JOINED):
        # Both libraries read a file in memory through callbacks.
        with interrupts_held():
            extent = extent_of(part, size - begin)
            if extent.missing:
                raise AudioError(
                    "truncated",
                    f"{name} was cut short: at least {extent.missing} bytes of its audio are missing; "
                    "fetch it again",
                )
            alone = _alone(part, extent)
            origin = decode_sndfile(alone, name, track) or decode_ffmpeg(alone, name, track)
        if origin is None:
            break
        first = first or origin
        if extent.mended is not None:
            track.marks.add("unfinished")
        if extent.tells_less or origin.tells_less:
            track.marks.add("tells_less")
        next_at = origin.next_at or extent.next_at
        if next_at is None or track.complete:
            return first
        next_begin = behind_tag(file, begin + next_at, size)
        if next_begin is None:
            return first
        track.marks.add("joined")
        begin = next_begin
        part = cast("BinaryIO", Window(file, begin, size))
    if first is None:
        raise AudioError(
            "not_audio",
            f"{name} is not audio that can be decoded; convert it, e.g. `ffmpeg -i IN -ar 16000 out.wav`",
        )
    raise AudioError(
        "truncated",
        f"{name} holds several recordings, and the one from {track.position_s:.2f} s on can't be decoded; split it",
    )


def _alone(file: BinaryIO, extent: Extent) -> BinaryIO:
    """The first recording in the file as a file of its own, with a size that a decoder can believe."""
    if extent.next_at is not None and extent.mended is None:
        return cast("BinaryIO", Window(file, 0, extent.next_at))
    if extent.mended is None:
        return file
    file.seek(0)
    place, size = extent.mended
    content = bytearray(file.read() if extent.next_at is None else file.read(extent.next_at))
    content[place : place + len(size)] = size
    return io.BytesIO(content)


def _encoded(file: BinaryIO, source: Path | bytes | OpenFile) -> bytes:
    if isinstance(source, bytes):
        return source
    file.seek(0)
    return file.read()


def _printable(path: Path | str) -> str:
    """A path that any terminal and any JSON takes, also where its bytes are no UTF-8."""
    return str(path).encode(errors="backslashreplace").decode()
