"""What is lost under conditions is found as it was planted, and reports are made of it in both languages."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sv_eval.errors import RunDirectoryError, UsageError
from sv_eval.report.codec import as_json, from_json
from sv_eval.report.robustness import RobustnessFile
from sv_eval.report.sweep import MissingSetting
from sv_eval.reports.robustness import render_robustness
from sv_eval.reports.robustness_figures import CURVES, HEAT, draw_robustness
from sv_eval.scoring.paired.differences import differences_of
from sv_eval.scoring.paired.significance import holm
from sv_eval.studies.robustness.analysis import analyse
from sv_eval.studies.robustness.config import RobustConfig
from sv_eval.studies.robustness.heard import Atlas, Published, read_atlas, read_baseline
from sv_eval.studies.robustness.report import headline
from tests.unit.studies.robustness.conftest import LABELS, QUICK, N, answers

CLEAN = answers(20)
CONDITIONS: dict[str, tuple[list[str | None], dict[str, Any]]] = {
    "noisy/white_20": (answers(10), {"noise": {"color": "white", "snr_db": 20.0}}),
    "noisy/white_0": (answers(3, "unknown"), {"noise": {"color": "white", "snr_db": 0.0}}),
    "noisy/white_40": (CLEAN, {"noise": {"color": "white", "snr_db": 40.0}}),
    "line/opus_24k": (answers(18), {"telephone": {"codec": "opus", "bit_rate": 24000}}),
    "line/opus_6k": (answers(4, "failed"), {"telephone": {"codec": "opus", "bit_rate": 6000}}),
    "street_call": (answers(4), {"noise": {}, "telephone": {}}),
}


@pytest.fixture
def atlas(atlas_of: Callable[..., Atlas]) -> Atlas:
    return atlas_of(CLEAN, CONDITIONS)


def found_in(atlas: Atlas, baseline: Atlas | Published | None = None, **options: Any) -> RobustnessFile:
    missing = [MissingSetting(number=9, name="room/rt06_1m", reason="no <i>room</i>")]
    return analyse(atlas, missing, RobustConfig(**options), QUICK, baseline=baseline, command="python -m sv_eval")


def rights(said: list[str | None]) -> np.ndarray[Any, Any]:
    return np.array([answer == LABELS[n % 3] for n, answer in enumerate(said)])


def test_drops_flips_and_what_was_left_unsaid_are_those_that_were_planted(atlas: Atlas) -> None:
    rows = {row.name: row for row in found_in(atlas).conditions}

    for name, (said, _) in CONDITIONS.items():
        row, right = rows[name], rights(said)
        recalls = [right[n::3].mean() for n in range(3)]
        clean = [rights(CLEAN)[n::3].mean() for n in range(3)]
        assert row.n_clips == N
        assert row.error == pytest.approx(100 * (1 - right.mean()))
        assert row.uar.value == pytest.approx(np.mean(recalls) - np.mean(clean))
        assert [row.recall[label].value for label in LABELS] == pytest.approx(list(np.subtract(recalls, clean)))
        assert row.flipped.n == sum(now != was for now, was in zip(said, CLEAN, strict=True))
        assert row.unknown.n == sum(now == "unknown" for now in said)
        assert row.failed.n == sum(now == "failed" for now in said)


def test_an_other_emotion_is_no_silence(atlas_of: Callable[..., Atlas]) -> None:
    said: list[str | None] = ["surprised", *CLEAN[1:]]

    (row,) = found_in(atlas_of(CLEAN, {"x": (said, {"dc": {"offset": 0.1}})})).conditions

    assert (row.unknown.n, row.failed.n, row.flipped.n) == (0, 0, 1)


def test_p_values_are_adjusted_over_uar_and_recalls_of_all_conditions(atlas: Atlas) -> None:
    found = found_in(atlas)
    by_name = {one.name: one for one in atlas.heard}
    plain, told = [], []
    for row in found.conditions:
        differences = differences_of(atlas.pairs(by_name[row.name]), resamples=QUICK.resamples)
        figures = {"uar": row.uar, **{f"recall:{label}": change for label, change in row.recall.items()}}
        for name, change in figures.items():
            if differences[name].p_value is not None:
                plain.append(differences[name].p_value)
                told.append(change.p_adjusted)

    assert found.n_tests == len(plain) > 20
    assert told == pytest.approx(holm([p for p in plain if p is not None]), abs=1e-8)
    assert all(row.accuracy.p_adjusted is None for row in found.conditions)


def test_the_margin_is_broken_surely_perhaps_or_not_by_the_interval(atlas: Atlas) -> None:
    rows = {row.name: row for row in found_in(atlas, margin=0.03).conditions}

    for row in rows.values():
        change = row.uar
        if change.low is None or change.high is None:
            continue
        expected = "surely" if change.high < -0.03 else "perhaps" if change.low < -0.03 else "no"
        assert row.beyond == expected
    assert rows["noisy/white_0"].beyond == "surely"
    assert rows["noisy/white_40"].beyond == "no"


def test_a_corruption_breaks_from_its_mildest_level_that_does(atlas: Atlas) -> None:
    white, opus = sorted(found_in(atlas).breaking, key=lambda one: one.corruption, reverse=True)[1::-1]
    broken = {one.corruption: one for one in (white, opus)}

    assert set(broken) == {"noise_white", "line_opus"}
    assert broken["noise_white"].levels == (40.0, 20.0, 0.0)
    assert broken["noise_white"].surely in (20.0, 0.0)
    assert broken["line_opus"].levels == (24000.0, 6000.0)
    assert broken["line_opus"].surely == 6000.0


def test_conditions_stand_by_kind_the_mildest_first(atlas: Atlas) -> None:
    assert [row.name for row in found_in(atlas).conditions] == [
        "line/opus_24k", "line/opus_6k", "noisy/white_40", "noisy/white_20", "noisy/white_0", "street_call",
    ]  # fmt: skip


def test_errors_relative_to_itself_are_a_hundred(atlas: Atlas) -> None:
    errors = found_in(atlas, atlas).errors

    assert errors
    assert errors.paired
    assert errors.mce.value == pytest.approx(100)
    assert errors.rmce.value == pytest.approx(100)
    assert errors.only_here == errors.only_there == ()


def test_errors_relative_to_published_ones_are_by_the_formula(atlas: Atlas) -> None:
    published = {"noisy/white_20": 20.0, "noisy/white_0": 50.0, "line/opus_6k": 40.0, "elsewhere": 9.0}

    errors = found_in(atlas, Published(source="a.json", clean=10.0, errors=published)).errors

    assert errors
    clean, mild, loud, line = (
        100 * (1 - rights(said).mean())
        for said in (CLEAN, answers(10), answers(3, "unknown"), answers(4, "failed"))
    )
    by_name = {one.corruption: one for one in errors.corruptions}
    assert not errors.paired
    assert by_name["noise_white"].ce.value == pytest.approx(100 * (mild + loud) / 70)
    assert by_name["noise_white"].rce.value == pytest.approx(100 * (mild + loud - 2 * clean) / 50)
    assert by_name["line_opus"].rce.value == pytest.approx(100 * (line - clean) / 30)
    assert errors.mce.value == pytest.approx((100 * (mild + loud) / 70 + 100 * line / 40) / 2)
    assert errors.mce.low is not None
    assert errors.mce.low < errors.mce.value
    assert errors.only_there == ("elsewhere",)
    assert set(errors.only_here) == {"noisy/white_40", "line/opus_24k", "street_call"}


def test_a_baseline_that_is_scored_over_other_emotions_is_asked_about_the_same(
    atlas: Atlas, atlas_of: Callable[..., Atlas]
) -> None:
    other = atlas_of(CLEAN, CONDITIONS)
    run = other.clean.run
    report = replace(run.report, labels=("sad",))
    narrower = replace(other, clean=replace(other.clean, run=replace(run, report=report)))

    errors = found_in(atlas, narrower).errors

    assert errors
    assert errors.n_clips == N
    assert errors.mce.value == pytest.approx(100)


def test_a_baseline_that_loses_nothing_is_said_so(atlas: Atlas) -> None:
    flat = Published(source="a.json", clean=20.0, errors=dict.fromkeys(CONDITIONS, 20.0))

    text = render_robustness(found_in(atlas, flat))

    assert "– (the baseline loses nothing: there is no ratio)" in text


def test_a_baseline_without_these_conditions_is_refused(atlas: Atlas) -> None:
    with pytest.raises(UsageError, match="none of the conditions"):
        found_in(atlas, Published(source="a.json", clean=10.0, errors={"x": 1.0}))


def test_clips_without_speakers_are_units_of_their_own(atlas_of: Callable[..., Atlas]) -> None:
    found = found_in(atlas_of(CLEAN, CONDITIONS, speakers=False))

    assert (found.units.kind, found.units.n) == ("clip", N)
    assert all(row.uar.low is not None for row in found.conditions if row.uar.value)


def test_the_file_holds_all_of_it(atlas: Atlas) -> None:
    found = found_in(atlas, atlas)

    text = json.dumps(as_json(found), allow_nan=False)

    assert from_json(RobustnessFile, json.loads(text), "x") == found


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_names_every_condition_in_both_languages(atlas: Atlas, language: str) -> None:
    found = found_in(atlas, atlas)
    figures = draw_robustness(found, language)

    text = render_robustness(found, language, figures=list(figures))

    assert set(figures) == {HEAT, CURVES}
    assert all(f"`{row.name}`" in text for row in found.conditions)
    assert "<i>" not in text
    assert "100.00" in text
    assert ("高兴" in text) == (language == "zh") == ("高兴" in figures[HEAT])
    assert ("信噪比" in figures[CURVES]) == (language == "zh")
    assert draw_robustness(found, language) == figures
    assert "street_call" in headline(found) or "noisy/white_0" in headline(found)


def test_a_baseline_is_read_from_a_file_of_errors(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(json.dumps({"clean": 21.64, "gaussian": {"level_1": 24.7, "level_2": 28.57}}), "utf-8")

    found = read_baseline(str(path))

    assert found == Published(source=str(path), clean=21.64, errors={"level_1": 24.7, "level_2": 28.57})


@pytest.mark.parametrize("data", [{"clean": 120}, {"clean": 10, "x": {"y": "z"}}, {"clean": 1, "x": [2]}, {"a": 1}])
def test_a_baseline_that_is_none_is_refused_by_name(tmp_path: Path, data: dict[str, Any]) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(json.dumps(data), "utf-8")

    with pytest.raises(RunDirectoryError, match=r"baseline\.json"):
        read_baseline(str(path))


def test_a_directory_without_an_atlas_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="sweep over conditions"):
        read_atlas(tmp_path)
