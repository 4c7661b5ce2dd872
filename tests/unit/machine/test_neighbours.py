"""What others took of the machine: by counters over the whole stretch, less what this process and its own did."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import pytest

from sv_eval.machine.neighbours import Counters, Neighbours, cores_of, read_counters
from sv_eval.report.reasons import Why

A_SECOND = 100
"""Of `/proc/stat`, on every Linux that there is."""


def counters(at_s: float, *, busy: float, own: float, cores: int = 2) -> Counters:
    return Counters(at_s=at_s, busy_s=busy, all_s=cores * at_s, own_s=own)


def share_of(*stretches: tuple[Counters | None, Counters | None]) -> float | Why:
    readings = [one for stretch in stretches for one in stretch]
    neighbours = Neighbours(lambda: readings.pop(0))
    for _ in stretches:
        with neighbours:
            pass
    return neighbours.share()


def test_others_have_what_the_cores_did_less_what_this_process_did() -> None:
    # Two cores for 10 s: 17 s of work, of which 5 s were our own.
    assert share_of((counters(100, busy=40, own=7), counters(110, busy=57, own=12))) == pytest.approx(12 / 20)


def test_a_machine_of_our_own_is_nobody_elses() -> None:
    assert share_of((counters(0, busy=0, own=0), counters(10, busy=20, own=20))) == 0.0
    # The two are counted differently; no share is below nothing, or above everything.
    assert share_of((counters(0, busy=0, own=0), counters(10, busy=19.9, own=20))) == 0.0
    assert share_of((counters(0, busy=0, own=1), counters(10, busy=20.1, own=0.9))) == 1.0


def test_what_lies_between_two_stretches_does_not_count() -> None:
    quiet = (counters(0, busy=0, own=0), counters(5, busy=5, own=5))
    # In between others took both cores for 90 s.
    again = (counters(95, busy=185, own=5), counters(100, busy=191, own=10))

    assert share_of(quiet, again) == pytest.approx(1 / 20)


def test_a_short_clock_says_nothing_but_several_stretches_add_up() -> None:
    short = (counters(10, busy=4, own=0), counters(10.6, busy=5, own=0))

    assert share_of(short) == Why.of("short_clock", needed=1)
    assert share_of(short, short) == pytest.approx(2 / 2.4, abs=1e-4)


@pytest.mark.parametrize(
    "stretches",
    [
        [(None, None)],
        [(counters(0, busy=0, own=0), None)],
        # One of them would leave a part of the run out.
        [(counters(0, busy=0, own=0), counters(10, busy=5, own=5)), (None, counters(30, busy=5, own=5))],
        # Some sandboxes have the file, and nothing in it.
        [(Counters(at_s=0, busy_s=0, all_s=0, own_s=0), Counters(at_s=9, busy_s=0, all_s=0, own_s=3))],
    ],
)
def test_a_system_without_counters_is_told_of(
    stretches: Sequence[tuple[Counters | None, Counters | None]],
) -> None:
    assert share_of(*stretches) == Why.of("no_counters")


def test_guests_are_not_counted_twice_and_a_disk_s_work_is_none() -> None:
    #              user nice system idle iowait irq softirq steal guest guest_nice
    stat = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 100 200 300 400 500 10 20 70 100 200\ncpu1 1 0 0 0 0 0 0 0 0 0\nintr 5\n"

    assert cores_of(stat, {0}) == pytest.approx((700 / A_SECOND, 1600 / A_SECOND))
    assert cores_of(stat, {0, 1}) == pytest.approx((701 / A_SECOND, 1601 / A_SECOND))


def test_only_the_cores_that_may_be_used_count_and_one_that_is_switched_off_moves_no_other() -> None:
    stat = "cpu0 100 0 0 0 0 0 0 0 0 0\ncpu2 0 0 0 300 0 0 0 0 0 0\n"

    assert cores_of(stat, {2}) == (0.0, 3.0)
    assert cores_of(stat, {1}) is None
    assert cores_of("", {0}) is None


def test_what_a_child_did_is_our_own_while_it_runs_and_once_it_has_ended() -> None:
    work = "import time\nwhile time.process_time() < 0.4: pass\nprint('done', flush=True)\ninput()"
    before = read_counters()
    with subprocess.Popen(
        [sys.executable, "-c", work], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "done\n"
        meanwhile = read_counters()
    after = read_counters()

    assert before is not None
    assert meanwhile is not None
    assert after is not None
    assert meanwhile.own_s - before.own_s > 0.35
    assert after.own_s >= meanwhile.own_s - 0.05
