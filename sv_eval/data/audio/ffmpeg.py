"""Decoding with FFmpeg through PyAV: m4a, webm, the audio of videos, and all that libsndfile can't read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from sv_eval.data.audio.mono import MonoTrack
from sv_eval.data.audio.sndfile import Origin
from sv_eval.errors import AudioError

if TYPE_CHECKING:
    import av

_DEMUXERS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,eac3,flac,flv,matroska,mov,mp3,mpeg,mpegts,nistsphere,"
    "ogg,rm,tta,voc,w64,wav,wv"
)
"""Never a playlist: hls and concat would open whatever other files and addresses the text names."""
_HONEST_DURATION = ("mov", "avi", "asf", "wav", "flac", "aiff", "caf", "w64", "ape", "tta", "wv")
"""Containers whose header states an audio stream's length; of others FFmpeg guesses it from the bit rate."""
_SLACK_S, _SLACK_SHARE = 0.15, 0.02
_PADDING_S = 0.1
"""Samples beyond the stated end are the coder's padding up to here."""
_BROKEN = (OSError, ValueError, LookupError, ArithmeticError, RuntimeError, TypeError, AttributeError, MemoryError)
"""What PyAV raises of damaged files beside its own FFmpegError: of a position before the file's beginning, a stream
that is announced late or not at all, a clock of zero ticks, a number too large for C, a sample format without name.
Within these `try` there is nothing but PyAV and the reading of what it gives, so no defect of ours hides here."""
_TYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}
_OPEN_OPTIONS = {"format_whitelist": _DEMUXERS}


def decode_ffmpeg(file: BinaryIO, name: str, track: MonoTrack) -> Origin | None:
    """Decodes the first audio stream of `file` into `track`; None when FFmpeg finds none that it can read."""
    import av

    file.seek(0)
    # From version 19 on, names and titles that are no UTF-8 are no error, and there is no such option.
    older: dict[str, Any] = {} if int(av.__version__.partition(".")[0]) >= 19 else {"metadata_errors": "replace"}
    try:
        container = av.open(file, mode="r", container_options=_OPEN_OPTIONS, **older)
    except (av.FFmpegError, *_BROKEN):
        return None
    with container:
        try:
            stream = next(iter(container.streams.audio), None)
            if stream is None or stream.codec_context is None:
                found = None
            else:
                stream.codec_context.thread_count = 1
                found = _described(container, stream)
        except (av.FFmpegError, *_BROKEN):
            return None
        if stream is None:
            raise AudioError("not_audio", f"{name} holds no audio stream; point the clip at a file with sound")
        if found is None:
            return None
        origin, stated_s = found
        begun_s, damaged = track.position_s, False
        for block in _blocks(container, stream, name, track):
            if block is None:
                damaged = True
            else:
                track.add(*block)
                if track.complete:
                    break
    _check_promise(name, track, None if stated_s is None else begun_s + stated_s, damaged)
    return origin


def _described(container: av.container.InputContainer, stream: av.AudioStream) -> tuple[Origin, float | None]:
    """What the header says of the stream, and how long it is by that."""
    origin = Origin(
        container=f"{container.format.name.split(',')[0]}/{stream.codec_context.name}",
        rate_hz=stream.codec_context.sample_rate,
        channels=stream.codec_context.channels,
    )
    return origin, _stated_duration_s(container, stream)


def _blocks(
    container: av.container.InputContainer, stream: av.AudioStream, name: str, track: MonoTrack
) -> Iterator[tuple[NDArray[np.float32], int] | None]:
    """The samples of each frame with their rate; None for a damaged packet, which players skip and so do we."""
    import av

    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            blocks = [] if packet is None else [(_block(frame), frame.sample_rate) for frame in packet.decode()]
        except (av.FFmpegError, *_BROKEN) as error:
            if not isinstance(error, av.InvalidDataError):
                raise AudioError(
                    "truncated", f"{name} is damaged after {track.position_s:.2f} s; fetch the file again"
                ) from error
            yield None
            continue
        if packet is None:
            return
        yield from blocks


def _block(frame: Any) -> NDArray[np.float32]:
    """A frame's samples as float32, shape [frames, channels], full scale -1 to 1.

    Not by PyAV's `to_ndarray`: of eight channels and more, it reads on behind the last one, wherever that leads.
    """
    channels, count, planar = frame.layout.nb_channels, frame.samples, frame.format.is_planar
    kind = np.dtype(_TYPES[frame.format.name.removesuffix("p")])
    if not count or not channels:
        return np.zeros((0, max(1, channels)), np.float32)
    planes = frame.planes[: channels if planar else 1]
    values: NDArray[Any] = np.stack([np.frombuffer(p, kind, count if planar else count * channels) for p in planes])
    if planar and len(planes) < channels:
        raise ValueError(f"{channels} channels are announced, {len(planes)} are there")
    values = values.T if planar else values.reshape(-1, channels)
    if values.dtype.kind == "f":
        return np.asarray(values, dtype=np.float32)
    if values.dtype.kind == "u":
        return np.asarray(values - np.float32(128), dtype=np.float32) / np.float32(128)
    return np.asarray(values, dtype=np.float32) / np.float32(-float(np.iinfo(values.dtype).min))


def _stated_duration_s(container: av.container.InputContainer, stream: av.AudioStream) -> float | None:
    """How long the header says that the audio lasts, seconds; None where nothing reliable says so."""
    names = container.format.name.split(",")
    if "matroska" in names:
        return _matroska_duration_s(container, stream)
    if names[0] in _HONEST_DURATION and stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return None


def _matroska_duration_s(container: av.container.InputContainer, stream: av.AudioStream) -> float | None:
    if len(container.streams) == 1 and container.duration:
        return float(container.duration / 1_000_000)
    hours, _, rest = stream.metadata.get("DURATION", "").partition(":")
    minutes, _, seconds = rest.partition(":")
    try:
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return None


def _check_promise(name: str, track: MonoTrack, stated_s: float | None, damaged: bool) -> None:
    if track.complete:
        return
    if stated_s is None:
        if damaged:
            raise AudioError("truncated", f"{name} holds damaged packets; fetch the file again")
        return
    if 0 < track.position_s - stated_s <= _PADDING_S:
        track.drop_padding(stated_s)
    if stated_s - track.position_s > max(_SLACK_S, _SLACK_SHARE * stated_s):
        raise AudioError(
            "truncated",
            f"{name} should last {stated_s:.2f} s by its header, but {track.position_s:.2f} s are there; "
            "fetch the file again",
        )
