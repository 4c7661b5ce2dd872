"""What a user pays: amounts by hand, and prices that can't be."""

from __future__ import annotations

import pytest

from sv_eval.errors import ConfigError
from sv_eval.scoring.config import scoring_config_from
from sv_eval.scoring.prices import Prices


def prices(**given: float) -> Prices:
    return Prices(currency="EUR", date="2026-11-01", **given)


def test_tokens_of_sound_and_those_known_from_before_have_prices_of_their_own() -> None:
    tokens = {"input": 1000.0, "audio": 600.0, "cached": 100.0, "output": 50.0}

    assert prices(input_text=1.0).amount(tokens, audio_s=0, requests=1) == pytest.approx(1e-3)
    assert prices(input_text=1.0, input_audio=10.0).amount(tokens, audio_s=0, requests=1) == pytest.approx(6.4e-3)
    every = prices(input_text=1.0, input_audio=10.0, input_cached=0.5, output=20.0)
    assert every.amount(tokens, audio_s=0, requests=1) == pytest.approx((300 + 6000 + 50 + 1000) / 1e6)


def test_minutes_and_requests_count_without_tokens() -> None:
    assert prices(audio_minute=0.06, request=0.01).amount({}, audio_s=90.0, requests=3) == pytest.approx(0.12)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({}, "no price"),
        ({"output": -1.0}, "output"),
        ({"input_audio": 3.0}, "input_text"),
        ({"input_text": float("inf")}, "input_text"),
    ],
)
def test_prices_that_can_not_be_are_refused(given: dict[str, float], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        prices(**given)


def test_prices_without_a_date_are_refused() -> None:
    with pytest.raises(ConfigError, match="date"):
        scoring_config_from({"prices": {"currency": "EUR", "output": 1.0}})
