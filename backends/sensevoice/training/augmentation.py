"""Random variation of log mel batches: recording conditions, tempo, tract length, masks.

All of it happens on filterbanks, where a gain is an offset, a filter a curve, noise a log-sum and a room a
smear, so that a step costs milliseconds and no clip is heard twice in the same form. Emotion lives in pitch,
tempo, loudness and tilt: each is moved by less than emotions move it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

DB = math.log(10) / 10  # one decibel in the natural logarithm of a power


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How strong each kind of variation is; 0 turns it off."""

    gain_db: float = 6.0  # uniform, both ways
    tilt_db: float = 1.5  # standard deviation, lowest to highest channel
    curve_db: float = 1.2  # standard deviation of each smooth bump of the frequency response
    noise_share: float = 0.4  # of clips
    room_share: float = 0.3  # of clips
    tempo: float = 0.06  # standard deviation of the log factor
    warp: float = 0.02  # standard deviation of the log factor on the mel axis
    frequency_mask: int = 12  # widest, channels
    time_mask: int = 20  # widest, frames


def augmented(mels: Tensor, lengths: Tensor, how: Augmentation) -> tuple[Tensor, Tensor]:
    """A varied copy of [B, T, 80] log mels; the tempo changes the lengths."""
    mels, lengths = stretched(mels, lengths, how)
    batch, _, channels = mels.shape
    rooms = torch.rand(batch) < how.room_share
    if bool(rooms.any()):
        mels[rooms] = reverberant(mels[rooms])
    axis = torch.linspace(0, 1, channels)
    curve = torch.randn(batch, 1) * how.tilt_db * (axis - 0.5)
    for bumps in (1, 2, 3, 5):
        phase = torch.rand(batch, 1) * 2 * math.pi
        curve = curve + torch.randn(batch, 1) * how.curve_db * torch.cos(math.pi * bumps * axis + phase)
    gain = (torch.rand(batch, 1) * 2 - 1) * how.gain_db
    mels = mels + DB * (curve + gain)[:, None, :]
    noises = torch.rand(batch) < how.noise_share
    if bool(noises.any()):
        mels[noises] = noisy(mels[noises], lengths[noises])
    return masked(mels, lengths, how), lengths


def stretched(mels: Tensor, lengths: Tensor, how: Augmentation) -> tuple[Tensor, Tensor]:
    """Tempo along time, tract length along frequency, by linear interpolation."""
    batch, _, channels = mels.shape
    factor = torch.exp(torch.randn(batch) * how.tempo).clamp(0.8, 1.25)
    new_lengths = (lengths * factor).long().clamp(min=4)
    places = torch.arange(int(new_lengths.max()))[None, :] / factor[:, None]
    places = torch.minimum(places, (lengths - 1)[:, None].float())
    mels = interpolated(mels, places)
    warp = torch.exp(torch.randn(batch) * how.warp).clamp(0.93, 1.07)
    bins = (torch.arange(channels)[None, :] * warp[:, None]).clamp(max=channels - 1)
    return interpolated(mels.transpose(1, 2), bins).transpose(1, 2), new_lengths


def interpolated(values: Tensor, places: Tensor) -> Tensor:
    """[B, T, C] read at fractional positions [B, S] of its second axis."""
    low = places.floor().long()
    high = (low + 1).clamp(max=values.shape[1] - 1)
    share = (places - low)[:, :, None]
    width = (-1, -1, values.shape[2])
    first = torch.gather(values, 1, low[:, :, None].expand(width))
    second = torch.gather(values, 1, high[:, :, None].expand(width))
    return first + (second - first) * share


def reverberant(mels: Tensor) -> Tensor:
    """The clips in rooms: every frame's power leaves an exponential tail."""
    batch = mels.shape[0]
    taps = torch.arange(40.0)
    decay_frames = torch.rand(batch, 1) * 4 + 1.5
    tail = torch.exp(-taps[None, :] / decay_frames)
    wet = 10 ** (-(torch.rand(batch, 1) * 15 + 3) / 10)
    tail = tail / tail.sum(1, keepdim=True) * wet
    tail[:, 0] += 1.0
    power = torch.exp(mels.clamp(min=-16.0)).permute(2, 0, 1)  # [80, B, T]
    padded = torch.nn.functional.pad(power, (taps.numel() - 1, 0))
    smeared = torch.nn.functional.conv1d(padded, tail.flip(1)[:, None, :], groups=batch)
    return torch.log(smeared.permute(1, 2, 0) + 1e-7)


def noisy(mels: Tensor, lengths: Tensor) -> Tensor:
    """Steady coloured noise under the clips, 8 to 45 dB below their loud frames."""
    batch, frames, channels = mels.shape
    loud = torch.stack([m[:n].max() for m, n in zip(mels, lengths.tolist(), strict=True)])[:, None]
    slope = (torch.rand(batch, 1) * 30 - 22) * torch.linspace(0, 1, channels)
    floor = loud - DB * (torch.rand(batch, 1) * 37 + 8) + DB * slope
    # A frame of noise is exponentially distributed in power before mel averaging; 1.5 dB is what is left of it.
    wobble = torch.randn(batch, frames, channels) * 1.5 * DB
    noise = floor[:, None, :] + wobble
    # The logarithm of the sum of both powers; torch.logaddexp is several times slower.
    return torch.maximum(mels, noise) + torch.nn.functional.softplus(-(mels - noise).abs())


def masked(mels: Tensor, lengths: Tensor, how: Augmentation) -> Tensor:
    """SpecAugment: one or two bands and stretches replaced by the clip's mean."""
    batch, frames, channels = mels.shape
    mean = torch.stack([m[:n].mean() for m, n in zip(mels, lengths.tolist(), strict=True)])[:, None, None]
    for _ in range(2):
        if how.frequency_mask:
            width = torch.rand(batch, 1) * how.frequency_mask
            start = torch.rand(batch, 1) * (channels - width)
            hit = (torch.arange(channels) >= start) & (torch.arange(channels) < start + width)
            mels = torch.where(hit[:, None, :], mean, mels)
        if how.time_mask:
            width = torch.rand(batch, 1) * how.time_mask
            start = torch.rand(batch, 1) * (lengths[:, None] - width)
            hit = (torch.arange(frames) >= start) & (torch.arange(frames) < start + width)
            mels = torch.where(hit[:, :, None], mean, mels)
    return mels
