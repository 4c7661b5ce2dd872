from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import f1_score

from sv_eval.finished.rescore import compute_report
from sv_eval.record_file.run_records import RunRecords
from sv_eval.report.accuracy import Confusion, PolicyFigures
from sv_eval.report.codec import from_json
from sv_eval.report.context import Mismatch, Reference
from sv_eval.report.environment import Environment
from sv_eval.report.interval import Interval
from sv_eval.report.report import Report
from sv_eval.reports.markdown import template
from sv_eval.reports.wording import Wording, share
from sv_eval.scoring.config import POLICIES, ScoringConfig
from sv_eval.scoring.references import macro_f1_inferred, published, references_of

FOUR = ["happy", "sad", "angry", "neutral"]
HERE: dict[str, Any] = {
    "machine": {"cpu": "A CPU", "cores": 2, "memory_gib": 8.0, "system": "Linux", "python": "3.11"},
    "packages": {},
}


def environment(
    model: str = "iic/SenseVoiceSmall", notes: Sequence[str] = (), corpus: str = "casia", **card: Any
) -> Environment:
    data = {
        "started_at": "2026-01-01T00:00:00+00:00", "config_hash": "c0ffee", "settings": {}, "sessions": [],
        "config": {"load": {"schedule": "single_stream"}}, **HERE,
        "dataset": {
            "name": corpus, "card": corpus, "title": "A corpus", "hash": "abc", "split": "all", "n_clips": 1200,
            "language": None, "licence": "CC0-1.0", "citation": None, "label_order": FOUR,
            "label_map": {"name": corpus, "version": 1, "hash": "123"}, "notes": [{"code": code} for code in notes],
        },
        "backend": {"name": "some", "model": model, "card": card, "capabilities": {}},
    }  # fmt: skip
    return from_json(Environment, data, "environment.json")


def figure(value: float | None) -> Interval:
    return Interval(value=value, low=None if value is None else value - 0.02, high=value, n=4)


def confusion_of(counts: Sequence[Sequence[int]], columns: Sequence[str]) -> Confusion:
    rows = tuple(columns[: len(counts)])
    return Confusion(
        rows=rows, columns=tuple(columns), counts=tuple(map(tuple, counts)), failed=(0,) * len(rows),
        n_scored_rows=len(rows), answers="unforced",
    )  # fmt: skip


NOTHING = compute_report(RunRecords.of_records([]), environment(), ScoringConfig())


def metrics(labels: Sequence[str] = FOUR, *, forced: bool = True, clips: int = 1200) -> Report:
    names = ("uar", "accuracy", "macro_f1", "weighted_f1", "coverage")
    scores = {
        p: PolicyFigures(**dict.fromkeys(names, figure(0.6 if forced or p != "ban" else None))) for p in POLICIES
    }
    counts = [[3, 1, 0, 0, 0], [0, 4, 0, 0, 0], [0, 0, 4, 0, 0], [0, 0, 0, 2, 2]]
    confusion = confusion_of(counts, [*FOUR, "fearful"])
    return replace(
        NOTHING, labels=tuple(labels), policy="wrong", policies=scores, run=replace(NOTHING.run, n_clips=clips),
        confusion_forced=confusion if forced else None, confusion_unforced=confusion,
    )  # fmt: skip


def of_small(found: Sequence[Reference]) -> Reference:
    return next(one for one in found if one.name == "sensevoice_small")


def test_where_the_protocol_matches_the_figures_stand_side_by_side():
    one = of_small(references_of(metrics(), environment()))

    assert one.matches
    assert one.policy == "ban"
    assert one.figures["uar"].published == 0.7
    assert one.figures["uar"].difference == pytest.approx(-0.1)


@pytest.mark.parametrize(
    ("scores", "settings", "code"),
    [
        (metrics([*FOUR, "fearful"]), environment(), "labels"),
        (replace(metrics(), labels_without_clips=(FOUR[0],)), environment(), "labels"),
        (metrics(), environment("tiny"), "model"),
        (metrics(), environment("SenseVoiceLarge"), "model"),
        (metrics(), environment("SenseVoiceSmall shape", kind="random"), "model"),
        (metrics(), environment(notes=["limited"]), "clips"),
        (metrics(), environment(notes=["differs_from_card"]), "clips"),
        (metrics(clips=1100), environment(), "clips"),
        (metrics(forced=False), environment(), "policy"),
    ],
)
def test_what_is_known_and_not_so_keeps_a_figure_apart(scores, settings, code):
    one = of_small(references_of(scores, settings))

    assert [mismatch.code for mismatch in one.mismatches] == [code]
    assert one.figures["uar"].measured is None


def test_models_trained_on_the_corpus_never_compare():
    found = {one.name: one for one in references_of(metrics(), environment())}

    assert found["emobox_best"].mismatches == (Mismatch(code="trained"),)


def test_a_corpus_that_nothing_was_published_about_has_no_references():
    assert references_of(metrics(), environment(corpus="demo")) == ()


def test_the_seven_sets_of_the_published_table_are_there_with_sources():
    tables = published()

    assert set(tables["sensevoice_small"]["figures"]) == {
        "casia", "cremad", "esd", "iemocap", "meld", "mer2023", "msppodcast",
    }  # fmt: skip
    assert all(table["source"] and table["url"].startswith("https://") for table in tables.values())
    # Balanced sets have one value for both; a slip of the pen would show here.
    assert all(tables[t]["figures"][c]["uar"] == tables[t]["figures"][c]["accuracy"]
               for t in ("sensevoice_small", "sensevoice_large") for c in ("casia", "esd"))  # fmt: skip


@given(arrays.arrays(np.int64, (3, 5), elements=st.integers(0, 6)))
def test_macro_f1_over_inferred_classes_is_scikit_learns(counts):
    cells = [(truth, said) for truth in range(3) for said in range(5) for _ in range(counts[truth, said])]
    confusion = confusion_of(counts.tolist(), "abcde")
    ours = macro_f1_inferred(replace(NOTHING, confusion_unforced=confusion, confusion_forced=None), "wrong")

    if not cells:
        assert ours is None
        return
    truth, said = zip(*cells, strict=True)
    assert ours == pytest.approx(f1_score(truth, said, average="macro", zero_division=0), abs=1e-12)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_section_says_what_matches_and_what_does_not(language):
    scores = metrics()
    both = references_of(scores, environment()) + references_of(metrics(FOUR[:2]), environment("tiny"))

    text = template("references.md.j2").render(w=Wording(language), m=replace(scores, references=both), share=share)

    assert "| 70.0 % | 60.0 % [58.0 %, 60.0 %]" in text.replace("[58.0, 60.0]", "[58.0 %, 60.0 %]")
    assert "-10.0" in text
    assert "SenseVoiceSmall" in text
    assert "{" not in text
