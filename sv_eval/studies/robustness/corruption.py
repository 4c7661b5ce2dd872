"""Which conditions are levels of one corruption, and in which order they hurt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CHAIN = "chain"
_SIGNED = {
    "level": ("gain_db", 0.0, "louder", "softer"),
    "speed": ("factor", 1.0, "faster", "slower"),
    "pitch": ("semitones", 0.0, "higher", "lower"),
}
"""Kinds whose two directions are two corruptions: the setting, where nothing changes, and the directions' names."""
_PLAIN = {
    "clipping": "share", "band": "high_hz", "dc": "offset", "rate_header": "rate_hz",
}  # fmt: skip
"""Kinds with one setting that says how much."""
FALLING = frozenset({"snr_db", "bit_rate", "high_hz", "rate_hz"})
"""Settings of which less is worse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corruption:
    """What a condition is a level of."""

    name: str
    """The corruption's."""
    axis: str | None = None
    """The setting that tells its levels apart; None where none does."""
    level: float | None = None
    """That setting's value."""


def corruption_of(condition: Mapping[str, Any]) -> Corruption:
    """The corruption that a condition's settings make: noise by its colour, lines by their codec, and so on.

    >>> corruption_of({"steps": {"noise": {"color": "pink", "snr_db": 10.0}}})
    Corruption(name='noise_pink', axis='snr_db', level=10.0)
    """
    steps = [(str(each.get("kind", name)), dict(each)) for name, each in (condition.get("steps") or {}).items()]
    if len(steps) != 1:
        return Corruption(name=CHAIN)
    ((kind, settings),) = steps
    if kind == "noise":
        color = settings.get("color", "white")
        return Corruption(name=f"noise_{color}", axis="snr_db", level=_of(settings, "snr_db"))
    if kind == "telephone":
        return _line(settings)
    if kind == "room":
        return Corruption(
            name=f"room_{_of(settings, 'distance_m') or 0:g}m", axis="rt60_s", level=_of(settings, "rt60_s")
        )
    if kind == "padding":
        both = (_of(settings, "lead_s") or 0.0) + (_of(settings, "tail_s") or 0.0)
        return Corruption(name=kind, axis="silence_s", level=both)
    if kind in _SIGNED:
        axis, neutral, above, below = _SIGNED[kind]
        level = _of(settings, axis)
        side = kind if level is None else above if level > neutral else below
        return Corruption(name=side, axis=axis, level=level)
    axis_of_kind = _PLAIN.get(kind)
    level = None if axis_of_kind is None else _of(settings, axis_of_kind)
    return Corruption(name=kind, axis=None if level is None else axis_of_kind, level=level)


def severity(axis: str, level: float) -> float:
    """A number that is larger the more a level of this setting hurts."""
    if axis in FALLING:
        return -level
    neutral = next((neutral for name, neutral, *_ in _SIGNED.values() if name == axis), 0.0)
    return abs(level - neutral)


def _line(settings: Mapping[str, Any]) -> Corruption:
    loss, codec = _of(settings, "loss"), str(settings.get("codec", "mulaw"))
    if loss:
        concealed = "" if settings.get("conceal", "repeat") == "repeat" else "_unconcealed"
        return Corruption(name=f"packet_loss{concealed}", axis="loss", level=loss)
    bit_rate = _of(settings, "bit_rate")
    return Corruption(name=f"line_{codec}", axis=None if bit_rate is None else "bit_rate", level=bit_rate)


def _of(settings: Mapping[str, Any], key: str) -> float | None:
    value = settings.get(key)
    return float(value) if isinstance(value, int | float) else None
