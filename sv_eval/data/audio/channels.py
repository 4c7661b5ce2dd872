"""Which channel of a file is heard, and channels that cancel each other when they are mixed."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.errors import AudioError

MIX, EACH = "mix", "each"
_NAMED = {"left": 1, "right": 2}
_CANCELLED = 1e-4
"""What a mix may keep at least of the power that independent channels would leave in it; below, it is no sound."""
_CANCELLING = 0.05
_MOST_CHANNELS = 1024


def channel_word(given: object) -> str | None:
    """What a channel's setting means: None for the mix, `each`, or the channel's number from 1 as text.

    Raises ValueError, with what is possible, for anything else.
    """
    word = MIX if given is None else str(given).strip().casefold().removesuffix(".0")
    if word == MIX:
        return None
    if word == EACH:
        return EACH
    number = _NAMED.get(word) or (int(word) if word.isdecimal() and len(word) < 5 else 0)
    if not 1 <= number <= _MOST_CHANNELS:
        raise ValueError(f"'{given}' is no channel; give mix, left, right, a number from 1, or each")
    return str(number)


def channels_of(source: Path | bytes) -> int | None:
    """How many channels a file's header states; None for one that can't be read, which its clip will tell of."""
    import av
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(source) if isinstance(source, bytes) else str(source)) as sound:
            return int(sound.channels)
    except (soundfile.SoundFileError, OSError, TypeError):
        pass
    try:
        with av.open(io.BytesIO(source) if isinstance(source, bytes) else str(source)) as container:
            stream = next(iter(container.streams.audio), None)
            return None if stream is None else int(stream.codec_context.channels)
    except (av.FFmpegError, OSError, ValueError, AttributeError):
        return None


class Mixing:
    """Turns blocks of several channels into one, and keeps what tells whether they cancelled each other.

    name: the file's, for errors. channel: the one that is heard, from 1; None for the mean of all.
    """

    def __init__(self, name: str, channel: int | None) -> None:
        self._name, self._channel = name, channel
        self._mixed_power = self._expected_power = 0.0
        self.mixed = False
        """Whether there was anything to mix."""

    def mono(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """The block's one channel, shape [n], of a block of the shape [n, channels]; raises AudioError."""
        channels = block.shape[1]
        if self._channel is not None:
            if self._channel > channels:
                there = "is one channel" if channels == 1 else f"are {channels} channels"
                raise AudioError(
                    "no_channel",
                    f"{self._name}: channel {self._channel} was asked for, and there {there}; mend dataset.channel "
                    "or the manifest's column `channel`",
                )
            return np.ascontiguousarray(block[:, self._channel - 1])
        if channels == 1:
            return block[:, 0]
        # FFmpeg's float down-mix is louder than this mean by the square root of two.
        weights = np.full(channels, 1.0 / channels, dtype=np.float32)
        mono: NDArray[np.float32] = block @ weights
        self.mixed = True
        self._mixed_power += _power(mono)
        self._expected_power += _power(block.reshape(-1)) / channels**2
        return mono

    def judge(self) -> str | None:
        """Once all is mixed: `cancelling` where much was lost; raises AudioError where next to nothing is left."""
        if not 0 < self._expected_power < math.inf or self._mixed_power >= _CANCELLING * self._expected_power:
            return None
        if self._mixed_power >= _CANCELLED * self._expected_power:
            return "cancelling"
        raise AudioError(
            "cancelling",
            f"{self._name}: its channels cancel each other when they are mixed, since they hold the same sound "
            "with opposite signs; choose one of them, dataset.channel=left",
        )


def _power(values: NDArray[Any]) -> float:
    return float(np.dot(values, values))
