from __future__ import annotations

import pytest

from sv_eval.errors import ConfigError
from sv_eval.run.budget import FailureBudget


def counted(limit: float, outcomes: str) -> FailureBudget:
    budget = FailureBudget(limit)
    for outcome in outcomes:
        budget.count(failed=outcome == "f")
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
