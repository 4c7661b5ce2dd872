"""Noise: white, pink, hum, the babble of other clips, or a folder of the user's own recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sv_eval.data.conditions.step import Around, Float32, at_snr
from sv_eval.errors import ConfigError
from sv_eval.records import SAMPLE_RATE_HZ

_HARMONICS = 8
_TALKERS = (1, 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Noise at a distance from the power of the speech, pauses left out."""

    snr_db: float = 10.0
    """How many dB the speech is above it."""
    color: Literal["white", "pink", "hum", "babble", "folder"] = "white"
    """Equal power a hertz, equal power an octave, mains hum with overtones, other clips at once, or a folder."""
    hum_hz: float = 50.0
    """The mains' frequency."""
    talkers: int = 6
    """How many other clips babble."""
    folder: str | None = None
    """Recordings, of which each clip gets one."""

    def __post_init__(self) -> None:
        if not -40 <= self.snr_db <= 100:
            raise ConfigError("condition: noise's snr_db is from -40 to 100")
        if not _TALKERS[0] <= self.talkers <= _TALKERS[1] or not 10 <= self.hum_hz <= 1000:
            raise ConfigError("condition: noise's talkers are 1 to 16 and hum_hz 10 to 1000")
        if (self.folder is not None) != (self.color == "folder"):
            raise ConfigError("condition: noise's folder and color=folder go together")
        if self.folder is not None and not self._files():
            raise ConfigError(f"condition: noise's folder {self.folder} holds no file")

    def __call__(self, samples: Float32, around: Around) -> Float32:
        """The sound with its noise."""
        return at_snr(samples, self._noise(len(samples), around), self.snr_db)

    def _noise(self, n: int, around: Around) -> Float32:
        rng = around.rng
        if self.color == "babble":
            return _babble(around.others(self.talkers), n, rng)
        if self.color == "folder":
            return self._recorded(n, rng)
        if self.color == "hum":
            moments = 2 * np.pi * self.hum_hz * np.arange(n) / SAMPLE_RATE_HZ
            phases = rng.uniform(0, 2 * np.pi, _HARMONICS)
            parts = [np.sin(k * moments + phase) / k for k, phase in enumerate(phases.tolist(), 1)]
            return np.asarray(np.sum(parts, axis=0), dtype=np.float32)
        white = rng.standard_normal(n)
        return _pink(white) if self.color == "pink" else white.astype(np.float32)

    def _files(self) -> list[Path]:
        return sorted(path for path in Path(self.folder or "").rglob("*") if path.is_file())

    def _recorded(self, n: int, rng: np.random.Generator) -> Float32:
        from sv_eval.data.audio.decoding import decode

        files = self._files()
        recorded = decode(files[int(rng.integers(len(files)))]).samples
        return _stretch(recorded, n, rng)


def _pink(white: NDArray[np.float64]) -> Float32:
    """Power as 1/f: each bin of white noise over the square root of its frequency, none at zero."""
    spectrum = np.fft.rfft(white)
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    return np.fft.irfft(spectrum, len(white)).astype(np.float32)


def _babble(voices: Sequence[Float32], n: int, rng: np.random.Generator) -> Float32:
    """Other clips at once, each at the same power and begun anywhere."""
    found = np.zeros(n, np.float32)
    for voice in voices:
        power = float(np.mean(np.square(voice, dtype=np.float64))) if len(voice) else 0.0
        if power > 0:
            found += _stretch(voice, n, rng) / np.float32(np.sqrt(power))
    return found


def _stretch(sound: Float32, n: int, rng: np.random.Generator) -> Float32:
    """So many samples of a sound from anywhere on, again and again where it is shorter."""
    begin = int(rng.integers(len(sound)))
    return np.resize(np.roll(sound, -begin), n).astype(np.float32)
