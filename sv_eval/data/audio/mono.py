"""A mono track, at 16 kHz or a file's own rate, built block by block while the limits are watched."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.data.audio.channels import Mixing
from sv_eval.data.audio.level import FULL_SCALE, FullScale
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.errors import AudioError
from sv_eval.records import SAMPLE_RATE_HZ

PLAUSIBLE_RATES_HZ = (1_000, 768_000)
_PROMISE_SLACK_S = 0.1
"""A manifest's rounded end may lie this much behind the file's end."""


class MonoTrack:
    """Takes decoded blocks of any rate and channel count; keeps the wanted stretch, mixed down and resampled.

    The mix is the mean over the channels. channel: the one that is kept instead, from 1. own_rate: the track has
    the file's own rate, of joined recordings the first one's; else 16 kHz. full_scale: samples from here on count
    as cut off.
    """

    def __init__(
        self,
        name: str,
        limits: AudioLimits,
        start_s: float | None = None,
        end_s: float | None = None,
        channel: int | None = None,
        *,
        own_rate: bool = False,
        full_scale: float = FULL_SCALE,
    ) -> None:
        self._mixing = Mixing(name, channel)
        self._name = name
        self._limits = limits
        self._start_s = start_s or 0.0
        self._end_s = end_s
        self._block_rate_hz = 0
        self._position_s = 0.0
        self._kept_s = 0.0
        self._padding_s = 0.0
        self._decoded_bytes = 0
        self._resampler: Any = None
        self._pieces: list[NDArray[np.float32]] = []
        self.marks: set[str] = set()
        """What was met on the way that a reader should know; words of `sound_facts.AUDIO_MARKS`."""
        self.clipping = FullScale(full_scale)
        """The samples at full scale, counted before mixing and resampling, which round what was cut off."""
        self.rate_hz = 0 if own_rate else SAMPLE_RATE_HZ
        """The track's rate, Hz; 0 while it is the file's own and there was no block yet."""

    @property
    def start_s(self) -> float:
        """Where the wanted stretch begins, seconds."""
        return self._start_s

    @property
    def position_s(self) -> float:
        """How far the file has been read, seconds."""
        return self._position_s

    @property
    def complete(self) -> bool:
        """Whether the wanted stretch has been read to its end."""
        return self._end_s is not None and self._position_s >= self._end_s

    def skip_to(self, position_s: float) -> None:
        """States that the next block begins at `position_s`."""
        self._position_s = position_s

    def add(self, block: NDArray[np.float32], rate_hz: int) -> None:
        """Takes the next block, shape [frames, channels]."""
        if rate_hz != self._block_rate_hz:
            self._change_rate(rate_hz)
        self._decoded_bytes += block.nbytes
        if self._decoded_bytes > self._limits.max_decoded_bytes:
            raise AudioError(
                "too_large",
                f"{self._name} unpacks to more than {self._limits.max_decoded_bytes} bytes of samples; "
                "raise dataset.limits.max_decoded_bytes if it is meant to",
            )
        block = self._wanted(block)
        self._kept_s += len(block) / rate_hz
        if self._kept_s > self._limits.max_duration_s:
            raise AudioError(
                "too_long",
                f"{self._name} is longer than {self._limits.max_duration_s:g} s; "
                "cut it, or raise dataset.limits.max_duration_s",
            )
        if len(block):
            mono = self._mixing.mono(block)
            self.clipping.add(block if self._mixing.mixed else mono[:, None])
            self._append(mono, last=False)

    def drop_padding(self, end_s: float) -> None:
        """States that the audio ended at `end_s` already and what followed is the coder's padding."""
        if self._end_s is None:
            self._padding_s = self._position_s - end_s

    def samples(self) -> NDArray[np.float32]:
        """The finished track, shape [n]."""
        self._append(np.zeros(0, dtype=np.float32), last=True)
        if self._end_s is not None and self._position_s < self._end_s - _PROMISE_SLACK_S:
            raise AudioError(
                "truncated",
                f"{self._name} ends at {self._position_s:.2f} s, but the clip reaches to {self._end_s:g} s; "
                "fetch the file again or mend the clip's end",
            )
        self._judge_mix()
        track = self._pieces[0] if len(self._pieces) == 1 else np.concatenate(self._pieces or [_NOTHING])
        return np.ascontiguousarray(track[: len(track) - round(self._padding_s * self.rate_hz)])

    def _judge_mix(self) -> None:
        """Marks what became of several channels; raises AudioError where they cancelled each other."""
        if self._mixing.mixed:
            self.marks.add("mixed")
            if found := self._mixing.judge():
                self.marks.add(found)

    def _change_rate(self, rate_hz: int) -> None:
        lowest, highest = PLAUSIBLE_RATES_HZ
        if not lowest <= rate_hz <= highest:
            raise AudioError(
                "not_audio",
                f"{self._name} claims a sample rate of {rate_hz} Hz, outside {lowest} to {highest}; "
                "its header is damaged, fetch the file again",
            )
        if self._resampler is not None:
            self._append(np.zeros(0, dtype=np.float32), last=True)
        self._block_rate_hz = rate_hz
        self._resampler = None
        self.rate_hz = self.rate_hz or rate_hz
        if rate_hz != self.rate_hz:
            import soxr

            self._resampler = soxr.ResampleStream(rate_hz, self.rate_hz, 1, dtype="float32", quality="HQ")

    def _wanted(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """The part of `block` that lies in the wanted stretch; moves the position on."""
        first = round((self._start_s - self._position_s) * self._block_rate_hz)
        stop = len(block)
        if self._end_s is not None:
            stop = min(stop, round((self._end_s - self._position_s) * self._block_rate_hz))
        self._position_s += len(block) / self._block_rate_hz
        return block[max(first, 0) : max(stop, 0)]

    def _append(self, mono: NDArray[np.float32], *, last: bool) -> None:
        piece = mono if self._resampler is None else self._resampler.resample_chunk(mono, last=last)
        if len(piece):
            self._pieces.append(piece)


_NOTHING = np.zeros(0, dtype=np.float32)
