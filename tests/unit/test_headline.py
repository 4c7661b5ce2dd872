"""The lines that end a run on a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sv_eval.headline import headline
from sv_eval.rescore import Summary


def lines_of(*, caveats: tuple[str, ...] = (), **counts: int) -> list[str]:
    figure = {"value": 0.5, "low": 0.4, "high": 0.6}
    run = {
        "dataset": "demo", "backend": "onnx", "n_scored": 9, "n_clips": 10, "n_unknown": 1, "n_no_tag": 0,
        "n_no_speech": 0, "n_failed": 1, **counts,
    }  # fmt: skip
    metrics: dict[str, Any] = {
        "run": run,
        "accuracy": {"uar": figure},
        "latency_ms": {"p50": figure, "p95": {"value": None, "low": None, "high": None, "reason": "too few"}},
        "labels": ["happy", "sad"],
        "caveats": [{"code": code} for code in caveats],
    }
    return headline(Summary(metrics=metrics, report=Path("runs/report.md"))).splitlines()


def test_they_say_what_was_scored_how_well_how_fast_and_where_the_report_is() -> None:
    assert lines_of() == [
        "demo on onnx: 9 of 10 clips scored, 1 unknown, 1 failed",
        "UAR 0.500 [0.400, 0.600] over happy, sad",
        "latency p50 0.50 ms [0.40, 0.60], p95 - (too few)",
        "report: runs/report.md",
    ]


def test_clips_in_which_nothing_was_heard_are_counted_where_there_are_any() -> None:
    assert lines_of(n_no_speech=7, n_no_tag=2)[0].endswith("1 unknown, 2 no tag, 7 no speech, 1 failed")


def test_a_model_that_knows_the_speakers_is_no_surprise_in_the_report_alone() -> None:
    (caveat,) = (line for line in lines_of(caveats=("training_overlap", "n_too_small")) if "caveat" in line)

    assert "trained on some of these speakers" in caveat
