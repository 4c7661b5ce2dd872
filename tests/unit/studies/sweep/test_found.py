"""What a sweep finds out is a whole that its file holds without loss, and that reports are made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from sv_eval.finished.reading import FinishedRun
from sv_eval.finished.rescore import compute_report
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Record
from sv_eval.report.codec import as_json, from_json
from sv_eval.report.environment import Environment, HowShared, Spread, Telemetry
from sv_eval.report.reasons import Why
from sv_eval.report.sweep import GivenUp, SweepFile, Tuning
from sv_eval.reports.sweep import render_sweep
from sv_eval.reports.sweep_figures import draw_sweep
from sv_eval.reports.wording import Wording
from sv_eval.scoring.config import ScoringConfig
from sv_eval.studies.sweep.analysis import analyse
from sv_eval.studies.sweep.config import SweepConfig
from sv_eval.studies.sweep.plan import Setting
from sv_eval.studies.sweep.report import headline
from sv_eval.studies.sweep.runs import SweptRun

QUICK = ScoringConfig(resamples=100)
LABELS = ("happy", "sad", "angry")
SLOWNESS = (1.0, 2.0, 1.5, 4.0)
"""Of each setting; the last is the default once more."""
MACHINE = Telemetry(
    samples=3, interval_s=0.1, process_cpu=Spread(mean=0.5, max=1.0), machine_cpu=Spread(mean=0.5, max=1.0),
    rss_mib=None, cpu_held_back_s=0.3, gpus=(),
)  # fmt: skip


def planned(number: int) -> Setting:
    again = number == len(SLOWNESS) - 1
    values: dict[str, Any] = {"backend.vad": None if again else (None, "on|off", True)[number], "k.list": "[1, 2]"}
    overrides = () if number == 0 or again else (f"backend.vad={number}",)
    return Setting(
        number=number, directory=str(number), values=values, overrides=overrides, measured={},
        default=number == 0, again=again,
    )  # fmt: skip


@pytest.fixture
def found(record: Callable[..., Record], environment_of: Callable[..., Environment]) -> Callable[..., SweepFile]:
    """Analyses three settings, two of them with results."""

    def swept(number: int, speakers: int, telemetry: Telemetry | None) -> SweptRun:
        answers = [(LABELS[n % 3], LABELS[(n + (n % (4 + 3 * number) == 0)) % 3]) for n in range(240)]
        records = RunRecords.of_records(
            record(
                f"c{n:03}", reference, answer, call=n, latency_ms=SLOWNESS[number] * (20.0 + n % 13), audio_s=2.0,
                speaker=f"s{n // 3 % speakers}" if speakers else None,
            )
            for n, (reference, answer) in enumerate(answers)
        )  # fmt: skip
        whole = environment_of()
        (start,) = whole.sessions
        environment = replace(
            whole,
            sessions=(replace(start, telemetry=telemetry),),
            sharing=HowShared(timed_requests=200, timed_clips=100, checked_clips=20, seed=0),
        )
        report = compute_report(records, environment, QUICK)
        run = FinishedRun(directory=Path(str(number)), report=report, environment=environment, records=records)
        return SweptRun(setting=planned(number), run=run)

    def analysed(
        *,
        speakers: int = 6,
        holdout: float = 0.0,
        telemetry: Telemetry | None = None,
        again: bool = False,
        slo_ms: float = 200.0,
        tuning: Tuning | None = None,
    ) -> SweepFile:
        runs = [swept(number, speakers, telemetry) for number in (0, 1)]
        return analyse(
            runs,
            {2: "it failed"},
            [planned(number) for number in range(3)],
            SweepConfig(holdout=holdout, slo_p95_ms=slo_ms),
            QUICK,
            again=[swept(3, speakers, telemetry)] if again else [],
            command="python -m sv_eval -m ...",
            directory="swept",
            tuning=tuning,
        )

    return analysed


CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "held out": {"holdout": 0.4},
    "nobody known": {"speakers": 0, "holdout": 0.4},
    "one speaker": {"speakers": 1, "holdout": 0.4},
    "too slow": {"slo_ms": 1.0, "holdout": 0.4},
    "disturbed and once more": {"telemetry": MACHINE, "again": True},
    "tuned": {
        "tuning": Tuning(
            sampler="tpe", seed=0, trials=3, first_share=0.25, complete=1, pruned=1, failed=1, repeated=0,
            given_up=(GivenUp(number=7, name="vad=9", uar=1 / 3, n_clips=60, by=0),),
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("options", CASES.values(), ids=CASES)
def test_the_file_of_a_sweep_is_read_back_as_it_was_written(
    found: Callable[..., SweepFile], options: dict[str, Any]
) -> None:
    sweep = found(**options)

    written = json.loads(json.dumps(as_json(sweep), allow_nan=False))
    again = from_json(SweepFile, written, "sweep.json")

    assert list(written) == list(as_json(again))
    assert as_json(again) == as_json(sweep) == written
    drawn = draw_sweep(sweep)
    assert draw_sweep(again) == drawn
    for language in ("en", "zh"):
        first, second = (render_sweep(one, language, figures=list(drawn)) for one in (sweep, again))
        assert first == second
        assert "UNSET" not in first


def test_what_does_not_apply_is_left_out_and_what_is_not_known_is_null(found: Callable[..., SweepFile]) -> None:
    nobody, apart = as_json(found(speakers=0, holdout=0.4)), as_json(found(holdout=0.4))

    assert nobody["holdout"] == {"share": 0.4, "seed": 0, "speakers": [], "reason": "no_speakers"}
    assert "reason" not in apart["holdout"]
    assert list(apart["holdout"])[-1] == "mcnemar_p"
    assert (nobody["tuning"], nobody["steadiness"], nobody["disturbed"]) == (None, None, {"n": 0, "most": None})
    assert all(row["other_cores"] is None for row in nobody["settings"])
    assert [row["values"]["backend.vad"] for row in nobody["settings"]] == [None, "on|off"]


def test_the_findings_are_those_of_the_runs(found: Callable[..., SweepFile]) -> None:
    sweep = found(telemetry=MACHINE, again=True)

    assert [one.number for one in sweep.settings] == [0, 1]
    assert [(one.number, one.reason) for one in sweep.missing] == [(2, "it failed")]
    assert sweep.steadiness is not None
    assert (sweep.steadiness.change, sweep.steadiness.notable) == (3.0, True)
    # Half of two cores were busy, half a core with the run itself.
    assert (sweep.disturbed.n, sweep.disturbed.most) == (2, 0.5)
    assert sweep.choice.default == 0
    assert [one.default for one in sweep.settings] == [True, False]
    assert sweep.settings[0].difference.reason is UNSET


def test_clips_that_a_setting_failed_on_and_emotions_without_any_are_said(found: Callable[..., SweepFile]) -> None:
    sweep = found()
    first, *others = sweep.settings
    lacking = replace(first, uar=replace(first.uar, reason=Why.of("mean_without", labels=("angry",))))

    text = render_sweep(replace(sweep, settings=(lacking, *others)), "en")

    said = headline(replace(sweep, n_clips=200, n_left_out=40)).splitlines()[0]
    assert said.endswith("settings have a result, over 200 clips; left out, since a setting failed on them: 40")
    assert "left out" not in headline(sweep)
    assert "- No clip of angry has an answer: the mean is over the others." in text
    assert "No clip of" not in render_sweep(sweep, "en")


def test_a_better_setting_whose_difference_has_no_reason_is_told_without_one(
    found: Callable[..., SweepFile],
) -> None:
    sweep = found()
    default, other = sweep.settings
    better = replace(other, ranked_uar=(default.ranked_uar or 0.0) + 0.1)
    chosen = replace(sweep.choice, best=other.number, best_within_slo=other.number)
    reasoned = replace(better, difference=replace(other.difference, reason=Why.of("nothing_to_compare")))

    for language, words in (
        ("en", "(nothing to compare.)"),
        ("zh", f"（{Wording('zh').why(Why.of('nothing_to_compare'))}。）"),
    ):
        plain, told = (
            render_sweep(replace(sweep, settings=(default, one), choice=chosen), language)
            for one in (better, reasoned)
        )
        assert "UNSET" not in plain
        assert words not in plain
        assert words in told
