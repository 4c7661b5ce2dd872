"""Sounds travel along where they may, up to a size, and where they may not the page says so."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import av
import pytest

from sv_eval.backends.fake import FakeBackend
from sv_eval.config.composing import composed
from sv_eval.finished.rescore import rescore
from sv_eval.reports.page.document import PAGE, blocks_in
from sv_eval.run.evaluate import evaluate

WORDS = ("backend=fake", "dataset=demo", "dataset.limit=10", "scoring.resamples=100", "load.warmup_clips=0")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("sounds") / "run"
    evaluate(composed("config", [*WORDS, "run.telemetry_s=null"]), FakeBackend(accuracy=0.5), directory)
    return directory


def page_with(run: Path, **report: Any) -> dict[str, Any]:
    rescore(run, {"report": report})
    return blocks_in((run / PAGE).read_bytes(), PAGE)[0]


def test_the_sound_of_what_was_answered_wrongly_can_travel_along(run: Path) -> None:
    blocks = page_with(run, audio="worst")

    answers = blocks["clips"]["answers"]
    wrong = {
        str(row)
        for row, (truth, answer) in enumerate(zip(answers["reference"], answers["answer"], strict=True))
        if answers["references"][truth] != answers["answers"][answer]
    }
    assert 0 < len(wrong) < len(answers["rows"])
    assert set(blocks["audio"]) == wrong
    assert f"{len(wrong)} of {len(answers['rows'])} clips can be heard" in blocks["boot"]["audio_note"]["en"]
    with av.open(io.BytesIO(base64.b64decode(blocks["audio"][min(wrong)]))) as container:
        (stream,) = container.streams.audio
        frames = list(container.decode(stream))
    assert stream.codec_context.name in ("opus", "libopus")
    assert sum(frame.samples for frame in frames) / frames[0].sample_rate > 0.5


def test_no_more_than_fits_travels_along(run: Path) -> None:
    whole = page_with(run, audio="all")["audio"]
    half = sum(map(len, whole.values())) / 2 / 2**20

    blocks = page_with(run, audio="all", audio_mb=half)

    assert 0 < len(blocks["audio"]) < len(whole)
    assert "no room" in blocks["boot"]["audio_note"]["en"]


def test_nothing_travels_along_unless_it_is_asked_for(run: Path) -> None:
    blocks = page_with(run)

    assert "audio" not in blocks
    assert blocks["boot"]["audio_note"] is None


def test_where_the_licence_is_not_known_to_allow_it_the_page_says_so(run: Path) -> None:
    path = run / "environment.json"
    before = path.read_text(encoding="utf-8")
    environment = json.loads(before)
    environment["dataset"]["licence"] = "LicenseRef-Research"
    path.write_text(json.dumps(environment), encoding="utf-8")
    try:
        blocks = page_with(run, audio="all")
    finally:
        path.write_text(before, encoding="utf-8")

    assert "audio" not in blocks
    assert "LicenseRef-Research" in blocks["boot"]["audio_note"]["en"]
    assert "LicenseRef-Research" in blocks["boot"]["audio_note"]["zh"]


def test_where_the_clips_are_gone_the_page_says_so(run: Path) -> None:
    path = run / "environment.json"
    before = path.read_text(encoding="utf-8")
    environment = json.loads(before)
    environment["config"]["dataset"] = {"name": "folder", "kind": "folder", "root": "/nowhere/at/all"}
    path.write_text(json.dumps(environment), encoding="utf-8")
    try:
        blocks = page_with(run, audio="all")
    finally:
        path.write_text(before, encoding="utf-8")

    assert "audio" not in blocks
    assert "could not be read" in blocks["boot"]["audio_note"]["en"]
