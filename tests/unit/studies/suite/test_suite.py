from __future__ import annotations

from dataclasses import replace

import pytest

from sv_eval.cli.suite import _headlines
from sv_eval.errors import ConfigError
from sv_eval.report.environment import CorpusFacts, CorpusLabels
from sv_eval.report.interval import Interval
from sv_eval.report.reasons import Why
from sv_eval.reports.suite import render_suite
from sv_eval.scoring.references import published
from sv_eval.studies.suite.config import CorpusChoice, Suite, SuiteConfig, needs_inference, suite_config_from
from sv_eval.studies.suite.plan import Combination, combinations
from sv_eval.studies.suite.result import CombinationFigures, CombinationResult, SetResult, suite_json

SWITCHES = {
    "unknown": {"ban": ("scoring.policy=ban",), "wrong": ("scoring.policy=wrong",)},
    "vad": {"without": ("backend.vad=none",), "with": ("backend.vad=silero",)},
}
SUITE = Suite(
    name="s",
    sets={"casia": CorpusChoice(dataset="casia"), "esd": CorpusChoice(dataset="esd")},
    switches=SWITCHES,
    reference="sensevoice_small",
)


PLAIN = {"name": "s", "sets": {"casia": {"dataset": "casia"}}, "switches": {}, "roots": {"casia": "x"}}


CORPUS = CorpusFacts(
    name="casia", card="casia", title="CASIA", hash="h", split="all", n_clips=12, language="zh", licence="research",
    citation=None, label_order=("happy", "sad"), label_map=CorpusLabels(name="casia", version=1, hash="m"),
)  # fmt: skip


def figures(uar: float) -> CombinationFigures:
    interval = Interval(value=uar, low=uar - 0.1, high=uar + 0.05, n=9)
    return CombinationFigures(
        uar=interval, accuracy=interval, macro_f1=interval, weighted_f1=interval, coverage=interval,
        macro_f1_inferred=uar - 0.1, labels=("happy", "sad"), policy="ban", n_clips=12, n_scored=9, n_failed=0,
    )  # fmt: skip


def result(**uars: float) -> SetResult:
    found = [
        CombinationResult(
            label=one.label(SUITE), values=dict(one.values), figures=figures(uars[key]) if key in uars else None,
            error=None if key in uars else "out of order",
        )
        for one, key in zip(combinations(SUITE, "one_at_a_time"), ("base", "wrong", "vad"), strict=True)
    ]  # fmt: skip
    return SetResult(name="casia", corpus=CORPUS, combinations=tuple(found))


def test_scoring_switches_rest_on_the_inference_of_the_base():
    one = Combination.of({"unknown": "wrong", "vad": "with"})

    assert one.run_of(SUITE) == Combination.of({"unknown": "ban", "vad": "with"})
    assert one.settings(SUITE, inference=True) == ("backend.vad=silero",)
    assert one.settings(SUITE, inference=False) == ("scoring.policy=wrong",)
    assert one.label(SUITE) == "unknown=wrong,vad=with"


def test_what_is_about_scoring_alone_needs_no_inference():
    assert not needs_inference(("labels=four", "scoring.policy=ban", "labels.merges.calm=neutral"))
    assert needs_inference(("load.language=clip",))


def test_the_switch_that_moves_most_and_the_closest_combination():
    found = suite_json(SUITE, [result(base=0.34, wrong=0.30, vad=0.69)])

    (casia,) = found["sets"]
    assert casia["difference"]["uar"] == pytest.approx(
        0.34 - published()["sensevoice_small"]["figures"]["casia"]["uar"]
    )
    assert casia["moves_most"]["switch"] == "vad"
    assert casia["closest"]["label"] == "vad=with"
    assert found["not_measured"] == ["esd"]


def test_what_could_not_be_measured_is_said():
    (casia,) = suite_json(SUITE, [result(base=0.34, wrong=0.30)])["sets"]

    assert casia["combinations"][2]["error"] == "out of order"
    assert casia["moves_most"]["switch"] == "unknown"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_shows_published_and_measured(language):
    found = suite_json(SUITE, [result(base=0.34, wrong=0.30)]) | {"overrides": ["suite=s"]}

    text = render_suite(found, language)

    assert "| 70.0 % | 34.0 % [24.0, 39.0] | -36.0 |" in text
    assert "out of order" in text
    assert "esd" in text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("happy (no answered clip of sad)", "3 failed", "nothing moved it")),
        ("zh", ("没有得到回答", "3 条失败")),
    ],
)
def test_what_a_figure_does_not_rest_on_and_that_nothing_moved_it_is_said(language, words):
    few = figures(0.34)
    few = replace(few, uar=replace(few.uar, reason=Why.of("mean_without", labels=("sad",))), n_failed=3)
    base, *others = result(base=0.34, wrong=0.34, vad=0.34).combinations
    casia = SetResult(name="casia", corpus=CORPUS, combinations=(replace(base, figures=few), *others))
    found = suite_json(SUITE, [casia]) | {"overrides": ["suite=s"]}

    text = render_suite(found, language)

    assert all(one in text for one in words)
    assert "+0.0 |" not in text.split("##")[0]
    (line,) = _headlines(found)
    assert line.startswith("casia: UAR 0.340 (3 of 12 clips failed; no answered clip of sad)")
    assert line.endswith("; no switch moved it")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"suite": PLAIN | {"roots": {}}}, r"no set has its audio.*suite\.roots\.casia="),
        ({"suite": PLAIN | {"roots": {"casai": "x"}}}, r"'casai' is no set.*casia"),
        ({"design": "half"}, "design=half.*full"),
        ({"suite": {"name": "s", "sets": {}, "switches": {}}}, "has no sets"),
        (
            {
                "suite": {
                    "name": "s",
                    "sets": {"a": {"dataset": "demo"}},
                    "switches": {},
                    "reference": "sensevoice_smal",
                }
            },
            "did you mean sensevoice_small",
        ),
        (
            {
                "suite": {
                    "name": "s",
                    "sets": {"a": {"dataset": "demo"}},
                    "switches": {"x": {"a": ["labels=four"], "b": ["load.language=clip"]}},
                }
            },
            "make two switches",
        ),
    ],
)
def test_wrong_suites_are_told(change, message):
    with pytest.raises(ConfigError, match=message):
        suite_config_from({"suite": PLAIN} | change)


def test_a_set_with_a_root_is_chosen():
    suite = replace(SUITE, roots={"casia": "x", "esd": None})

    assert list(SuiteConfig(suite=suite).chosen) == ["casia"]
