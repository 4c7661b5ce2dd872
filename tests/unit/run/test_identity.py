from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sv_eval.errors import RunDirectoryError
from sv_eval.report.identity import ENVIRONMENT, measured_settings, refuse_other_run, settings_hash

pytestmark = pytest.mark.damages_files


def settings(**backend: Any) -> dict[str, Any]:
    config = {
        "backend": backend,
        "dataset": {"name": "emodb", "root": "/a"},
        "load": {},
        "report": {"language": "en"},
    }
    return measured_settings(config)


def keep(directory: Path, kept: dict[str, Any], dataset_hash: str) -> None:
    data = {"settings": kept, "dataset": {"hash": dataset_hash}}
    (directory / ENVIRONMENT).write_text(json.dumps(data), encoding="utf-8")


def test_the_place_of_the_corpus_and_the_report_are_not_part_of_the_identity() -> None:
    assert "root" not in settings()["dataset"]
    assert "report" not in settings()


def test_the_place_of_a_corpus_that_a_backend_learns_from_is_not_either() -> None:
    here, there = (settings(train={"name": "demo", "root": root}, corpus={"root": root}) for root in ("/a", "/b"))

    assert here == there
    assert here != settings(train={"name": "other", "root": "/a"}, corpus={"root": "/a"})
    assert "root" in settings(model={"root": "/a"})["backend"]["model"]


def test_the_hash_changes_with_a_setting() -> None:
    assert settings_hash(settings(threads=1)) == settings_hash(settings(threads=1))
    assert settings_hash(settings(threads=1)) != settings_hash(settings(threads=2))


def test_the_same_run_may_go_on(tmp_path: Path) -> None:
    keep(tmp_path, settings(threads=1), "abc")

    refuse_other_run(tmp_path, settings(threads=1), "abc", begun=True)


def test_another_run_is_refused_with_the_difference(tmp_path: Path) -> None:
    keep(tmp_path, settings(threads=1), "abc")

    with pytest.raises(RunDirectoryError, match=r"backend\.threads: 1 -> 2"):
        refuse_other_run(tmp_path, settings(threads=2), "abc", begun=True)
    with pytest.raises(RunDirectoryError, match="abc -> def"):
        refuse_other_run(tmp_path, settings(threads=1), "def", begun=True)


def test_records_without_the_file_that_explains_them_are_refused(tmp_path: Path) -> None:
    refuse_other_run(tmp_path, settings(threads=1), "abc", begun=False)

    with pytest.raises(RunDirectoryError, match=r"environment\.json"):
        refuse_other_run(tmp_path, settings(threads=1), "abc", begun=True)


def test_settings_that_came_later_change_nothing_while_they_are_as_by_default() -> None:
    before = {"dataset": {"name": "x", "limits": {"max_duration_s": 600.0}}}
    later = {"dataset": {"name": "x", "channel": None, "limits": {"max_duration_s": 600.0, "max_level": 16.0}}}
    other = {"dataset": {"name": "x", "channel": "left", "limits": {"max_duration_s": 600.0, "max_level": 1e6}}}

    assert measured_settings(before) == measured_settings(later)
    assert measured_settings(other)["dataset"] == other["dataset"]
