"""A room: the sound as it is heard at a distance, by impulse responses of the image method.

Allen and Berkley (1979), Image method for efficiently simulating small-room acoustics, as pyroomacoustics has it.
The walls' absorption is not taken from Sabine's formula, which misses what is made by a tenth and more, but set so
that the response itself decays by 60 dB in the time that was asked for (Schroeder 1965, New method of measuring
reverberation time).
"""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.data.audio.measuring import speech_power
from sv_eval.data.conditions.step import Around, Float32
from sv_eval.errors import ConfigError
from sv_eval.records import SAMPLE_RATE_HZ

Floats = NDArray[np.float64]

_SOUND_M_PER_S = 343.0
_EDGES_M = (6.0, 5.0, 3.0)
"""A room of 0.6 s; the edges of others grow with the root of their time."""
_USUAL_S, _SMALLEST = 0.6, 0.85
_FROM_WALLS_M = 0.5
_SLACK_M = 0.05
"""Beyond that half metre, so that a distance as long as the room is found, too."""
_HEAD_M = (1.2, 1.7)
_TRACED = 0.8
"""Images are followed for this share of the time: 48 dB down."""
_NEAR_ENOUGH = 0.01
_MOST_TRIES = 8
_MAKING = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The sound in a room, at a distance from the mouth."""

    rt60_s: float = 0.6
    """The time in which the sound decays by 60 dB, seconds."""
    distance_m: float = 2.0
    """From mouth to microphone, metres."""
    placements: int = 4
    """In how many places of the room, of which each clip has one; 1: every clip in the same place."""
    length_m: float | None = None
    """The room's length, metres; None for a size that suits the time, and so for width and height."""
    width_m: float | None = None
    """Its width, metres."""
    height_m: float | None = None
    """Its height, metres."""
    _edges_m: tuple[float, float, float] = field(init=False, metadata={"key": None})

    def __post_init__(self) -> None:
        if not 0.1 <= self.rt60_s <= 3 or not 1 <= self.placements <= 64:
            raise ConfigError("condition: room's rt60_s is 0.1 to 3 seconds and placements 1 to 64")
        given = (self.length_m, self.width_m, self.height_m)
        scale = max(_SMALLEST, math.sqrt(self.rt60_s / _USUAL_S))
        usual = [edge * scale for edge in _EDGES_M]
        edges = [own if asked is None else asked for asked, own in zip(given, usual, strict=True)]
        if not all(2 <= edge <= 50 for edge in edges):
            raise ConfigError("condition: room's length_m, width_m and height_m are 2 to 50 metres")
        most = max(edges[:2]) - 2 * _FROM_WALLS_M
        if not 0.1 <= self.distance_m <= most:
            raise ConfigError(
                f"condition: room's distance_m={self.distance_m:g} does not fit into a room of "
                f"{edges[0]:.1f} x {edges[1]:.1f} m: 0.1 to {most:.1f}, or a larger length_m"
            )
        object.__setattr__(self, "_edges_m", tuple(edges))
        _simulator()

    def __call__(self, samples: Float32, around: Around) -> Float32:
        """The sound at the microphone, as long and as loud as before, its direct path where it was."""
        from scipy.signal import fftconvolve

        response = self.response(int(around.rng.integers(self.placements)))
        heard = fftconvolve(samples.astype(np.float64), response.samples)
        heard = heard[response.direct : response.direct + len(samples)]
        before, after = speech_power(samples), speech_power(heard.astype(np.float32))
        gain = math.sqrt(before / after) if before > 0 and after > 0 else 1.0
        return np.asarray(gain * heard, dtype=np.float32)

    def response(self, placement: int) -> Response:
        """The impulse response in one of the places, from 0 on; the same on every machine."""
        with _MAKING:
            return _response(self._edges_m, self.rt60_s, self.distance_m, placement)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Response:
    """An impulse response at 16 kHz."""

    samples: Floats
    """What is heard of an impulse."""
    direct: int
    """The sample at which the direct path arrives."""


def decay_s(response: Floats) -> float:
    """The time in which an impulse response at 16 kHz decays by 60 dB, from its decay between -5 and -35 dB (T30).

    Schroeder's backward integration and a line of least squares (ISO 3382-1). NaN where it does not decay so far.
    """
    left = np.cumsum(response[::-1] ** 2)[::-1]
    level = 10 * np.log10(np.maximum(left / left[0], 1e-30))
    begin, end = int(np.argmax(level < -5)), int(np.argmax(level < -35))
    if end - begin < 2:
        return math.nan
    slope = np.polyfit(np.arange(begin, end) / SAMPLE_RATE_HZ, level[begin:end], 1)[0]
    return float(-60 / slope)


