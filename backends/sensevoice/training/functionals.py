"""Acoustic functionals: what a whole clip's spectrum and loudness are like, in a few dozen numbers.

Means and spreads over the loud frames of what is known to carry vocal emotion: cepstrum, alpha ratio, Hammarberg
index, spectral slopes, energy by band, flux, loudness; and how loudness moves. The choice follows eGeMAPS (Eyben et
al., "The Geneva Minimalistic Acoustic Parameter Set", IEEE Transactions on Affective Computing 7(2), 2016). All
of it is computed from the filterbanks that the model itself hears, so that it stays exact under any augmentation.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sv_eval.backends.sensevoice.training.features import MELS

DB = 10 / math.log(10)  # decibels of one unit of the natural logarithm of a power
SPEECH_DB = 30.0  # frames quieter than this below the loud ones are left out
PEAK_DB = 20.0  # peaks of loudness quieter than this below the loud frames are no syllables
CEPSTRA = 12
SLOPES_HZ = ((0, 500), (500, 1500), (1500, 4000), (4000, 8000))
BANDS_HZ = ((50, 300), (300, 700), (700, 1200), (1200, 2000), (2000, 3000), (3000, 4500), (4500, 7500))
A_FRAME = CEPSTRA + 2 + len(SLOPES_HZ) + len(BANDS_HZ) + 2
COUNT = 2 * A_FRAME + 5
"""How many numbers a clip has."""


def _centres_hz() -> Tensor:
    """Centre frequencies of Kaldi's mel channels from 20 to 8,000 Hz."""
    low, high = (1127 * math.log(1 + hz / 700) for hz in (20, 8000))
    mels = low + (high - low) / (MELS + 1) * torch.arange(1, MELS + 1)
    return 700 * (torch.exp(mels / 1127) - 1)


_HZ = _centres_hz()
_COSINES = torch.cos(math.pi / MELS * torch.outer(torch.arange(1.0, CEPSTRA + 1), torch.arange(MELS) + 0.5))
_COSINES = _COSINES * math.sqrt(2 / MELS)


def _within(low_hz: float, high_hz: float) -> Tensor:
    return (low_hz <= _HZ) & (high_hz > _HZ)


def _slope(low_hz: float, high_hz: float) -> Tensor:
    """The row that gives the least-squares slope, dB a kHz, of a spectrum between two frequencies."""
    inside = _within(low_hz, high_hz)
    khz = torch.where(inside, _HZ / 1000 - (_HZ[inside] / 1000).mean(), torch.zeros(MELS))
    return khz / (khz @ khz)


_SLOPES = torch.stack([_slope(*edges) for edges in SLOPES_HZ])


@torch.no_grad()
def functionals(mels: Tensor, lengths: Tensor) -> Tensor:
    """[B, COUNT] of log mels [B, T, 80] of `lengths` frames each."""
    frames = mels.shape[1]
    there = torch.arange(frames)[None] < lengths[:, None]
    # Digital silence is as loud as the faintest noise.
    mels = mels.clamp(min=-16.0)
    powers, spectrum_db = torch.exp(mels), mels * DB
    energy_db = torch.log(powers.sum(2)) * DB
    ranked = torch.where(there, energy_db, torch.full_like(energy_db, math.inf)).sort(1).values
    loud_db = ranked.gather(1, ((lengths - 1) * 0.95).long()[:, None])
    speech = there & (energy_db > loud_db - SPEECH_DB)

    def band_db(low_hz: float, high_hz: float) -> Tensor:
        return torch.log(powers[:, :, _within(low_hz, high_hz)].sum(2) + 1e-9) * DB

    def peak_db(low_hz: float, high_hz: float) -> Tensor:
        return spectrum_db[:, :, _within(low_hz, high_hz)].amax(2)

    flux = torch.zeros_like(energy_db)
    flux[:, 1:] = (spectrum_db[:, 1:] - spectrum_db[:, :-1]).square().mean(2).sqrt()
    alpha_ratio = band_db(50, 1000) - band_db(1000, 5000)
    hammarberg = peak_db(0, 2000) - peak_db(2000, 5000)
    shares_db = [band_db(*edges) - energy_db for edges in BANDS_HZ]
    by_frame = torch.cat(
        [
            mels @ _COSINES.T,
            torch.stack([alpha_ratio, hammarberg], dim=2),
            spectrum_db @ _SLOPES.T,
            torch.stack([*shares_db, energy_db - loud_db, flux], dim=2),
        ],
        dim=2,
    )
    weight = speech.float()[:, :, None]
    count = weight.sum(1).clamp(min=1)
    mean = (by_frame * weight).sum(1) / count
    spread = (((by_frame - mean[:, None]) ** 2 * weight).sum(1) / count).clamp(min=1e-6).sqrt()
    return torch.cat([mean, spread, _movement(energy_db, loud_db, there, speech, lengths)], dim=1)


def _movement(energy_db: Tensor, loud_db: Tensor, there: Tensor, speech: Tensor, lengths: Tensor) -> Tensor:
    """How loudness moves: mean rise and fall, peaks a second, share of speech, and the logarithm of the length."""
    step = torch.zeros_like(energy_db)
    step[:, 1:] = energy_db[:, 1:] - energy_db[:, :-1]
    step = step * there
    rises, falls = step.clamp(min=0), step.clamp(max=0)
    rise = rises.sum(1) / (rises > 0).sum(1).clamp(min=1)
    fall = falls.sum(1) / (falls < 0).sum(1).clamp(min=1)
    smooth = torch.nn.functional.avg_pool1d(energy_db[:, None], 5, 1, 2)[:, 0]
    middle = smooth[:, 1:-1]
    peaks = (middle > smooth[:, :-2]) & (middle >= smooth[:, 2:]) & (middle > loud_db - PEAK_DB) & there[:, 2:]
    seconds = lengths / 100
    return torch.stack([rise, fall, peaks.sum(1) / seconds, speech.sum(1) / lengths, torch.log(lengths.float())], 1)
