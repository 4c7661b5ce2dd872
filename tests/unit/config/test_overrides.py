"""Values on the command line: whatever a shell hands over arrives as it was meant."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import example, given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from sv_eval.config.overrides import quoted, teach_omegaconf, typed
from sv_eval.errors import UsageError


def read(*words: str) -> Any:
    """What Hydra and OmegaConf make of the words, once they are quoted."""
    teach_omegaconf()
    (word,) = quoted(words)
    value = OverridesParser.create().parse_override(word).value()
    return OmegaConf.to_container(OmegaConf.create({"value": value}), resolve=True)["value"]  # type: ignore[index, call-overload]


@pytest.mark.parametrize(
    "value",
    [
        "$.choices[0].message.content", "d/ep=3,lr=0.1", "/data/语音", 'a"b', "it's", "C:\\t", "http://h/p?a=b&c=d",
        "(a)", "#x", "a;b", "`x`", "<x>", "~/x", "é", "'a", '"a', "a|b", "%20",
    ],
)  # fmt: skip
def test_a_value_is_itself(value: str) -> None:
    assert read(f"key={value}") == value


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("{高兴。: happy}", {"高兴。": "happy"}),
        ('{a: 1, "b c": [x, y]}', {"a": 1, "b c": ["x", "y"]}),
        ("[生气, x]", ["生气", "x"]),
        ("[1, 2.5, null, true, x]", [1, 2.5, None, True, "x"]),
        ("{a: {语: 1}}", {"a": {"语": 1}}),
        ("null", None),
        ("3", 3),
    ],
)
def test_lists_and_mappings_hold_any_letters(value: str, meant: object) -> None:
    assert read(f"key={value}") == meant


def test_mappings_of_one_setting_are_merged_as_hydra_does() -> None:
    assert read("+key={高: a}", "+key={b: c}", "key={é: d}") == {"高": "a", "b": "c", "é": "d"}


def test_values_of_a_sweep_are_looked_at_one_by_one() -> None:
    assert quoted(["-m", "url=http://a?x=1,http://b?y=2", "n=1,2"])[1:] == [
        'url="http://a?x=1","http://b?y=2"',
        "n=1,2",
    ]


def test_flags_and_their_values_are_left_alone() -> None:
    words = ["--config-dir", "a b=c", "-m", "~key"]

    assert quoted(words) == words


@pytest.mark.parametrize("word", ["key", "key=[1,", "key={a: }}", "=3", "a b=[", "--nonsense", "-x"])
def test_what_can_not_be_read_is_named(word: str) -> None:
    with pytest.raises(UsageError, match=r"'.*'"):
        quoted([word])


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(
    st.recursive(
        ANY_TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, min_size=1, max_size=3),
    )
)
@example({"${x}": "a\\b\n"})
@example("\x7f")
@example({"true": "null", "01": "1e5"})
def test_what_is_printed_to_be_typed_means_what_it_says(value: object) -> None:
    (word,) = shlex.split(typed("key", value))

    assert read(word) == value
