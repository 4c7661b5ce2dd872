"""A packed column of texts is the sequence of texts that it was made of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sv_eval.record_file.texts import Texts, places_in, sorted_places

# With surrogates, which names of files that are not UTF-8 have, with NUL, and with letters of one byte to four.
TEXT = st.text(alphabet=st.one_of(st.sampled_from("ab\0é中😀\udc80\ue000\uffff"), st.characters()), max_size=5)
VALUES = st.lists(st.one_of(st.none(), TEXT), max_size=30)


@given(VALUES)
def test_it_holds_what_it_was_given(values: list[str | None]) -> None:
    found = Texts.of(values)

    assert list(found) == values
    assert len(found) == len(values)
    assert [found[place] for place in range(-len(values), len(values))] == values + values
    assert found == values == found
    assert found == tuple(values)
    assert found == Texts.of(tuple(values))
    assert found.lacking.tolist() == [value is None for value in values]
    assert found.filled.tolist() == [bool(value) for value in values]
    assert list(found[1::2]) == values[1::2]
    assert list(reversed(found)) == values[::-1]


@given(VALUES, VALUES)
def test_it_equals_what_holds_the_same(one: list[str | None], other: list[str | None]) -> None:
    assert (Texts.of(one) == Texts.of(other)) is (one == other)
    assert (Texts.of(one) == other) is (one == other)


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_joined_they_stand_behind_one_another(parts: list[list[str | None]]) -> None:
    assert Texts.joined([Texts.of(part) for part in parts]) == [value for part in parts for value in part]


@given(st.data(), VALUES.filter(len))
def test_some_of_it_are_those(data: st.DataObject, values: list[str | None]) -> None:
    places = data.draw(st.lists(st.integers(0, len(values) - 1), max_size=40))

    assert Texts.of(values).at(places) == [values[place] for place in places]


@given(st.lists(TEXT, max_size=30))
def test_it_sorts_as_python_does(values: list[str]) -> None:
    assert sorted_places(Texts.of(values)).tolist() == sorted(range(len(values)), key=values.__getitem__)


@given(st.sets(TEXT, max_size=20), st.lists(TEXT, max_size=20))
def test_places_are_found_in_any_order(known: set[str], asked: list[str]) -> None:
    texts = Texts.of(sorted(known))
    wanted = [sorted(known).index(one) if one in known else -1 for one in asked]

    assert places_in(texts, asked).tolist() == wanted
    ascending = sorted(asked)
    assert places_in(texts, ascending).tolist() == [
        sorted(known).index(one) if one in known else -1 for one in ascending
    ]


def test_many_are_gone_through_as_one() -> None:
    values = [f"sim_{number:06d}" if number % 5 else None for number in range(200_000)]
    values[70_000] = "ü"
    found = Texts.of(values)

    assert list(found) == values
    assert found.at(range(199_999, -1, -7)) == values[::-7]


def test_many_in_disorder_are_sorted() -> None:
    values = [str(number * 7919 % 200_003) for number in range(150_000)]

    assert sorted_places(Texts.of(values)).tolist() == sorted(range(len(values)), key=values.__getitem__)


def test_a_column_without_any_text_takes_no_room_however_long() -> None:
    found = Texts.joined([Texts.of([None] * 50_000) for _ in range(3)])

    assert len(found) == 150_000
    assert found[149_999] is None
    assert found.lacking.strides == (0,)
    assert found.at([3, 5]) == [None, None]


def test_what_is_no_text_is_refused() -> None:
    values: list[Any] = ["a", 3]

    with pytest.raises(TypeError, match="texts, or None"):
        Texts.of(values)


def test_a_place_beyond_the_end_is_an_error() -> None:
    with pytest.raises(IndexError, match="place 2 of 2"):
        Texts.of(["a", "b"])[2]


def test_a_text_is_not_the_column_of_its_letters() -> None:
    assert Texts.of(["a", "b"]) != "ab"
