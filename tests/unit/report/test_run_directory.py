"""What is written beside the records."""

from __future__ import annotations

from pathlib import Path

import pytest

from sv_eval.errors import RunDirectoryError
from sv_eval.report.run_directory import write_json


@pytest.mark.parametrize("figure", [float("nan"), float("inf")])
def test_a_figure_that_is_no_number_is_refused_by_name_and_nothing_is_written(
    tmp_path: Path, figure: float
) -> None:
    (tmp_path / "found.json").write_text("{}")

    with pytest.raises(RunDirectoryError, match=r"found\.json: a figure comes out as no number"):
        write_json(tmp_path / "found.json", {"a": {"b": figure}})

    assert (tmp_path / "found.json").read_text() == "{}"
