"""How loud each frame is: where to cut when no detector says where speech is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

FRAME = 320
"""Samples in a frame: 20 ms."""


def loudness(samples: Float32) -> Float32:
    """Mean power of each frame of FRAME samples, shape [ceil(n / FRAME)]; the last frame may be shorter."""
    count = -(-len(samples) // FRAME)
    squares = np.zeros(count * FRAME, np.float32)
    np.square(samples, out=squares[: len(samples)])
    sizes = np.full(count, FRAME, np.float32)
    if count:
        sizes[-1] = len(samples) - (count - 1) * FRAME
    power: Float32 = squares.reshape(count, FRAME).sum(axis=1) / sizes
    return power
