"""Connections that keep the service waiting."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from sv_eval.serve.config import ConnectionLimits, StreamLimits
from sv_eval.serve.doors import Doors
from sv_eval.serve.pace import Pace, audio_s
from sv_eval.wire.messages import StreamStart
from sv_eval.wire.problems import ServiceError
from tests.unit.fake_clock import FakeClock

LIMITS = ConnectionLimits(max_open=2, head_timeout_s=5, write_timeout_s=10)


@dataclass(eq=False)
class Visitor:
    since: float | None = None
    at_work: bool = False
    left: int = 0
    told: list[str] = field(default_factory=list)

    def turn_away(self, error: ServiceError) -> None:
        self.told.append(error.code.word)

    def cut(self) -> None:
        self.told.append("cut")

    def waits_since(self) -> float | None:
        return self.since

    def idle(self) -> bool:
        return not self.at_work

    def unread(self) -> int:
        return self.left


def test_whoever_idles_longest_makes_room_for_a_newcomer() -> None:
    doors, first, second, third = Doors(LIMITS), Visitor(), Visitor(), Visitor()
    doors.enter(first)
    doors.enter(second)
    doors.served(first)
    doors.enter(third)
    assert (first.told, second.told, third.told) == ([], ["cut"], [])


def test_work_is_never_interrupted_to_make_room() -> None:
    doors, busy, new = Doors(LIMITS), [Visitor(at_work=True), Visitor(at_work=True)], Visitor()
    for visitor in busy:
        doors.enter(visitor)
    doors.enter(new)
    assert new.told == ["overloaded"]
    assert not any(visitor.told for visitor in busy)


def test_a_head_that_does_not_come_and_an_answer_that_is_not_taken_end_a_connection() -> None:
    doors, late, deaf = Doors(LIMITS), Visitor(since=0.0), Visitor(at_work=True, left=1)
    doors.enter(late)
    doors.enter(deaf)
    doors.look(4.0)
    assert (late.told, deaf.told) == ([], [])
    doors.look(2.0)
    assert (late.told, deaf.told) == (["request_timeout"], [])
    doors.look(9.0)
    assert deaf.told == ["cut"]


def test_a_reader_that_catches_up_stays() -> None:
    doors, slow = Doors(LIMITS), Visitor(left=1)
    doors.enter(slow)
    doors.look(9.0)
    slow.left = 0
    doors.look(9.0)
    slow.left = 1
    doors.look(9.0)
    assert slow.told == []


def test_a_few_bytes_now_and_then_do_not_keep_a_stream_open() -> None:
    clock, start = FakeClock(), StreamStart()
    pace = Pace(StreamLimits(idle_s=30, start_s=5, min_pace=0.1), now=clock)
    assert pace.wait_s() == 5
    pace.heard(0.0)
    for _ in range(2):
        clock.now_s += 14
        pace.heard(audio_s(start, 2))
    assert pace.wait_s() == pytest.approx(2, abs=0.01)
    assert "0.1 s of audio" in pace.late().detail


def test_audio_at_a_tenth_of_its_own_pace_keeps_a_stream_open() -> None:
    clock, start = FakeClock(), StreamStart()
    pace = Pace(StreamLimits(idle_s=30, start_s=5, min_pace=0.1), now=clock)
    pace.heard(0.0)
    for _ in range(100):
        clock.now_s += 10
        pace.heard(audio_s(start, 32_000))
        assert pace.wait_s() == pytest.approx(30)
