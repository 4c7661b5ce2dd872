"""A file of ours that is no JSON, or none that can be followed, is an error that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sv_eval.errors import UsageError
from sv_eval.report.identity import refuse_other_run
from sv_eval.report.run_directory import ENVIRONMENT, read_environment, read_report
from sv_eval.studies.gate.baseline_file import read_baseline

pytestmark = pytest.mark.damages_files

DAMAGES = ["", "{", "[1]", "null", "[" * 200_000 + "]" * 200_000, '{"a": ' * 100_000 + "1" + "}" * 100_000]


@pytest.mark.parametrize("damage", DAMAGES, ids=["empty", "torn", "list", "null", "deep list", "deep object"])
def test_a_damaged_file_is_named(damage: str, tmp_path: Path) -> None:
    for name in ("metrics.json", "environment.json", "baseline.json", "records.jsonl"):
        (tmp_path / name).write_text(damage, encoding="utf-8")

    with pytest.raises(UsageError, match=r"metrics\.json"):
        read_report(tmp_path)
    with pytest.raises(UsageError, match=r"environment\.json"):
        read_environment(tmp_path)
    with pytest.raises(UsageError, match=r"baseline\.json"):
        read_baseline(tmp_path / "baseline.json")
    with pytest.raises(UsageError, match=ENVIRONMENT):
        refuse_other_run(tmp_path, settings={}, dataset_hash="0", begun=True)
