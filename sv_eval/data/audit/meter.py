"""A track that measures what it is given instead of resampling it."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from sv_eval.data.audio.level import FullScale
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.audio.mono import MonoTrack
from sv_eval.errors import AudioError

_DIGEST_BYTES = 16


class LevelMeter(MonoTrack):
    """Takes decoded blocks as they are, at the file's own rate: clipping and equality are lost in resampling."""

    def __init__(
        self,
        name: str,
        limits: AudioLimits,
        start_s: float | None = None,
        end_s: float | None = None,
        channel: int | None = None,
        *,
        full_scale: float,
    ) -> None:
        super().__init__(name, limits, start_s, end_s, channel)
        self._full_scale = FullScale(full_scale)
        self._called, self._bounds = name, limits
        self._at_s = 0.0
        self._blocks: list[NDArray[np.float32]] = []
        self._padding_frames = 0
        self._bytes = 0
        self.rate_hz = 0
        """Sample rate of the blocks, Hz."""
        self.frames = 0
        """How many frames of the wanted stretch there are."""
        self.full_scale_share = 0.0
        """The share of samples at full scale, of the worst channel."""

    @property
    def longest_run(self) -> int:
        """The longest run at full scale, of the worst channel."""
        return self._full_scale.longest_run

    @property
    def position_s(self) -> float:
        """How far the file has been read, seconds."""
        return self._at_s

    @property
    def complete(self) -> bool:
        """Whether the wanted stretch has been read to its end."""
        return self.end_s is not None and self._at_s >= self.end_s

    def skip_to(self, position_s: float) -> None:
        """States that the next block begins at `position_s`."""
        self._at_s = position_s

    def drop_padding(self, end_s: float) -> None:
        """States that the audio ended at `end_s` already and what followed is the coder's padding."""
        if self.end_s is None:
            self._padding_frames = round((self._at_s - end_s) * self.rate_hz)

    def add(self, block: NDArray[np.float32], rate_hz: int) -> None:
        """Takes the next block, shape [frames, channels]."""
        self.rate_hz = self.rate_hz or rate_hz
        if rate_hz != self.rate_hz:
            # Of recordings that were joined the first one's rate counts; levels and equality need no more.
            block = _at_rate(block, rate_hz, self.rate_hz)
            rate_hz = self.rate_hz
        self._bytes += block.nbytes
        if self._bytes > self._bounds.max_decoded_bytes:
            raise AudioError(
                "too_large", f"{self._called} unpacks to more than {self._bounds.max_decoded_bytes} bytes"
            )
        first = max(round((self.start_s - self._at_s) * rate_hz), 0)
        stop = len(block)
        if self.end_s is not None:
            stop = min(stop, max(round((self.end_s - self._at_s) * rate_hz), 0))
        self._at_s += len(block) / rate_hz
        block = block[first:stop]
        self.frames += len(block)
        if self.frames / rate_hz > self._bounds.max_duration_s:
            raise AudioError("too_long", f"{self._called} is longer than {self._bounds.max_duration_s:g} s")
        if len(block):
            mono = self._mixing.mono(block)
            self._full_scale.add(block if self._mixing.mixed else mono[:, None])
            self._blocks.append(mono)

    def finish(self) -> NDArray[np.float32]:
        """The mono mix at the file's rate, shape [n]; to be called once, before the figures are read."""
        self.judge_mix()
        mono = np.concatenate(self._blocks) if self._blocks else np.zeros(0, np.float32)
        self._blocks = []
        self.full_scale_share = self._full_scale.share(self.frames)
        mono = mono[: len(mono) - self._padding_frames] if self._padding_frames else mono
        self.frames = len(mono)
        return mono


def _at_rate(block: NDArray[np.float32], rate_hz: int, wanted_hz: int) -> NDArray[np.float32]:
    """The nearest samples at another rate, of each channel."""
    places = np.arange(round(len(block) * wanted_hz / rate_hz)) * (rate_hz / wanted_hz)
    return block[np.minimum(places.astype(np.int64), len(block) - 1)] if len(block) else block


def digest_of(mono: NDArray[np.float32]) -> bytes | None:
    """16 bytes that decide whether two clips hold the same samples, whatever file they came in.

    Digital silence at both ends is left out, and so are level-preserving changes of container and bit depth, which
    decode to the same numbers. None for nothing but silence.
    """
    sound = mono != 0
    if not sound.any():
        return None
    first, stop = int(sound.argmax()), len(mono) - int(sound[::-1].argmax())
    # Adding zero makes every zero a positive one.
    content = mono[first:stop] + np.float32(0)
    return hashlib.blake2b(content.data, digest_size=_DIGEST_BYTES).digest()
