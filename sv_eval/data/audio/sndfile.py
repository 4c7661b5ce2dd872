"""Decoding with libsndfile: wav, aiff, flac, ogg, opus, mp3, au, caf. Quick, and the first choice."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from sv_eval.data.audio.mono import MonoTrack
from sv_eval.errors import AudioError

if TYPE_CHECKING:
    import soundfile

_BLOCK_FRAMES = 65_536
_BLOCK_VALUES = 1_048_576
"""A header may claim a thousand channels; a block stays at 4 MiB."""
_UNKNOWN_FRAMES = 2**62
_SLACK_S = 0.1
"""An mp3's count of frames may be off by the coder's delay and padding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the encoded audio was."""

    container: str
    """Container and codec, e.g. `wav/pcm_16`."""
    rate_hz: int
    """Sample rate, Hz."""
    channels: int
    """Channel count."""


class _Memory:
    """A file in memory as libsndfile's callbacks need it: a seek that can't be is refused, as a disk's is.

    An error raised in a callback would reach nobody, save for a traceback on stderr.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.tell = file.read, file.tell
        self.readinto = getattr(file, "readinto")  # noqa: B009 - BinaryIO does not promise it, BytesIO has it
        self._file = file

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """The position after seeking; unchanged when there is no such place."""
        try:
            return self._file.seek(offset, whence)
        except (ValueError, OverflowError):
            return self._file.tell()


def decode_sndfile(file: BinaryIO, name: str, track: MonoTrack) -> Origin | None:
    """Decodes `file` into `track`; None when libsndfile doesn't know the format."""
    import soundfile

    file.seek(0)
    try:
        # By its descriptor, a file is read in C; by its name, a `.raw` ending would be believed. It is one that
        # libsndfile may close: asked to leave it open, 1.2.0 closes that of a file which it doesn't know.
        if isinstance(file, io.FileIO):
            sound = soundfile.SoundFile(os.dup(file.fileno()))
        else:
            sound = soundfile.SoundFile(_Memory(file))
    except soundfile.SoundFileError:
        return None
    with sound:
        origin = Origin(
            container=f"{sound.format}/{sound.subtype}".lower(),
            rate_hz=sound.samplerate,
            channels=sound.channels,
        )
        try:
            _read(sound, track)
        except soundfile.SoundFileError as error:
            raise AudioError(
                "truncated",
                f"{name} is damaged after {track.position_s:.2f} s ({_reason(error)}); fetch the file again",
            ) from error
        if not track.complete:
            _check_promise(sound, name, track)
    return origin


def _read(sound: soundfile.SoundFile, track: MonoTrack) -> None:
    rate_hz = sound.samplerate
    first = min(round(track.start_s * rate_hz), sound.frames)
    if first:
        sound.seek(first)
        track.skip_to(first / rate_hz)
    frames = max(1, min(_BLOCK_FRAMES, _BLOCK_VALUES // sound.channels))
    while not track.complete:
        block = sound.read(frames, dtype="float32", always_2d=True)
        if len(block) == 0:
            return
        track.add(block, rate_hz)


def _check_promise(sound: soundfile.SoundFile, name: str, track: MonoTrack) -> None:
    promised_s = sound.frames / sound.samplerate
    if sound.frames < _UNKNOWN_FRAMES and promised_s - track.position_s > _SLACK_S:
        raise AudioError(
            "truncated",
            f"{name} should last {promised_s:.2f} s by its header, but {track.position_s:.2f} s are there; "
            "fetch the file again",
        )


def _reason(error: Exception) -> str:
    return str(error).removeprefix("Error : ").rstrip(". ")
