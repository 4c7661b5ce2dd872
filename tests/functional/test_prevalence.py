"""`sv-eval prevalence`: the share of each emotion in audio that nobody labelled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import sv_eval
from sv_eval.cli.main import main

QUICK = ("load=offline", "scoring.resamples=100")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled clips, parted by speaker."""
    place = tmp_path_factory.mktemp("prevalence")
    for name, speakers in (("known", "f"), ("asked", "m")):
        only = ", ".join(f"{language}_{speakers}{number}" for language in ("en", "zh") for number in range(1, 6))
        sv_eval.evaluate(
            backend="onnx", dataset="demo", directory=place / name,
            overrides=[f"dataset.only={{speaker: [{only}]}}", *QUICK],
        )  # fmt: skip
    return place


def test_shares_are_corrected_and_written(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(runs)

    assert main(["asked", "--reference", "known", "out=told"], command="prevalence") == 0

    assert "As answered" in capsys.readouterr().out
    found = json.loads((runs / "told" / "prevalence.json").read_text(encoding="utf-8"))
    assert (found["labelled"]["n"], found["unlabelled"]["n_speakers"]) == (100, 10)
    # A fifth of each, and the bounds say so.
    assert all(one["low"] <= 0.2 <= one["high"] for one in found["shares"].values())
    assert sum(one["counted"] for one in found["shares"].values()) == pytest.approx(1.0)
    assert "<table>" in (runs / "told" / "prevalence.html").read_text(encoding="utf-8")
    assert main(["asked", "reference=known", "report.language=zh"], command="prevalence") == 0
    assert "校正后" in capsys.readouterr().out


def test_what_can_not_be_corrected_is_said(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(runs)
    sv_eval.evaluate(
        backend="onnx", dataset="demo", directory=runs / "few",
        overrides=["dataset.only={speaker: [en_f1, en_f2]}", *QUICK],
    )  # fmt: skip
    sv_eval.evaluate(backend="fake", dataset="simulated", directory=runs / "other", overrides=list(QUICK))

    assert main(["asked", "reference=few"], command="prevalence") == 4
    assert "2 speakers on the labelled side" in capsys.readouterr().out
    for words, why in (
        (["asked", "reference=other"], "two models"),
        (["asked", "reference=asked"], "same clips"),
        (["asked"], "reference=RUN2"),
        (["asked", "reference=known", "confidence=2"], "confidence=2"),
    ):
        assert main(words, command="prevalence") == 2
        assert why in capsys.readouterr().err
