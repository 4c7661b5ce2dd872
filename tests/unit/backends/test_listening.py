from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sv_eval.backends.sensevoice.listening import Listening
from sv_eval.errors import ConfigError

FRAME_S = 0.06

lengths = st.lists(st.integers(1, 500), max_size=40)
listenings = st.builds(Listening, batch_size=st.integers(1, 9), batch_s=st.one_of(st.none(), st.floats(0.05, 100)))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"language": "klingon"}, ["backend.language=klingon", "choose one of", "auto"]),
        ({"language": "yeu"}, ["backend.language=yeu", "did you mean", "yue"]),
        ({"batch_size": 0}, ["backend.batch_size=0", "at least 1"]),
        ({"batch_s": 0.0}, ["backend.batch_s=0.0", "positive"]),
        ({"batch_s": -3.0}, ["backend.batch_s=-3.0"]),
        ({"batch_s": float("nan")}, ["backend.batch_s=nan"]),
        ({"batch_s": float("inf")}, ["backend.batch_s=inf"]),
        ({"combine": "meen"}, ["backend.combine=meen", "did you mean mean"]),
    ],
)
def test_a_setting_that_can_not_be_is_named(settings: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        Listening(**settings)

    message = str(caught.value)
    assert all(word in message for word in words), message
    assert "\n" not in message


def test_prompts_are_the_rows_that_upstream_uses() -> None:
    assert Listening().prompts == (0, 15)
    assert Listening(language="yue", use_itn=True).prompts == (7, 14)


def test_no_stretches_make_no_batches() -> None:
    assert Listening().batches([]) == []


def test_stretches_of_similar_length_go_together() -> None:
    assert Listening(batch_size=2).batches([300, 10, 290, 12]) == [[1, 3], [2, 0]]


def test_a_batch_holds_no_more_seconds_than_allowed_padding_included() -> None:
    ten_seconds = round(10 / FRAME_S)

    assert Listening(batch_size=8, batch_s=21).batches([ten_seconds] * 5) == [[0, 1], [2, 3], [4]]
    assert Listening(batch_size=8, batch_s=19).batches([1, ten_seconds]) == [[0], [1]]


def test_a_stretch_longer_than_the_limit_goes_by_itself() -> None:
    assert Listening(batch_s=1).batches([2, 1000, 3]) == [[0, 2], [1]]


@given(frames=lengths, listening=listenings)
def test_every_stretch_is_in_one_batch_and_no_batch_is_too_large(frames: list[int], listening: Listening) -> None:
    batches = listening.batches(frames)

    assert sorted(index for batch in batches for index in batch) == list(range(len(frames)))
    for batch in batches:
        assert 1 <= len(batch) <= listening.batch_size
        seconds = len(batch) * max(frames[index] for index in batch) * FRAME_S
        assert listening.batch_s is None or len(batch) == 1 or seconds <= listening.batch_s + 1e-9


@given(frames=lengths, listening=listenings)
def test_batches_depend_on_the_lengths_alone(frames: list[int], listening: Listening) -> None:
    again = Listening(batch_size=listening.batch_size, batch_s=listening.batch_s)

    assert again.batches(tuple(frames)) == listening.batches(frames)
    held = [sorted(frames[index] for index in batch) for batch in listening.batches(frames)]
    backwards = [sorted(frames[::-1][index] for index in batch) for batch in listening.batches(frames[::-1])]
    assert held == backwards
