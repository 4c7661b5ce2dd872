"""What is printed is held against the records, and whatever was changed is found."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sv_eval.backends.fake import FakeBackend
from sv_eval.cli.main import command
from sv_eval.config.composing import composed
from sv_eval.errors import RunDirectoryError
from sv_eval.reports.page.document import PAGE, blocks_in, document
from sv_eval.run.evaluate import evaluate
from sv_eval.studies.verify.verifying import verify

pytestmark = pytest.mark.damages_files
MUTATIONS = 25
"""Of each file; tests/endurance/mutate_verified.py makes ten thousand."""

score = command("score")
say = command("verify")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("verified") / "run"
    words = ["backend=fake", "dataset=simulated", "dataset.simulated.n_clips=24", "scoring.resamples=100"]
    evaluate(
        composed("config", [*words, "load.warmup_clips=0", "run.telemetry_s=null", "load.rounds=2"]),
        FakeBackend(failure_rate=0.1),
        directory,
    )
    return directory


@pytest.fixture
def run(measured: Path, tmp_path: Path) -> Path:
    return shutil.copytree(measured, tmp_path / "run")


def test_a_run_and_its_page_agree_with_their_records(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert say([str(run)]) == 0
    assert "metrics.json: every figure" in capsys.readouterr().out
    assert say([str(run / PAGE)]) == 0
    assert "records in it give every figure" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["scoring.policy=ban", "report.language=zh"],
        ["labels=three", "scoring.confidence=0.9", "scoring.slo_ms=5"],
        ["scoring.labels=[happy,sad]", "report.audio=all"],
    ],
    ids=" ".join,
)
def test_so_does_one_that_was_scored_otherwise_later(words: list[str], run: Path) -> None:
    assert score([str(run), *words]) == 0

    assert (verify(run).trouble, verify(run / PAGE).trouble) == (None, None)


@pytest.mark.parametrize("name", ["records.jsonl", "metrics.json", "environment.json", "report.md", PAGE])
def test_any_byte_that_is_another_is_found(name: str, run: Path) -> None:
    content = (run / name).read_bytes()
    chance = random.Random(0)
    unseen = []
    for _ in range(MUTATIONS):
        place = chance.randrange(len(content))
        changed = bytearray(content)
        changed[place] ^= chance.randrange(1, 256)
        (run / name).write_bytes(changed)
        places = [run, run / PAGE] if name == PAGE else [run]
        unseen += [(place, where.name) for where in places if verify(where).trouble is None]

    assert unseen == []


def forged(run: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The page with something changed, sealed as if nothing had been."""
    blocks, _ = blocks_in((run / PAGE).read_bytes(), PAGE)
    change(blocks)
    boot = {key: value for key, value in blocks["boot"].items() if key != "nonce"}
    (run / PAGE).write_text(document(boot, {"clips": blocks["clips"]}), encoding="utf-8")
    return run / PAGE


def better(blocks: dict[str, Any]) -> None:
    blocks["boot"]["report"]["accuracy"]["uar"]["value"] = 0.99


def faster(blocks: dict[str, Any]) -> None:
    blocks["clips"]["columns"]["of"]["latency_ms"]["v"][0] += 1


def righter(blocks: dict[str, Any]) -> None:
    answers = blocks["clips"]["answers"]
    wrong = next(i for i, (a, b) in enumerate(zip(answers["reference"], answers["answer"], strict=True)) if a != b)
    answers["answer"][wrong] = answers["reference"][wrong]


def prouder(blocks: dict[str, Any]) -> None:
    blocks["boot"]["verdict"][0]["en"] = "UAR 99.9 %"


def stranger(blocks: dict[str, Any]) -> None:
    del blocks["clips"]["columns"]["of"]["outcome"]


def reaching(blocks: dict[str, Any]) -> None:
    blocks["boot"]["made"]["hashes"]["../../elsewhere"] = "0" * 64


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (better, "accuracy.uar.value: 0.99 is printed"),
        (faster, "latency_ms."),
        (righter, "clips.answers.answer."),
        (prouder, "verdict.0.en: 'UAR 99.9 %' is printed"),
    ],
)
def test_a_forged_page_is_found_by_the_figure(
    change: Callable[[dict[str, Any]], object], where: str, run: Path
) -> None:
    page = forged(run, change)

    alone, beside = verify(page).trouble, verify(run).trouble

    assert alone is not None
    assert where in alone
    assert beside is not None


def test_a_forged_figure_is_named(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    metrics["per_emotion"]["sad"]["recall"]["value"] = 0.5
    (run / "metrics.json").write_text(json.dumps(metrics, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    assert say([str(run)]) == 1

    assert "metrics.json: per_emotion.sad.recall.value: 0.5 is printed, the records give" in capsys.readouterr().err


def test_a_missing_place_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert say([str(tmp_path / "nowhere")]) == 2
    assert "no such file or folder" in capsys.readouterr().err


def test_the_answers_to_controls_count_too(tmp_path: Path) -> None:
    words = ["backend=fake", "dataset=simulated", "dataset.simulated.n_clips=24", "scoring.resamples=100"]
    settings = composed("config", [*words, "load.warmup_clips=0", "run.telemetry_s=null", "controls=repeats"])
    evaluate(settings, FakeBackend(), tmp_path / "run")
    (kept, *_) = sorted((tmp_path / "run" / "controls").glob("*/records.jsonl"))

    assert (verify(tmp_path / "run").trouble, verify(tmp_path / "run" / PAGE).trouble) == (None, None)

    content = kept.read_bytes()
    kept.write_bytes(content.replace(b'"round"', b'"rounD"', 1) if b'"round"' in content else content[:-40])
    assert verify(tmp_path / "run").trouble is not None


def test_a_run_without_a_page_is_verified_and_speaks_of_none(tmp_path: Path) -> None:
    words = ["backend=fake", "dataset=simulated", "dataset.simulated.n_clips=24", "scoring.resamples=100"]
    directory = tmp_path / "run"
    settings = composed("config", [*words, "load.warmup_clips=0", "run.telemetry_s=null", "report.page=false"])

    summary = evaluate(settings, FakeBackend(), directory)

    assert summary.page is None
    assert not (directory / PAGE).exists()
    assert PAGE not in (directory / "report.md").read_text(encoding="utf-8")
    assert verify(directory).trouble is None
    assert score([str(directory), "report.page=true"]) == 0
    assert verify(directory / PAGE).trouble is None
    assert score([str(directory), "report.page=false"]) == 0
    assert not (directory / PAGE).exists()


def test_what_somebody_else_put_together_ends_in_a_line(run: Path) -> None:
    page = forged(run, stranger)
    assert "records" in (verify(page).trouble or "")
    reached = verify(forged(run, reaching).parent).trouble
    assert reached is not None
    assert "a file that is not of this run" in reached


def test_data_that_unpacks_without_end_is_refused() -> None:
    small = base64.b64encode(gzip.compress(b"0" * 10_000_000)).decode()
    page = f'<script type="application/gzip" id="boot">{small[:-40]}</script>'
    sealed = f"{page}<!-- sha256 {hashlib.sha256(page.encode()).hexdigest()} -->\n"

    with pytest.raises(RunDirectoryError, match="can't be read"):
        blocks_in(sealed.encode(), "page")
