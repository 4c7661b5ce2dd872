"""What a session tells of the machine while it was watched, with or without samples of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sv_eval.backend import BackendInfo
from sv_eval.backends.fake import FakeBackend
from sv_eval.machine.neighbours import Counters, Neighbours
from sv_eval.report.reasons import Why
from sv_eval.run.session import RunConfig, Session

SERVED_HERE = Why.of("served_here")


def neighbours() -> Neighbours:
    """Two cores for 10 s: 12 s of work, of which 4 s are our own."""
    readings = [
        Counters(at_s=0, busy_s=0, all_s=0, own_s=0),
        Counters(at_s=10, busy_s=12, all_s=20, own_s=4),
    ]
    return Neighbours(lambda: readings.pop(0))


class FakeNextDoor(FakeBackend):
    """Answers from another process of this machine."""

    @property
    def info(self) -> BackendInfo:
        return replace(super().info, served_here=True)


@pytest.mark.parametrize(("interval_s", "sampled"), [(None, False), (0.05, True)])
def test_what_others_took_is_told_whether_or_not_the_machine_is_sampled(
    interval_s: float | None, sampled: bool, tmp_path: Path
) -> None:
    session = Session(FakeBackend(), RunConfig(telemetry_s=interval_s), neighbours=neighbours())

    with session.watched(tmp_path):
        pass

    assert session.telemetry is not None
    assert session.telemetry.others_cpu == pytest.approx(8 / 20)
    assert bool(session.telemetry.samples) == sampled
    assert (tmp_path / "telemetry.csv").exists() == sampled


def test_a_service_of_this_machine_is_not_told_from_a_neighbour() -> None:
    session = Session(FakeNextDoor(), RunConfig(telemetry_s=None), neighbours=neighbours())

    with session.watched(None):
        pass

    assert session.telemetry is not None
    assert (session.telemetry.others_cpu, session.telemetry.others_cpu_reason) == (None, SERVED_HERE)


def test_nothing_is_told_of_a_session_that_was_not_watched() -> None:
    assert Session(FakeBackend(), RunConfig(telemetry_s=None), neighbours=neighbours()).telemetry is None
