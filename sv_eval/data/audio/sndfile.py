"""Decoding with libsndfile: wav, aiff, flac, ogg, opus, mp3, au, caf. Quick, and the first choice."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from sv_eval.data.audio.joined import change_of_mp3, states_length, unread_flac, unread_mp3
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
    next_at: int | None = None
    """Where in the file the decoder stopped and another recording begins; None where none does."""
    tells_less: bool = False
    """Whether the decoder stopped where a header said so, and audio goes on."""


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
    if sound.format == "FLAC" and sound.frames >= _UNKNOWN_FRAMES:
        # Written to a pipe, which libsndfile's seeking can't do with.
        sound.close()
        return None
    begun_s = track.position_s
    with sound:
        try:
            _read(sound, file, track)
        except soundfile.SoundFileError as error:
            raise AudioError(
                "truncated",
                f"{name} is damaged after {track.position_s:.2f} s ({_reason(error)}); fetch the file again",
            ) from error
        return _read_so_far(sound, file, name, track, begun_s)


def _read_so_far(sound: soundfile.SoundFile, file: BinaryIO, name: str, track: MonoTrack, begun_s: float) -> Origin:
    """What was decoded and what the decoder left; raises AudioError where a header promised more than there is."""
    next_at, tells_less = None, False
    if not track.complete and sound.format in ("FLAC", "MP3"):
        position = file.tell()
        size = file.seek(0, os.SEEK_END)
        if sound.format == "FLAC":
            next_at, tells_less = unread_flac(file, position, size)
        elif position < size:
            short = _promised_s(sound) - (track.position_s - begun_s) > _SLACK_S
            next_at = change_of_mp3(file, size) if short else unread_mp3(file, position, size)
    if not track.complete and next_at is None:
        promised_s, read_s = _promised_s(sound), track.position_s - begun_s
        if promised_s - read_s > _SLACK_S and not (sound.format == "MP3" and not states_length(file)):
            raise AudioError(
                "truncated",
                f"{name} should last {promised_s:.2f} s by its header, but {read_s:.2f} s are there; "
                "fetch the file again",
            )
    return Origin(
        container=f"{sound.format}/{sound.subtype}".lower(),
        rate_hz=sound.samplerate,
        channels=sound.channels,
        next_at=next_at,
        tells_less=tells_less,
    )


def _read(sound: soundfile.SoundFile, file: BinaryIO, track: MonoTrack) -> None:
    rate_hz = sound.samplerate
    first = min(round((track.start_s - track.position_s) * rate_hz), sound.frames)
    if first > 0:
        sound.seek(first)
        track.skip_to(track.position_s + first / rate_hz)
    frames = max(1, min(_BLOCK_FRAMES, _BLOCK_VALUES // sound.channels))
    while not track.complete:
        block = sound.read(frames, dtype="float32", always_2d=True)
        if len(block) == 0:
            return
        track.add(block, rate_hz)
        if len(block) < frames and sound.format == "MP3" and sound.tell() < sound.frames and _changes(file):
            # What mpg123 gave next would be of another rate, and called the same.
            return


def _changes(file: BinaryIO) -> bool:
    """Whether an mp3 goes on at another rate; leaves the file where the decoder has it."""
    position = file.tell()
    size = file.seek(0, os.SEEK_END)
    found = change_of_mp3(file, size) is not None
    file.seek(position)
    return found


def _promised_s(sound: soundfile.SoundFile) -> float:
    """How long the header says that the audio lasts, seconds; 0 where it doesn't say."""
    return float(sound.frames / sound.samplerate) if sound.frames < _UNKNOWN_FRAMES else 0.0


def _reason(error: Exception) -> str:
    return str(error).removeprefix("Error : ").rstrip(". ")
