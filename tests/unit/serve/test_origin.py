"""Pages that call from a browser."""

from __future__ import annotations

import pytest

from sv_eval.serve.origin import Origins
from sv_eval.wire.problems import ServiceError


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "a"},
        {"host": "a:8000", "origin": "http://a:8000"},
        {"host": "a", "origin": "https://A"},
        {"host": "a:443", "origin": "https://a"},
        {"host": "[::1]:8000", "origin": "http://[::1]:8000"},
        {"host": "inside:8000", "origin": "https://a", "sec-fetch-site": "same-origin"},
        {"host": "inside", "origin": "https://named.example"},
    ],
)
def test_programs_own_pages_and_named_ones_may_call(headers: dict[str, str]) -> None:
    Origins.of(["https://named.example/"]).check(headers.get)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "a", "origin": "http://b"},
        {"host": "a:8000", "origin": "http://a:9000"},
        {"host": "a:8000", "origin": "http://a"},
        {"host": "a", "origin": "null"},
        {"host": "a", "origin": "http://a@b"},
        {"host": "a", "origin": "file://"},
        {"host": "a", "origin": "http://["},
        {"host": "a:x", "origin": "http://a:x"},
        {"origin": "http://a"},
        {"host": "a", "origin": "http://b", "sec-fetch-site": "cross-site"},
    ],
)
def test_pages_from_elsewhere_may_not(headers: dict[str, str]) -> None:
    with pytest.raises(ServiceError) as caught:
        Origins.of([]).check(headers.get)
    assert caught.value.code.word == "foreign_origin"


def test_a_star_lets_every_page_in() -> None:
    Origins.of(["*"]).check({"origin": "null"}.get)
