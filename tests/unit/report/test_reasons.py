"""Reasons are read back from their own words, one or several, and nothing else is made of other words."""

from __future__ import annotations

import pickle
from itertools import product
from string import Formatter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sv_eval.report.reasons import TEMPLATES, Coded, Why

VALUES: dict[str, tuple[Any, ...]] = {
    "n": (0, 40, 12_345),
    "worth": (21, 129),
    "clips": (20, 60),
    "needed": (11, 130, 6636),
    "label": ("happy", "pleasant_surprise", "no_agreement"),
    "labels": (("angry",), ("angry", "happy"), ("neutral", "calm", "pleasant_surprise")),
    "unit": ("speaker", "clip"),
    "share": ("12%", "100%"),
    "value": ("1", "0", "0.333333"),
    "side": ("labelled", "unlabelled"),
    "condition": ("12.5", "1e+16"),
    "most": ("100",),
    "dimension": ("arousal", "dominance"),
    "text": ("what another version wrote", "n too small"),
}
"""What the templates are filled with."""


def reasons_of(code: str) -> list[Why]:
    names = [name for _, name, _, _ in Formatter().parse(TEMPLATES[code]) if name]
    return [
        Why.of(code, **dict(zip(names, chosen, strict=True)))
        for chosen in product(*(VALUES[name] for name in names))
    ]


KNOWN = [code for code in TEMPLATES if code != "said"]
FIRSTS = [reasons_of(code)[-1] for code in KNOWN]


def joined(*several: Why) -> Why:
    return Why(reason for one in several for reason in one.reasons)


@pytest.mark.parametrize("code", TEMPLATES)
def test_every_reason_is_read_back_from_its_words(code: str) -> None:
    for why in reasons_of(code):
        assert Why.read(str(why)) == why
        assert Why.read(str(why)).codes == (code,)


@pytest.mark.parametrize("first", FIRSTS, ids=KNOWN)
def test_two_reasons_are_read_back_as_two(first: Why) -> None:
    for second in FIRSTS:
        both = joined(first, second)

        assert Why.read(str(both)) == both
        assert Why.read(str(both)).reasons == (*first.reasons, *second.reasons)


@given(st.lists(st.sampled_from([why for code in KNOWN for why in reasons_of(code)]), min_size=1, max_size=4))
def test_any_number_of_reasons_is_read_back(several: list[Why]) -> None:
    found = joined(*several)

    assert Why.read(str(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        "the moon was full",
        "n too small",
        "n too small: many of 130",
        "no clean records",
        "No clean record",
        "no clean record; the moon was full",
        "the moon was full; no clean record",
        "no clean record, or so it is said",
        "; ",
        "no clean record; ",
        "no clean record\n",
        "n too small: 040 of 130",
        "n too small: \u0664\u0660 of 130",
        "",
        "{n} of {needed}",
    ],
)
def test_words_that_nobody_knows_stay_what_they_are(text: str) -> None:
    found = Why.read(text)

    assert found.reasons == (Coded("said", text=text),)
    assert str(found) == text


@given(st.text())
def test_any_text_says_the_same_when_it_was_read(text: str) -> None:
    assert str(Why.read(text)) == text


def test_a_code_or_value_without_words_is_refused() -> None:
    with pytest.raises(KeyError):
        Why.of("no_such_code")
    with pytest.raises(KeyError):
        Why.of("too_few", n=3)


@pytest.mark.parametrize(
    ("thing", "name"),
    [(Why.of("too_few", n=40, needed=130), "reasons"), (Coded("few_clips", emotions=["sad"]), "code")],
)
def test_what_was_said_stays_as_it_is(thing: Why | Coded, name: str) -> None:
    before = repr(thing)

    with pytest.raises(AttributeError, match=name):
        setattr(thing, name, ())
    with pytest.raises(AttributeError):
        thing.more = 1  # type: ignore[union-attr]

    assert repr(thing) == before


def test_values_of_what_was_said_stay_as_they_are() -> None:
    given = {"n": 40, "needed": 130}
    said = Coded("too_few", given)

    given["n"] = 41
    with pytest.raises(TypeError):
        said.values["n"] = 42  # type: ignore[index]

    assert said == Coded("too_few", n=40, needed=130)


@pytest.mark.parametrize("code", TEMPLATES)
def test_equal_reasons_are_one_in_a_set_and_after_pickling(code: str) -> None:
    for why in reasons_of(code):
        again = Why.read(str(why))
        assert len({why, again}) == 1
        assert hash(why) == hash(again)
        assert len({*why.reasons, *again.reasons}) == 1
        assert pickle.loads(pickle.dumps(why)) == why
        assert pickle.loads(pickle.dumps(why.reasons[0])) == why.reasons[0]
        assert str(pickle.loads(pickle.dumps(why))) == str(why)


def test_other_codes_and_values_are_other_reasons() -> None:
    one = Why.of("too_few", n=40, needed=130)

    assert one != Why.of("too_few", n=41, needed=130)
    assert one != Why.of("too_few_calls", n=40, needed=130)
    assert one != str(one)
    assert Coded("too_few", n=40, needed=130) != one
