"""Decoding with FFmpeg through PyAV: m4a, webm, the audio of videos, and all that libsndfile can't read."""

from __future__ import annotations

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
_BROKEN = (OSError, ValueError)
"""Raised beside PyAV's own errors, e.g. when a damaged header has the file's beginning passed backwards."""
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
        stream = next(iter(container.streams.audio), None)
        if stream is None:
            raise AudioError("not_audio", f"{name} holds no audio stream; point the clip at a file with sound")
        if stream.codec_context is None:
            return None
        stream.codec_context.thread_count = 1
        origin = Origin(
            container=f"{container.format.name.split(',')[0]}/{stream.codec_context.name}",
            rate_hz=stream.codec_context.sample_rate,
            channels=stream.codec_context.channels,
        )
        stated_s = _stated_duration_s(container, stream)
        damaged = _decode(container, stream, name, track)
    _check_promise(name, track, stated_s, damaged)
    return origin


def _decode(
    container: av.container.InputContainer,
    stream: av.AudioStream,
    name: str,
    track: MonoTrack,
) -> bool:
    """Decodes packet by packet; tells whether packets were damaged, which players skip and so do we."""
    import av

    damaged = False
    packets = container.demux(stream)
    while not track.complete:
        try:
            packet = next(packets, None)
            if packet is None:
                break
            for frame in packet.decode():
                track.add(_block(frame), frame.sample_rate)
        except (av.FFmpegError, *_BROKEN) as error:
            if not isinstance(error, av.InvalidDataError):
                raise AudioError(
                    "truncated", f"{name} is damaged after {track.position_s:.2f} s; fetch the file again"
                ) from error
            damaged = True
    return damaged


def _block(frame: Any) -> NDArray[np.float32]:
    """A frame's samples as float32, shape [frames, channels], full scale -1 to 1."""
    channels = frame.layout.nb_channels
    values: NDArray[Any] = frame.to_ndarray()
    values = values.T if frame.format.is_planar else values.reshape(-1, channels)
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
