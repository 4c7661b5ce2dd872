"""A sweep keeps to its plan: what is finished is left out, what is changed is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sv_eval.errors import RunDirectoryError
from sv_eval.finished.rescore import compute_report
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Record
from sv_eval.report.codec import as_json
from sv_eval.report.environment import Environment
from sv_eval.report.run_directory import write_json, write_report
from sv_eval.scoring.config import ScoringConfig
from sv_eval.studies.sweep.plan import Setting, grid, is_finished, keep_to_plan, shuffled


def setting(number: int, **backend: Any) -> Setting:
    return Setting(
        number=number,
        directory=str(number),
        values={f"backend.{key}": value for key, value in backend.items()},
        overrides=tuple(f"backend.{key}={value}" for key, value in backend.items()),
        measured={"backend": backend, "dataset": {"name": "demo"}, "load": {}},
    )


def test_the_same_plan_is_kept_to_and_another_is_refused_with_the_difference(tmp_path: Path) -> None:
    keep_to_plan(tmp_path, [setting(0, chunk_size=None), setting(1, chunk_size=3)])
    keep_to_plan(tmp_path, [setting(0, chunk_size=None), setting(1, chunk_size=3)])

    with pytest.raises(RunDirectoryError, match=r"backend\.chunk_size: 3 -> 4 \(of 1 settings\)"):
        keep_to_plan(tmp_path, [setting(0, chunk_size=None), setting(1, chunk_size=4)])
    with pytest.raises(RunDirectoryError, match="2 settings -> 1"):
        keep_to_plan(tmp_path, [setting(0, chunk_size=None)])


def test_a_change_that_all_settings_have_is_told_once(tmp_path: Path) -> None:
    keep_to_plan(tmp_path, [setting(n, chunk_size=n, language="zh") for n in range(30)])

    with pytest.raises(RunDirectoryError) as refusal:
        keep_to_plan(tmp_path, [setting(n, chunk_size=n, language="en") for n in range(30)])

    assert str(refusal.value).count("language") == 1


def test_the_order_is_none_of_the_grids_and_always_the_same() -> None:
    points = [setting(-1, vad_threshold=a, chunk_size=b) for a in range(5) for b in range(5)]

    once, again = shuffled(points), shuffled(list(reversed(points)))

    assert once == again
    assert once != points
    assert sorted(once, key=points.index) == points


def test_a_grid_has_every_combination() -> None:
    assert len(grid({"a": ["1", "2"], "b": ["x", "y", "z"]})) == 6


@pytest.fixture
def left(tmp_path: Path, environment_of: Callable[..., Environment], records: list[Record]) -> Callable[..., None]:
    """Leaves the run of setting 1, which ended so and was scored so."""
    report = compute_report(RunRecords.of_records(records), environment_of(), ScoringConfig(resamples=100))

    def leave(*, ended: str | None, scored: str = "abc", **backend: Any) -> None:
        settings = {**setting(1, **backend).measured, "model_hash": "w"}
        whole = environment_of(settings=settings)
        environment = replace(whole, sessions=tuple(replace(start, ended=ended) for start in whole.sessions))
        write_json(tmp_path / "1" / "environment.json", as_json(environment))
        run = replace(report.run, scoring_hash=scored)
        write_report(tmp_path / "1" / "metrics.json", replace(report, run=run))

    return leave


def test_only_a_run_that_came_to_its_end_under_these_settings_is_finished(
    tmp_path: Path, left: Callable[..., None]
) -> None:
    asked = setting(1, chunk_size=3)
    assert not is_finished(tmp_path, asked, "abc")
    left(ended="finished", chunk_size=3)
    assert is_finished(tmp_path, asked, "abc")
    assert not is_finished(tmp_path, asked, "scored otherwise")
    left(ended=None, chunk_size=3)
    assert not is_finished(tmp_path, asked, "abc")
    left(ended="finished", chunk_size=5)
    assert not is_finished(tmp_path, asked, "abc")


@pytest.mark.damages_files
def test_a_foreign_file_in_a_runs_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    for name in ("environment.json", "metrics.json"):
        (tmp_path / "1" / name).write_text("{}")

    with pytest.raises(RunDirectoryError, match="not this program's run"):
        is_finished(tmp_path, setting(1, chunk_size=3), "abc")


@pytest.mark.parametrize("settings", ["[1]", '["x"]', "[[]]", '{"a": 1}', "null"])
def test_a_plan_that_was_damaged_is_named(tmp_path: Path, settings: str) -> None:
    (tmp_path / "plan.json").write_text(f'{{"schema_version": 1, "settings": {settings}}}')

    with pytest.raises(RunDirectoryError, match=r"plan\.json: not this program's file"):
        keep_to_plan(tmp_path, [])
