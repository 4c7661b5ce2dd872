"""The garbage collector while something is measured."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from sv_eval.run.pauses import settle, short_collections


@pytest.fixture(autouse=True)
def outside_of_any_block() -> Iterator[None]:
    """The tests all stand in one."""
    around = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    gc.unfreeze()
    yield
    gc.freeze()
    gc.set_threshold(*around)


def test_what_was_there_is_left_alone_and_given_back() -> None:
    before, usual = gc.get_freeze_count(), gc.get_threshold()

    with short_collections():
        assert gc.get_freeze_count() > before + 1000
        assert gc.isenabled()
        assert gc.get_threshold() > usual

    assert gc.get_freeze_count() == 0
    assert gc.get_threshold() == usual


def test_a_block_within_a_block_changes_nothing() -> None:
    with short_collections():
        frozen, kept = gc.get_freeze_count(), [[number] for number in range(1000)]
        with short_collections():
            # Objects of others may go meanwhile; those that came to be are not set aside a second time.
            assert 0 < gc.get_freeze_count() < frozen + len(kept) / 2
        assert 0 < gc.get_freeze_count() < frozen + len(kept) / 2


def test_an_error_gives_it_back_too() -> None:
    usual = gc.get_threshold()

    with pytest.raises(RuntimeError), short_collections():
        raise RuntimeError

    assert gc.get_freeze_count() == 0
    assert gc.get_threshold() == usual


def test_between_two_measurements_what_came_to_be_is_collected_or_left_alone() -> None:
    class Knot:
        def __init__(self) -> None:
            self.itself = self

    with short_collections():
        frozen, kept = gc.get_freeze_count(), [[number] for number in range(1000)]
        knot = weakref.ref(Knot())
        settle()

        assert knot() is None
        assert gc.get_freeze_count() >= frozen + len(kept)

    assert gc.get_freeze_count() == 0
