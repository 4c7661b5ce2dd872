"""What the sound of a clip was: rate, band, level, noise and silence, in a few numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

AUDIO_MARKS = ("cancelling", "joined", "mixed", "taught", "tells_less", "unfinished")
"""What may be said of a clip's audio: channels that cancel each other, several recordings in one file, a mix of
channels, audio that the model was trained on, a header that tells less than there is, one never finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundFacts:
    """What one clip's sound was, as the recogniser heard it. None is what can't be told, of digital silence say."""

    rate_hz: int | None = None
    """Sample rate of the source, Hz."""
    channels: int | None = None
    """Channels of the source."""
    band_hz: float | None = None
    """Where the spectrum ends, Hz; that of an up-sampled telephone call ends at 4000 whatever its header says."""
    level_dbfs: float | None = None
    """Root mean square of the whole clip without its mean, dB below full scale."""
    peak_dbfs: float | None = None
    """Largest magnitude, dB below full scale."""
    clipped: float = 0.0
    """The share of samples whose tops are cut off, of the channel where it is largest."""
    dc: float = 0.0
    """The samples' mean; full scale is 1."""
    snr_db: float | None = None
    """Estimate of the speech's power over that of the quietest tenth of the clip, dB."""
    silence: float = 0.0
    """The share of the clip in which nobody speaks."""
    lead_s: float = 0.0
    """Silence before the first sound, seconds."""
    tail_s: float = 0.0
    """Silence behind the last sound, seconds."""
    pitch_hz: float | None = None
    """Median pitch of the loudest voiced stretches, Hz; None where no voice is."""
    lufs: float | None = None
    """Integrated loudness by ITU-R BS.1770-4; None where nobody asked, and for less than 0.4 s."""
    dnsmos: float | None = None
    """Overall quality by DNSMOS P.835, 1 to 5; None where nobody asked."""


SOUND_FACTS = tuple(item.name for item in fields(SoundFacts))
"""The facts' names, in the order of the record."""


def sound_to_json(facts: SoundFacts) -> dict[str, float]:
    """The facts as plain data; those that can't be told are left out."""
    return {name: value for name in SOUND_FACTS if (value := getattr(facts, name)) is not None}


def sound_from_json(data: Mapping[str, Any] | None) -> SoundFacts | None:
    """The facts of a parsed record; None where it has none, as those of earlier versions."""
    return None if data is None else SoundFacts(**{name: data[name] for name in SOUND_FACTS if name in data})
