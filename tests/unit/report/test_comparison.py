"""A comparison is read back as it was written, and reads the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sv_eval.report.codec import as_json, from_json
from sv_eval.report.comparison import Comparison, LatencyRatios, Narrowed
from sv_eval.report.reasons import Why
from sv_eval.reports.compare import render_compare
from sv_eval.reports.wording import Wording

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "across" / "compare"


def test_a_comparison_is_read_back_as_it_was_written() -> None:
    data = json.loads((GOLDEN / "compare.json").read_text(encoding="utf-8"))

    found = from_json(Comparison, data, "compare.json")

    assert json.dumps(as_json(found)) == json.dumps(data)
    report = render_compare(found, figure="figures/trade_off.svg")
    assert report == (GOLDEN / "compare.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("ratios", "data"),
    [
        (
            LatencyRatios(refused="latency_refused", source="b", why=Why.of("too_few", n=3, needed=11)),
            {"refused": "latency_refused", "source": "b", "why": "n too small: 3 of 11"},
        ),
        (
            LatencyRatios(refused="other_device", before="A100", after="T4"),
            {"refused": "other_device", "before": "A100", "after": "T4"},
        ),
        (
            LatencyRatios(refused="other_load", before={"schedule": "offline"}, after={"schedule": "poisson"}),
            {"refused": "other_load", "before": {"schedule": "offline"}, "after": {"schedule": "poisson"}},
        ),
        (
            LatencyRatios(refused="other_clips", more={"a": 70}),
            {"refused": "other_clips", "more": {"a": 70}},
        ),
    ],
)
def test_a_refusal_holds_what_its_sentence_speaks_of_and_nothing_else(
    ratios: LatencyRatios, data: dict[str, Any]
) -> None:
    assert list(as_json(ratios).items()) == list(data.items())
    assert from_json(LatencyRatios, data, "compare.json") == ratios
    assert list(ratios.told) == list(data)[1:]


def test_what_was_not_left_out_is_not_in_the_file() -> None:
    narrowed = Narrowed(clips={"a": 70}, labels=("sad",))

    assert as_json(narrowed) == {"clips": {"a": 70}, "labels": ["sad"]}
    assert from_json(Narrowed, as_json(narrowed), "compare.json") == narrowed
    assert narrowed
    assert as_json(Narrowed()) == {}
    assert not Narrowed()


def test_why_there_is_no_ratio_is_said_in_the_report_s_language() -> None:
    data = json.loads((GOLDEN / "compare.json").read_text(encoding="utf-8"))
    found = from_json(Comparison, data, "compare.json")
    refused = LatencyRatios(refused="latency_refused", source="b", why=Why.of("fell_behind"))
    found = replace(found, pairs=(replace(found.pairs[0], latency_ratio=refused),))

    english, chinese = (render_compare(found, language, figure="x.svg") for language in ("en", "zh"))

    assert "(the load generator fell behind its plan)" in english
    assert "fell behind" not in chinese
    assert Wording("zh").why(Why.of("fell_behind")) in chinese
