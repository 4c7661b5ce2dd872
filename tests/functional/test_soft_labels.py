"""Raters' votes from a manifest to report, gate, baseline, comparison and export."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sv_eval
from sv_eval.cli.main import command

DEMO = Path(__file__).parents[2] / "datasets" / "demo"
LABELS = ("happy", "sad", "angry", "neutral", "surprised")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUICK = ("scoring.resamples=100", "load=offline", "load.warmup_clips=0", "run.telemetry_s=null")


def with_votes(file: Path) -> None:
    """The bundled clips with six simulated raters each: each hears the emotion in 7 of 10 clips, or else any."""
    rng = np.random.default_rng(0)
    with (DEMO / "manifest.csv").open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["id", "path", "emotion", "speaker", "votes"])
        for row in rows:
            said = [row["emotion"] if rng.random() < 0.7 else LABELS[rng.integers(5)] for _ in range(6)]
            votes = json.dumps({f"r{place}": word for place, word in enumerate(said)})
            writer.writerow([row["id"], row["path"], row["emotion"], row["speaker"], votes])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("soft")
    with_votes(folder / "voted.csv")
    for name, accuracy in (("good", 0.95), ("bad", 0.5)):
        sv_eval.evaluate(
            backend="fake", dataset="manifest", directory=folder / name,
            overrides=[
                f"dataset.manifest.file={folder / 'voted.csv'}", f"dataset.root={DEMO}",
                f"backend.accuracy={accuracy}", f"backend.labels=[{','.join(LABELS)}]", *QUICK,
            ],
        )  # fmt: skip
    return folder


def metrics(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    return found


def test_a_run_keeps_raters_and_is_held_against_them(place: Path) -> None:
    first = json.loads((place / "good" / "records.jsonl").read_text(encoding="utf-8").splitlines()[0])
    good, bad = (metrics(place / name)["soft_labels"] for name in ("good", "bad"))

    assert len(first["clip"]["raters"]) == 6
    assert (good["n_voted"], good["n"], good["votes_a_clip"]) == (200, 200, 6.0)
    assert good["tvd"]["of_answers"]["high"] < bad["tvd"]["of_answers"]["low"]
    # Each rater says the emotion in 0.7 + 0.3 / 5 of clips, and another one in 0.06 each.
    assert good["soft_accuracy"]["of_raters"]["value"] == pytest.approx(0.76**2 + 4 * 0.06**2, abs=0.03)
    assert "Against what raters heard" in (place / "good" / "report.md").read_text(encoding="utf-8")


def test_scoring_again_finds_the_same_and_votes_can_make_several_emotions_true(place: Path) -> None:
    before = metrics(place / "good")

    assert command("score")([str(place / "good"), "scoring.resamples=100", "scoring.multi_label={votes: 0.3}"]) == 0
    several = metrics(place / "good")["several_emotions"]
    assert command("score")([str(place / "good"), "scoring.resamples=100"]) == 0

    assert (several["n"], several["from_votes"]) == (200, 0.3)
    assert several["true_a_clip"] > 1
    assert metrics(place / "good") == before
    assert command("verify")([str(place / "good")]) == 0


def test_a_gate_looks_at_what_raters_heard(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gate, saved = command("gate"), place / "baseline.json"
    assert command("baseline")(["save", str(place / "good"), str(saved)]) == 0

    for baseline in (place / "good", saved):
        rules = [
            f"baseline={baseline}",
            "gate=none",
            "gate.name=soft",
            "gate.margins.soft.overlap=0.02",
            "gate.shares.slow=null",
        ]
        assert gate([*rules, f"candidate={place / 'good'}", f"out={place / 'same'}"]) == 0
        assert gate([*rules, f"candidate={place / 'bad'}", f"out={place / 'worse'}"]) == 3
    assert "overlap of answers and raters' votes" in (place / "worse" / "gate.md").read_text(encoding="utf-8")
    floors = [f"candidate={place / 'good'}", "gate=none", "gate.name=own", f"out={place / 'own'}"]
    assert gate([*floors, "gate.floors.soft.soft_macro_f1=0.3"]) == 0
    assert gate([*floors, "gate.floors.soft.soft_accuracy=0.99"]) == 3
    assert gate([*floors, "gate.floors.soft.nothing=0.5"]) == 3
    assert "no such figure" in capsys.readouterr().out


def test_a_comparison_holds_both_runs_against_raters(place: Path) -> None:
    assert command("compare")([str(place / "good"), str(place / "bad"), f"out={place / 'compared'}"]) == 0

    (pair,) = json.loads((place / "compared" / "compare.json").read_text(encoding="utf-8"))["pairs"]
    for name, figure in (("overlap", "tvd"), ("soft_accuracy", "soft_accuracy")):
        change = pair["soft"][name]
        value = metrics(place / "good")["soft_labels"][figure]["of_answers"]["value"]
        assert change["before"] == pytest.approx(1 - value if name == "overlap" else value, abs=1e-6)
        assert change["high"] < 0
    assert "raters who said the same" in (place / "compared" / "compare.md").read_text(encoding="utf-8")


def test_exports_have_soft_figures(place: Path) -> None:
    assert command("export")([str(place / "good"), f"out={place / 'exported'}"]) == 0

    text = "\n".join(
        file.read_text(encoding="utf-8")
        for file in (place / "exported").iterdir()
        if file.suffix in (".csv", ".prom")
    )
    assert "all,soft_macro_f1," in text
    assert "sv_eval_soft{" in text
    assert "sv_eval_raters_alpha" in text


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed (apt-get install chromium)")
@pytest.mark.filterwarnings("default")
def test_the_page_shows_answers_beside_people(place: Path, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    with (
        sync_playwright() as driver,
        driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]) as browser,
    ):
        page = browser.new_page()
        page.goto((place / "good" / "report.html").as_uri())
        shown = page.locator("section[aria-labelledby=soft-title]")
        shown.wait_for()
        text = shown.inner_text()
        ticks = shown.locator(".tick").count()

    found = metrics(place / "good")["soft_labels"]
    assert f"{100 * found['soft_accuracy']['of_answers']['value']:.1f}" in text
    assert f"{found['alpha']['value']:.3f}" in text
    # Every line has what people reach.
    assert ticks == 4 + len(found["agreement"])