@functools.lru_cache(maxsize=256)
def _response(edges_m: tuple[float, float, float], rt60_s: float, distance_m: float, placement: int) -> Response:
    mouth, microphone = _places(edges_m, distance_m, placement)
    return _simulated(edges_m, _absorption(edges_m, rt60_s), rt60_s, mouth, microphone)


@functools.lru_cache(maxsize=64)
def _absorption(edges_m: tuple[float, float, float], rt60_s: float) -> float:
    """The share of the energy that the walls must swallow for this time, found in the first place of the room.

    By Norris and Eyring the time goes as 1 / -log(1 - absorption), which makes a step that finds it in a few.
    """
    mouth, microphone = _places(edges_m, min(1.0, max(edges_m[:2]) - 2 * _FROM_WALLS_M), 0)
    length, width, height = edges_m
    volume, surface = length * width * height, 2 * (length * width + length * height + width * height)
    exponent = 24 * math.log(10) / _SOUND_M_PER_S * volume / (surface * rt60_s)
    for _ in range(_MOST_TRIES):
        response = _simulated(edges_m, 1 - math.exp(-exponent), rt60_s, mouth, microphone)
        found = decay_s(response.samples)
        if math.isnan(found) or exponent > 10:
            break
        if abs(found / rt60_s - 1) <= _NEAR_ENOUGH:
            return 1 - math.exp(-exponent)
        exponent *= found / rt60_s
    raise ConfigError(
        f"condition: no walls give a room of {length:.1f} x {width:.1f} x {height:.1f} m an rt60_s of {rt60_s:g}; "
        "give a larger room for a longer time, or a smaller one for a shorter"
    )


def _places(edges_m: Sequence[float], distance_m: float, placement: int) -> tuple[list[float], list[float]]:
    """Mouth and microphone, at the height of heads, half a metre from the walls, whole samples apart."""
    rng = np.random.default_rng(placement)
    apart_m = max(1, round(distance_m / _SOUND_M_PER_S * SAMPLE_RATE_HZ)) * _SOUND_M_PER_S / SAMPLE_RATE_HZ
    room = np.array(edges_m[:2])
    height = float(np.clip(rng.uniform(*_HEAD_M), 0.3, edges_m[2] - 0.3))
    free = room - 2 * _FROM_WALLS_M
    while True:
        angle = rng.uniform(0, 2 * np.pi)
        step = apart_m * np.array([math.cos(angle), math.sin(angle)])
        if (np.abs(step) <= free + _SLACK_M).all():
            break
    low = _FROM_WALLS_M + np.maximum(-step, 0)
    begin = low + rng.uniform(size=2) * np.maximum(free - np.abs(step), 0)
    return [*begin.tolist(), height], [*(begin + step).tolist(), height]


def _simulated(
    edges_m: Sequence[float], absorption: float, rt60_s: float, mouth: Sequence[float], microphone: Sequence[float]
) -> Response:
    simulator = _simulator()
    order = math.ceil(_SOUND_M_PER_S * _TRACED * rt60_s * math.sqrt(sum(edge**-2 for edge in edges_m)))
    # Sums of another number of threads differ in their last bits.
    simulator.constants.set("num_threads", 1)
    simulator.constants.set("c", _SOUND_M_PER_S)
    room = simulator.ShoeBox(
        list(edges_m), fs=SAMPLE_RATE_HZ, materials=simulator.Material(absorption), max_order=order
    )
    room.add_source(list(mouth))
    room.add_microphone(list(microphone))
    room.compute_rir()
    samples = np.asarray(room.rir[0][0], dtype=np.float64)
    travelled = math.dist(mouth, microphone) / _SOUND_M_PER_S * SAMPLE_RATE_HZ
    return Response(samples=samples, direct=round(travelled) + simulator.constants.get("frac_delay_length") // 2)


def _simulator() -> Any:
    try:
        import pyroomacoustics
    except ImportError as error:
        raise ConfigError(
            f"condition: room needs pyroomacoustics ({error}): pip install 'sv-eval[rooms]'"
        ) from error
    return pyroomacoustics
