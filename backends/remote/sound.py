"""A clip's audio in the forms that services take."""

from __future__ import annotations

import io
import mimetypes

import numpy as np

from sv_eval.errors import ConfigError, nearest
from sv_eval.records import SAMPLE_RATE_HZ, Waveform

ORIGINAL, WAV, AUTO = "original", "wav", "auto"
FORMS = (AUTO, ORIGINAL, WAV)
_TYPES = {"wav": "audio/wav", "flac": "audio/flac", "mp3": "audio/mpeg", "ogg": "audio/ogg", "webm": "audio/webm"}


def chosen_form(asked: str, takes: tuple[str, ...], dialect: str) -> str:
    """The form that is sent: `original` or `wav`; raises ConfigError for one that the dialect does not take."""
    if asked not in FORMS:
        raise ConfigError(f"backend.audio={asked} is not known; {nearest(asked, FORMS)}")
    if asked == AUTO:
        return takes[0] if takes else WAV
    if asked not in takes:
        raise ConfigError(f"backend.audio={asked}: {dialect} is sent {' or '.join(takes) or 'samples'} only")
    return asked


class Sound:
    """One clip's audio, encoded when it is asked for.

    waveform: the decoded audio. form: `original` for the file as the corpus has it (where its bytes are at hand;
    a clip that is a stretch of a longer file is not), else `wav`: 16 kHz, mono, 16 bits.
    """

    def __init__(self, waveform: Waveform, form: str = WAV) -> None:
        self.waveform = waveform
        self._original = form == ORIGINAL and waveform.encoded is not None

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.waveform.duration_s

    @property
    def format(self) -> str:
        """The container's name, such as `wav`; a file's ending."""
        if not self._original:
            return "wav"
        name = (self.waveform.container or "bin").partition("/")[0].lower()
        return name if name.isalnum() else "bin"

    @property
    def file_name(self) -> str:
        """What the file is called where a name is sent along."""
        return f"{self.waveform.name or 'clip'}.{self.format}"

    @property
    def media_type(self) -> str:
        """The media type of `file`."""
        return (
            _TYPES.get(self.format) or mimetypes.guess_type(f"audio.{self.format}")[0] or "application/octet-stream"
        )

    @property
    def file(self) -> bytes:
        """The bytes of a file."""
        if self._original and self.waveform.encoded is not None:
            return self.waveform.encoded
        return wav_file(self.pcm_s16le)

    @property
    def pcm_s16le(self) -> bytes:
        """Signed 16-bit samples, little endian, 16 kHz, mono; clipped at full scale."""
        scaled = np.rint(self.waveform.samples * np.float32(32768))
        data: bytes = np.clip(scaled, -32768, 32767).astype("<i2").tobytes()
        return data

    @property
    def pcm_f32le(self) -> bytes:
        """Float samples, little endian, full scale 1, 16 kHz, mono."""
        return self.waveform.samples.astype("<f4", copy=False).tobytes()


def wav_file(pcm_s16le: bytes) -> bytes:
    """A WAV file of 16 kHz, mono, 16-bit samples."""
    import wave

    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(SAMPLE_RATE_HZ)
        writer.writeframes(pcm_s16le)
    return file.getvalue()
