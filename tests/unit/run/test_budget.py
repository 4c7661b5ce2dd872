from __future__ import annotations

import pytest

from sv_eval.errors import ConfigError
from sv_eval.run.budget import FailureBudget


def counted(limit: float, outcomes: str) -> FailureBudget:
    budget = FailureBudget(limit)
    for outcome in outcomes:
        budget.count(("truncated", "a.wav was cut short") if outcome == "f" else None)
    return budget


def test_a_share_is_not_judged_by_the_first_clips() -> None:
    assert not counted(0.2, "fff").spent()
    assert counted(0.2, "fff").spent(at_end=True)


def test_a_share_is_judged_from_twenty_clips_on() -> None:
    assert counted(0.2, "f" * 5 + "." * 15).spent()
    assert not counted(0.2, "f" * 4 + "." * 16).spent()


def test_a_count_is_judged_at_once() -> None:
    assert not counted(2, "ff").spent()
    assert counted(2, "fff").spent()
    assert counted(0, "f").spent()


@pytest.mark.parametrize("limit", [-1, 1.5])
def test_a_limit_that_is_neither_share_nor_count_is_refused(limit: float) -> None:
    with pytest.raises(ConfigError, match="max_failures"):
        FailureBudget(limit)


def test_a_spent_budget_says_why() -> None:
    budget = counted(2, "..ff")
    budget.count(("timeout", "no answer\nafter 5 s \x1b[31m"))
    for kind in ("a", "b", "c"):
        budget.count((kind, "x"))

    assert str(budget) == (
        "6 of 8 clips failed, run.max_failures=2; why: 2 truncated, 1 timeout, 1 a and 2 more kinds; "
        "the first truncated: a.wav was cut short"
    )
    assert str(counted(2, "..")) == "0 of 2 clips failed, run.max_failures=2"


def test_a_message_from_outside_does_nothing_to_a_terminal() -> None:
    budget = FailureBudget(0)
    budget.count(("timeout", "no answer\nafter 5 s \x1b[31m" + "x" * 1000))

    assert "no answer after 5 s \\x1b[31mxxx" in str(budget)
    assert len(str(budget)) < 500
