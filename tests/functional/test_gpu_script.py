"""`make gpu` up to the card: the CPU stands in for it, each part is kept, and without a card nothing is claimed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.gpu import card_here, main


def test_parts_are_measured_kept_and_told_as_what_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--stand-in", "--out", str(tmp_path), "--only", "single", "parity"]
    main(words)
    page = (tmp_path / "gpu.md").read_text(encoding="utf-8")
    found = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))

    assert found["card"] is None
    assert "No card was seen" in page
    assert "| published, card not named; RTF: an H100 | 63 | 67 | 70 |" in page
    single = found["parts"]["onnx cpu fp32, single"]
    assert all(single["p50_ms_by_length"][length] > 0 for length in ("3", "5", "10"))
    assert found["parts"]["onnx cpu fp32, parity"]["labels that differ"] == 0

    # What is there is not done again, and what the budget does not reach is told.
    logs = {path: path.stat().st_mtime_ns for path in tmp_path.glob("parts/*/log.txt")}
    main([*words, "closed", "--budget", "0"])
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("parts/*/log.txt")} == logs
    again = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))["parts"]
    assert again["onnx cpu fp32, single"] == single
    assert "the budget was spent" in again["onnx cpu fp32, closed"]["ended"]
    capsys.readouterr()


@pytest.mark.skipif(card_here() is not None, reason="there is a card")
def test_without_a_card_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no NVIDIA card answers"):
        main(["--out", str(tmp_path / "out")])

    assert not (tmp_path / "out").exists()
