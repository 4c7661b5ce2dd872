"""Plain data into dataclasses, and numbers that are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict, Unpack

import pytest

from sv_eval.config.structure import check_scalars, structure
from sv_eval.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Numbers:
    one: float = 1.0
    maybe: float | None = None
    many: tuple[float, ...] = ()


class Built:
    def __init__(
        self,
        *,
        one: float = 1.0,
        maybe: float | None = None,
        names: Sequence[str] = (),
        by: Mapping[str, float] = {},
    ) -> None:
        pass


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan"), 10**400])
@pytest.mark.parametrize("key", ["one", "maybe", "many"])
def test_numbers_without_a_finite_value_are_refused(key, value):
    with pytest.raises(ConfigError, match=rf"run: {key}.* is .*; give a finite number \(a large one, such as 1e9"):
        structure(Numbers, {key: [value] if key == "many" else value}, "run", ConfigError)


@pytest.mark.parametrize("key", ["one", "maybe"])
def test_a_backends_numbers_are_held_to_the_same(key):
    with pytest.raises(ConfigError, match=f"backend: {key} is inf; give a finite number"):
        check_scalars(Built, {key: float("inf")}, "backend", ConfigError)


def test_richer_settings_are_left_to_the_backend():
    check_scalars(Built, {"maybe": None, "one": 2, "names": ["a"], "by": {"a": 1}}, "backend", ConfigError)


def test_whole_numbers_are_numbers_and_switches_are_not():
    assert structure(Numbers, {"one": 3}, "run", ConfigError).one == 3.0
    with pytest.raises(ConfigError, match="one should be a number, not True"):
        structure(Numbers, {"one": True}, "run", ConfigError)


class Gathered(TypedDict, total=False):
    share: float
    names: list[str]


class Gathers:
    def __init__(self, *, one: int = 1, **rest: Unpack[Gathered]) -> None:
        self.all = (one, rest)


def test_gathered_settings_are_held_to_their_types_and_names():
    check_scalars(Gathers, {"_target_": "x", "one": 2, "share": 0.5, "names": 3}, "backend", ConfigError)
    with pytest.raises(ConfigError, match="backend: share should be a number, not 'much'"):
        check_scalars(Gathers, {"share": "much"}, "backend", ConfigError)
    with pytest.raises(ConfigError, match=r"backend\.shere is not a setting; did you mean share\?"):
        check_scalars(Gathers, {"shere": 0.5}, "backend", ConfigError)
