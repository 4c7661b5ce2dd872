"""What a comparison says where clips failed, and of a class none of whose clips was answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from sv_eval.finished.reading import FinishedRun
from sv_eval.finished.rescore import compute_report
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Record
from sv_eval.report.comparison import Comparison, LatencyRatios, Narrowed
from sv_eval.report.environment import Environment
from sv_eval.reports.compare import draw_compare, render_compare
from sv_eval.scoring.config import ScoringConfig
from sv_eval.studies.compare.comparing import compare
from sv_eval.studies.compare.entrants import Entrants
from sv_eval.studies.gate.subject import Subject, subject_of

LABELS = ("happy", "sad", "angry")
Compared = Callable[..., Comparison]


@pytest.fixture
def compared(record: Callable[..., Record], environment_of: Callable[..., Environment]) -> Compared:
    """Compares runs over 60 clips of three emotions; each is given by what it answers instead of the right one."""

    def subject(name: str, answers: Mapping[str, str]) -> Subject:
        records = RunRecords.of_records(
            record(
                f"c{n:02}", LABELS[n % 3], answers.get(LABELS[n % 3], LABELS[n % 3]), call=n,
                latency_ms=10.0 + n % 7, speaker=f"s{n // 3 % 5}",
            )
            for n in range(60)
        )  # fmt: skip
        environment = environment_of()
        report = compute_report(records, environment, ScoringConfig(resamples=100, labels=LABELS))
        return subject_of(
            FinishedRun(directory=Path(name), report=report, environment=environment, records=records)
        )

    def of(**runs: Mapping[str, str]) -> Comparison:
        entrants = Entrants(
            names=tuple(runs),
            subjects=tuple(subject(name, answers) for name, answers in runs.items()),
            labels=LABELS,
            policy="wrong",
            narrowed=Narrowed(),
            groups={},
            paths={},
        )
        return compare(entrants, confidence=0.95, resamples=200, seed=0)

    return of


def test_a_class_whose_clips_all_failed_is_named_beside_the_mean_that_is_not_over_it(compared: Compared) -> None:
    found = compared(a={"angry": "failed"}, b={"sad": "happy"})
    (pair,) = found.pairs

    assert [run.n_failed for run in found.runs] == [20, 0]
    assert (pair.n, pair.left_out) == (40, ("angry",))
    assert (pair.differences.uar.before, pair.differences.uar.after) == (1.0, 0.5)
    english, chinese = (render_compare(found, language) for language in ("en", "zh"))
    assert "over 40 clips that both answered (none of angry: means are over the other emotions)" in english
    assert "a failed on 20 of 60." in english
    assert "b failed" not in english
    assert "基于双方都作答的 40 条（其中没有愤怒：平均只含其余情绪）" in chinese
    assert "a 在 60 条中失败 20 条。" in chinese


def test_where_nothing_changed_there_is_no_table(compared: Compared) -> None:
    found = compared(a={"sad": "happy"}, b={"sad": "happy"})

    assert found.pairs[0].unchanged
    text = render_compare(found, "en")
    assert text.count("no figure changed") == 1
    assert "+0.0" not in text


def test_figures_that_stay_while_one_emotion_is_traded_for_another_have_changed(compared: Compared) -> None:
    found = compared(a={"sad": "happy"}, b={"happy": "sad"})

    assert found.pairs[0].differences.uar.value == pytest.approx(0.0)
    assert not found.pairs[0].unchanged
    assert "| recall of sad |" in render_compare(found, "en")


def test_of_three_runs_those_are_drawn_whose_latencies_compare(compared: Compared) -> None:
    found = compared(a={}, b={}, c={})
    refused = LatencyRatios(refused="other_device", before="A100", after="T4")
    apart = replace(
        found,
        pairs=tuple(
            replace(pair, latency_ratio=refused) if "a" in (pair.before, pair.after) else pair
            for pair in found.pairs
        ),
    )
    nothing = replace(found, pairs=tuple(replace(pair, latency_ratio=refused) for pair in found.pairs))

    assert found.of_one_kind == ("a", "b", "c")
    assert apart.of_one_kind == ("b", "c")
    assert nothing.of_one_kind == ()
    assert draw_compare(nothing) is None
    text = render_compare(apart, "en")
    assert "Drawn are b, c." in text
    assert "Latency is not compared: it was measured on different classes of device (A100 and T4)" in text
    assert "延迟不作比较：测量用的设备类别不同（A100 与 T4）" in render_compare(apart, "zh")
    assert "trade_off.svg" not in render_compare(nothing, "en")


def test_a_refusal_without_words_of_a_comparison_s_own_has_those_of_the_gate(compared: Compared) -> None:
    found = compared(a={}, b={})
    refused = LatencyRatios(refused="nothing_scored")
    found = replace(found, pairs=(replace(found.pairs[0], latency_ratio=refused),))

    assert "Latency is not compared: No clip was scored." in render_compare(found, "en")
