"""What every step of a condition is given and gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sv_eval.data.audio.measuring import speech_power

Float32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What surrounds a clip while it is changed."""

    rng: np.random.Generator
    """Draws what the step leaves to chance; the same for a clip and a step on every machine, in any order."""
    others: Callable[[int], Sequence[Float32]]
    """The sound of so many other clips, by other speakers where there are any."""


class Step(Protocol):
    """One change of the sound."""

    def __call__(self, samples: Float32, around: Around) -> Float32:
        """The changed sound, mono at 16 kHz; the given samples are left as they are."""
        ...


def at_snr(samples: Float32, noise: Float32, snr_db: float) -> Float32:
    """Sound and noise together, the noise so many dB below the power of the speech, pauses left out.

    `gain = sqrt(S / (N 10^(snr / 10)))`; a clip of digital silence stays silent.
    """
    speech, power = speech_power(samples), float(np.mean(np.square(noise, dtype=np.float64)))
    if speech <= 0 or power <= 0:
        return samples
    gain = np.sqrt(speech / (power * 10 ** (snr_db / 10)))
    return (samples + np.float32(gain) * noise).astype(np.float32)
