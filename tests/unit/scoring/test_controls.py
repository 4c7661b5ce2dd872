"""What controls tell is what a count by hand tells."""

from __future__ import annotations

from itertools import combinations, permutations
from typing import Any

import numpy as np
import pytest

from sv_eval.option_orders import order_of, orders_from
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Clip, Outcome, Prediction, Record
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.controls import controls_of, pass_hat
from sv_eval.scoring.scope import scope_of

NAMES = ("happy", "sad", "angry", "neutral", "fearful")
PROTOCOL = {"option_order": list(NAMES), "order": "cyclic", "order_seed": 3}


def record_of(number: int, answer: str | None, *, words: str | None = None) -> Record:
    clip = Clip(id=f"c{number:03}", reference=NAMES[number % 3], speaker=f"s{number % 6}", transcript=words)
    prediction = Prediction(label=answer, unread=None if answer else "refused")
    return Record(clip=clip, outcome=prediction.outcome, prediction=prediction, latency_ms=1.0, audio_s=1.0)


def found_in(own: list[Record], controls: dict[str, list[Record]], protocol: object = None) -> Any:
    records = RunRecords.of_records(own)
    tables = {name: RunRecords.of_records(one).answers for name, one in controls.items()}
    scope = scope_of(records, ScoringConfig(resamples=100, labels=NAMES[:3]))
    return controls_of(scope, tables, (records.answers, tables), protocol)


@pytest.mark.parametrize(("right", "times", "k"), [(3, 4, 2), (0, 3, 1), (5, 5, 5), (2, 6, 3), (4, 6, 3)])
def test_pass_k_is_the_share_of_draws_that_are_all_right(right: int, times: int, k: int) -> None:
    tries = [True] * right + [False] * (times - right)
    drawn = list(combinations(tries, k))

    assert pass_hat(np.array([right]), times, k)[0] == pytest.approx(sum(map(all, drawn)) / len(drawn))


def test_repeats_are_counted_clip_by_clip() -> None:
    rng = np.random.default_rng(5)
    said = rng.choice([*NAMES[:3], ""], size=(60, 4), p=[0.5, 0.2, 0.2, 0.1])
    runs = [[record_of(number, said[number, turn] or None) for number in range(60)] for turn in range(4)]
    # A clip that one repeat has no answer to tells nothing.
    gone = replace_failed(runs[2], 7)

    found = found_in(runs[0], {f"repeat-{turn}": gone if turn == 2 else runs[turn] for turn in (1, 2, 3)}).repeated

    kept = [number for number in range(60) if number != 7]
    assert (found.n_clips, found.times) == (59, 4)
    assert found.flipped.n == sum(len(set(said[number])) > 1 for number in kept)
    right = [sum(answer == NAMES[number % 3] for answer in said[number]) for number in kept]
    assert found.pass_k[0].value == pytest.approx(np.mean(right) / 4)
    assert found.pass_k[3].value == pytest.approx(np.mean([count == 4 for count in right]))
    assert all(one.low <= one.value <= one.high for one in found.pass_k)


def replace_failed(records: list[Record], place: int) -> list[Record]:
    failed = Record(clip=records[place].clip, outcome=Outcome.FAILURE, latency_ms=1.0)
    return [failed if number == place else one for number, one in enumerate(records)]


def test_every_order_is_set_against_its_places() -> None:
    rng = np.random.default_rng(8)
    truth = [NAMES[number % 3] for number in range(40)]
    takes_first = rng.random(40) < 0.5

    def answer(number: int, order: tuple[str, ...]) -> str:
        return order[0] if takes_first[number] else truth[number]

    orders = [orders_from(order_of(NAMES, f"c{number:03}", "cyclic", 3)) for number in range(40)]
    runs = [[record_of(number, answer(number, orders[number][turn])) for number in range(40)] for turn in range(10)]

    found = found_in(runs[0], {f"order-{turn:02}": runs[turn] for turn in range(1, 10)}, PROTOCOL).orders

    assert (found.n_clips, found.n_orders, found.n_options) == (40, 10, 5)
    n_first = int(takes_first.sum())
    # Whoever takes the first option does so in all ten orders, and the others find theirs there in two of them.
    assert found.first.n == 10 * n_first + 2 * (40 - n_first)
    assert sum(found.counts) == 400
    assert found.pull == pytest.approx(n_first / 40)
    assert found.consistent.n == 40 - n_first
    assert found.accuracy_of_consistent.value == 1.0
    assert found.accuracy.value == pytest.approx((40 - n_first + n_first * 0.2) / 40)
    # Under one order alone the pulled ones are all right, or all wrong, by which option stands first.
    by_first = [
        np.mean([not takes_first[number] or truth[number] == name for number in range(40)]) for name in NAMES
    ]
    assert (found.lowest, found.highest) == (pytest.approx(min(by_first)), pytest.approx(max(by_first)))


def test_orders_that_were_not_all_asked_tell_nothing_yet() -> None:
    run = [record_of(number, "sad") for number in range(10)]

    assert found_in(run, {"order-01": run}, PROTOCOL) is None


def test_four_options_are_asked_in_all_orders_and_more_in_balanced_ones() -> None:
    assert set(orders_from("abcd")) == set(permutations("abcd"))
    for names in ("abcde", "abcdefg"):
        orders = orders_from(names)
        assert orders[0] == tuple(names)
        for place in range(len(names)):
            assert sorted(order[place] for order in orders) == sorted(2 * names)


@pytest.mark.parametrize(("sentences", "fixed"), [(4, True), (30, False)])
def test_fixed_sentences_are_said_not_to_tell(sentences: int, fixed: bool) -> None:
    def words(number: int) -> str:
        return f"sentence {number % sentences}"

    heard = [record_of(number, NAMES[number % 3], words=words(number)) for number in range(60)]
    read = [record_of(number, "happy", words=words(number)) for number in range(60)]

    found = found_in(heard, {"words": read}).words

    assert (found.fixed, found.n_sentences) == (fixed, sentences)
    assert (found.uar.before, found.uar.after) == (pytest.approx(1 / 3), 1.0)


def test_without_controls_there_is_nothing_to_tell() -> None:
    assert found_in([record_of(0, "sad")], {}) is None
