"""What a user pays a service: prices by token, minute or request."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sv_eval.errors import ConfigError

_AMOUNTS = ("input_text", "input_audio", "input_cached", "output", "audio_minute", "request")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What `scoring.prices` holds. Nothing is known here of what anybody charges: all of it is the user's word."""

    currency: str
    """E.g. `USD`."""
    date: str
    """Of when they are, e.g. `2026-11-01`; figures without it would be believed for years."""
    input_text: float | None = None
    """A million tokens that are put in, those of sound and those known from before apart."""
    input_audio: float | None = None
    """A million tokens of sound; None: as `input_text`."""
    input_cached: float | None = None
    """A million tokens that had been put in before; None: as `input_text`."""
    output: float | None = None
    """A million tokens of answers."""
    audio_minute: float | None = None
    """A minute of sound."""
    request: float | None = None
    """A request."""

    def __post_init__(self) -> None:
        given = {name: getattr(self, name) for name in _AMOUNTS if getattr(self, name) is not None}
        if not given:
            raise ConfigError(f"scoring.prices: no price is given; give some of {', '.join(_AMOUNTS)}")
        for name, amount in given.items():
            if not 0 <= amount < math.inf:
                raise ConfigError(f"scoring.prices.{name}={amount}: give an amount of 0 or more")
        if not self.currency.strip() or not self.date.strip():
            raise ConfigError("scoring.prices: give their currency and the date that they are of")
        if (self.input_audio is not None or self.input_cached is not None) and self.input_text is None:
            raise ConfigError("scoring.prices: input_audio and input_cached stand beside input_text; give it, too")

    @property
    def by_token(self) -> bool:
        """Whether any price is of tokens."""
        return self.input_text is not None or self.output is not None

    def amount(self, tokens: Mapping[str, float], *, audio_s: float, requests: int) -> float:
        """What requests cost that took so much together; tokens by `records.TOKENS`.

        >>> prices = Prices(currency="USD", date="2026-11-01", input_text=1.0, input_audio=10.0, output=4.0)
        >>> prices.amount({"input": 1_000_000, "audio": 200_000, "output": 50_000}, audio_s=0, requests=1)
        3.0
        """
        audio, cached = tokens.get("audio", 0.0), tokens.get("cached", 0.0)
        text = tokens.get("input", 0.0)
        found = 0.0
        if self.input_text is not None:
            if self.input_audio is not None:
                found += audio * self.input_audio
                text -= audio
            if self.input_cached is not None:
                found += cached * self.input_cached
                text -= cached
            found += max(0.0, text) * self.input_text
        found += tokens.get("output", 0.0) * (self.output or 0.0)
        return found / 1e6 + audio_s / 60 * (self.audio_minute or 0.0) + requests * (self.request or 0.0)
