"""From which share on the work of others is a disturbance, and where a reader meets it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sv_eval.finished.rescore import compute_report
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Record
from sv_eval.report.codec import as_json, from_json
from sv_eval.report.environment import NOT_SAMPLED, Environment, Telemetry
from sv_eval.report.reasons import Coded, Why
from sv_eval.report.report import Report
from sv_eval.reports.markdown import render
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.contention import CONTENDED, contended

UNTOLD = replace(NOT_SAMPLED, others_cpu=None, others_cpu_reason=Why.of("served_here"))
Measured = Callable[[Telemetry | None], tuple[Report, Environment]]


@pytest.fixture
def measured(record: Callable[..., Record], environment_of: Callable[..., Environment]) -> Measured:
    """A run during whose clock the machine did this, and what it is."""

    def run(machine: Telemetry | None) -> tuple[Report, Environment]:
        whole = environment_of()
        (start,) = whole.sessions
        environment = replace(
            whole,
            config={"load": {"schedule": "single_stream", "warmup_clips": 0}},
            sessions=(replace(start, telemetry=machine),),
        )
        records = [record(f"c{n}", "happy", "happy", call=n, latency_ms=10.0) for n in range(20)]
        return compute_report(
            RunRecords.of_records(records), environment, ScoringConfig(resamples=100)
        ), environment

    return run


def taken(share: float) -> Telemetry:
    return replace(NOT_SAMPLED, others_cpu=share)


def test_the_limit_itself_is_a_disturbance_and_a_little_less_is_none() -> None:
    assert CONTENDED == 0.15
    assert contended(taken(0.15)) == 0.15
    assert contended(taken(0.1499)) is None


@pytest.mark.parametrize("machine", [None, NOT_SAMPLED, UNTOLD])
def test_what_is_not_known_disturbs_nobody(machine: Telemetry | None) -> None:
    assert contended(machine) is None


def test_a_caveat_says_how_much_others_took_at_the_top_and_what_to_do(measured: Measured) -> None:
    report, environment = measured(taken(0.624))
    english, chinese = (render(report, environment, language) for language in ("en", "zh"))

    assert Coded("contended", share="62 %", limit="15 %") in report.caveats
    top = english.partition("## What was measured")[0]
    assert "they took 62 % of the time of all its cores" in top
    assert "Measure again on a quiet machine" in top
    assert "Others took 62.4 % of the time of all cores" in english
    assert "占用了全部核心时间的 62 %" in chinese


def test_a_quiet_machine_has_the_figure_and_no_caveat(measured: Measured) -> None:
    report, environment = measured(taken(0.03))
    text = render(report, environment, "en")

    assert "contended" not in {caveat.code for caveat in report.caveats}
    assert "Others took 3.0 % of the time of all cores" in text
    assert "0 samples" not in text


def test_a_service_on_this_machine_is_said_to_be_the_reason_why_nothing_can_be_told(measured: Measured) -> None:
    report, environment = measured(UNTOLD)

    assert "contended" not in {caveat.code for caveat in report.caveats}
    assert "What others took of the machine is not known: the service answers from this very machine" in render(
        report, environment, "en"
    )
    assert "服务就在本机上作答" in render(report, environment, "zh")


def test_a_run_of_an_earlier_version_says_nothing_of_it_and_stays_as_it_was(measured: Measured) -> None:
    report, environment = measured(NOT_SAMPLED)
    data = as_json(NOT_SAMPLED)

    assert {"others_cpu", "others_cpu_reason"}.isdisjoint(data)
    assert from_json(Telemetry, data, "metrics.json") == NOT_SAMPLED
    assert "Others took" not in render(report, environment, "en")
    assert "not known" not in render(report, environment, "en")


def test_what_is_told_is_read_back_as_it_was_written() -> None:
    for machine in (taken(0.25), UNTOLD):
        assert from_json(Telemetry, as_json(machine), "metrics.json") == machine
    assert as_json(UNTOLD)["others_cpu"] is None
