"""A telephone line: its band, its codec, and packets that get lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sv_eval.data.conditions.codecs import rate_of, through
from sv_eval.data.conditions.shaping import Band
from sv_eval.data.conditions.step import Around, Float32
from sv_eval.errors import ConfigError
from sv_eval.records import SAMPLE_RATE_HZ

_PACKET_S = 0.02
_FADED_AFTER = 3
"""Packets after which a repeated one has faded: 60 ms, as in G.711's Appendix I."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telephone:
    """The sound through a codec and over a line."""

    codec: str = "mulaw"
    """linear, mulaw, alaw, g722, gsm, amr_nb, opus or mp3, as far as the installed PyAV has them."""
    rate_hz: int | None = None
    """The codec's rate, Hz; None for its usual one."""
    bit_rate: int | None = None
    """Bits a second; None for the codec's own choice."""
    low_hz: float | None = None
    """The line lets nothing through below, Hz."""
    high_hz: float | None = None
    """The line lets nothing through above, Hz."""
    loss: float = 0.0
    """The share of packets of 20 ms that are lost, 0 to 1."""
    burst: float = 1.0
    """How many packets are lost in a row on average, 1 or more."""
    conceal: Literal["none", "repeat"] = "repeat"
    """What is heard instead: silence, or the packet before, fading within 60 ms."""
    _rate_hz: int = field(init=False, metadata={"key": None})

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rate_hz", rate_of(self.codec, self.rate_hz))
        if not 0 <= self.loss < 1 or self.burst < 1:
            raise ConfigError("condition: telephone's loss is a share from 0 to below 1, and burst 1 or more")

    def __call__(self, samples: Float32, around: Around) -> Float32:
        """The sound at the other end."""
        import soxr

        if self.low_hz is not None or self.high_hz is not None:
            samples = Band(low_hz=self.low_hz, high_hz=self.high_hz)(samples, around)
        sent = samples if self._rate_hz == SAMPLE_RATE_HZ else soxr.resample(samples, SAMPLE_RATE_HZ, self._rate_hz)
        heard = through(np.asarray(sent, dtype=np.float32), self.codec, self._rate_hz, self.bit_rate)
        if self.loss:
            heard = self._with_losses(heard, around.rng)
        if self._rate_hz != SAMPLE_RATE_HZ:
            heard = np.asarray(soxr.resample(heard, self._rate_hz, SAMPLE_RATE_HZ), dtype=np.float32)
        return np.pad(heard, (0, max(0, len(samples) - len(heard))))[: len(samples)]

    def _with_losses(self, heard: Float32, rng: np.random.Generator) -> Float32:
        """Packets are lost behind the decoder, so that its memory stays as it was."""
        size = round(_PACKET_S * self._rate_hz)
        packets = np.pad(heard, (0, -len(heard) % size)).reshape(-1, size).copy()
        last, since = np.zeros(size, np.float32), 0
        for place, lost in enumerate(lost_packets(len(packets), self.loss, self.burst, rng)):
            if not lost:
                last, since = packets[place].copy(), 0
                continue
            fading = max(0.0, 1 - since / _FADED_AFTER) if self.conceal == "repeat" else 0.0
            packets[place] = last * np.float32(fading)
            since += 1
        return packets.reshape(-1)[: len(heard)]


def lost_packets(n: int, loss: float, burst: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which packets get lost: a chain of two states (Gilbert 1960, Capacity of a burst-noise channel).

    A loss goes on with the probability `1 - 1 / burst` and begins with `loss / (burst (1 - loss))`, which makes
    `loss` of all packets.
    """
    begins, goes_on = min(1.0, loss / (burst * (1 - loss))), 1 - 1 / burst
    drawn = rng.random(n + 1)
    state = bool(drawn[0] < loss)
    found = np.zeros(n, np.bool_)
    for place in range(n):
        found[place] = state
        state = bool(drawn[place + 1] < (goes_on if state else begins))
    return found
