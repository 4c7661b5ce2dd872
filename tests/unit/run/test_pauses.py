"""The garbage collector while something is measured."""

from __future__ import annotations

import gc

import pytest

from sv_eval.run.pauses import short_collections


def test_what_was_there_is_left_alone_and_given_back() -> None:
    before = gc.get_freeze_count()

    with short_collections():
        assert gc.get_freeze_count() > before + 1000
        assert gc.isenabled()

    assert gc.get_freeze_count() == 0


def test_an_error_gives_it_back_too() -> None:
    with pytest.raises(RuntimeError), short_collections():
        raise RuntimeError

    assert gc.get_freeze_count() == 0
