"""What is known of a clip before anything is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sv_eval.sound_facts import SoundFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Two places of a header, or a header and the file, that don't agree."""

    field: str
    """What it is about: `rate`, `channels`, `frames`."""
    stated: int
    """What the header states: Hz, channels, frames."""
    other: int
    """What follows from elsewhere, in the same unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFacts:
    """What decoding a clip once tells."""

    duration_s: float
    """Length, seconds."""
    rate_hz: int
    """Sample rate by the header, Hz."""
    channels: int
    """Channel count by the header."""
    container: str
    """Container and codec, e.g. `wav/pcm_16`; the content decides, not the name."""
    loudest_dbfs: float | None
    """Level of the loudest 50 ms without their mean, dB below full scale; None for digital silence."""
    full_scale_share: float
    """The share of samples at full scale, of the channel where it is largest."""
    longest_run: int
    """The longest run of samples at full scale, of the channel where it is longest."""
    digest: bytes | None
    """Of the samples themselves, mixed to mono, without digital silence at both ends; None for silence alone."""
    contradictions: tuple[Contradiction, ...] = ()
    """Where the header contradicts itself or the file."""
    marks: tuple[str, ...] = ()
    """What decoding met; words of `sound_facts.AUDIO_MARKS`."""
    sound: SoundFacts | None = None
    """What the sound is at 16 kHz, as a run tells it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioDefect:
    """Why a clip has no audio facts."""

    kind: str
    """As AudioError has it; `crashed` where a decoder took its process with it."""
    message: str
    """In words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFacts:
    """One clip as the corpus describes it, and as its audio is."""

    id: str
    """As the corpus has it; an audit must not rely on it being unique."""
    path: str
    """Where its audio is."""
    where: str
    """What an error message calls it."""
    label: str | None = None
    """Raw label."""
    emotion: str | None = None
    """The canonical name; None for no label, and for one that the map doesn't hold."""
    speaker: str | None = None
    """As the corpus names the speaker; None when unknown."""
    transcript: str | None = None
    """The words spoken."""
    splits: tuple[str, ...] = ()
    """All splits that hold it."""
    start_s: float | None = None
    """Begin in its file, seconds."""
    end_s: float | None = None
    """End in its file, seconds."""
    channel: int | None = None
    """Which channel of its file, from 1; None for the mix."""
    audio: AudioFacts | AudioDefect | None = None
    """What decoding told; None where the clip wasn't decoded."""

    @property
    def audio_facts(self) -> AudioFacts | None:
        """The audio's facts; None where there are none."""
        return self.audio if isinstance(self.audio, AudioFacts) else None

    def case(self, **more: Any) -> dict[str, Any]:
        """The clip as a finding's case."""
        return {"id": self.id, "path": self.path or self.id, **more}
