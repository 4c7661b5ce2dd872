"""Keys and rates."""

from __future__ import annotations

from pathlib import Path

import pytest

from sv_eval.errors import ConfigError
from sv_eval.serve.access import KEYS_VARIABLE, Keyring, RateLimiter, key_in, read_keys
from sv_eval.wire.problems import ServiceError


def test_a_key_opens_and_anything_else_does_not() -> None:
    ring = Keyring(["right", "other"])
    assert ring.holder("right") is not None
    assert ring.holder("right") != ring.holder("other")
    assert ring.holder("wrong") is None
    assert ring.holder("") is None
    assert ring.holder(None) is None
    assert not Keyring([])


def test_keys_are_read_from_file_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEYS_VARIABLE, "a, b,,")
    assert read_keys(None) == ("a", "b")
    file = tmp_path / "keys"
    file.write_text("# for the web site\nc\n\n d \n")
    assert read_keys(str(file)) == ("a", "b", "c", "d")


def test_a_file_without_keys_is_refused_since_it_would_open_the_service_to_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEYS_VARIABLE, raising=False)
    file = tmp_path / "keys"
    file.write_text("\n# nothing\n")
    with pytest.raises(ConfigError, match="holds no key"):
        read_keys(str(file))
    with pytest.raises(ConfigError, match="can't be read"):
        read_keys(str(tmp_path / "absent"))


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"authorization": "Bearer abc"}, "abc"),
        ({"authorization": "bearer abc"}, "abc"),
        ({"x-api-key": "abc"}, "abc"),
        ({"authorization": "Basic abc"}, None),
        ({"authorization": "Bearer"}, None),
        ({}, None),
    ],
)
def test_where_a_key_is_looked_for(headers: dict[str, str], key: str | None) -> None:
    assert key_in(headers.get) == key


def test_a_burst_passes_and_then_the_rate_counts() -> None:
    now = [0.0]
    limiter = RateLimiter(2.0, 3, now=lambda: now[0])
    for _ in range(3):
        limiter.take("a")
    with pytest.raises(ServiceError) as caught:
        limiter.take("a")
    assert caught.value.code.word == "rate_limited"
    assert caught.value.retry_after_s == 1
    limiter.take("b")
    now[0] = 0.5
    limiter.take("a")
    with pytest.raises(ServiceError):
        limiter.take("a")


def test_being_refused_does_not_push_the_next_token_away() -> None:
    now = [0.0]
    limiter = RateLimiter(1.0, 1, now=lambda: now[0])
    limiter.take("a")
    for tenth in range(1, 10):
        now[0] = tenth / 10
        with pytest.raises(ServiceError):
            limiter.take("a")
    now[0] = 1.001
    limiter.take("a")


def test_callers_that_are_long_gone_are_forgotten() -> None:
    now = [0.0]
    limiter = RateLimiter(1.0, 1, now=lambda: now[0])
    for number in range(25_000):
        now[0] += 0.001
        limiter.take(str(number))
    assert len(limiter._buckets) <= 10_000
