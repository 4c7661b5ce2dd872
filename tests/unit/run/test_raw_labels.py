"""A plug-in's own words reach the records and the classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
import soundfile

from sv_eval.answer_words import AnswerWords
from sv_eval.backend import Answer, BackendInfo, Capabilities, Request
from sv_eval.config.composing import composed
from sv_eval.emotions import EMOTIONS
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Prediction
from sv_eval.run.evaluate import evaluate


class Wordy:
    """Says `gutted` to everything, which it declares to be disappointment."""

    def __init__(self, raw: Any = "gutted") -> None:
        self._raw = raw
        self.capabilities = Capabilities(labels=(*EMOTIONS, "disappointment"))
        self.info = BackendInfo(
            name="wordy", model="none", words=AnswerWords(name="wordy", entries={"gutted": "disappointment"})
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *reason: object) -> None:
        return None

    async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
        return [Prediction(label="other", raw_label=self._raw) for _ in requests]


def settings(folder: Path, *words: str) -> dict[str, Any]:
    rows = ["path,emotion,speaker"]
    for number in range(6):
        soundfile.write(folder / f"{number}.wav", np.random.default_rng(number).normal(0, 0.1, 8000), 16_000)
        rows.append(f"{number}.wav,{'disappointed' if number % 2 else 'happy'},s{number % 3}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return composed(
        "config",
        [
            *("backend=fake", "dataset=manifest", f"dataset.root={folder}"),
            *(f"dataset.manifest.file={folder}/manifest.csv", "load.warmup_clips=0", "run.telemetry_s=null"),
            *("scoring.resamples=100", *words),
        ],
    )


def test_a_plug_ins_word_is_a_class_where_the_corpus_has_it(tmp_path: Path) -> None:
    summary = evaluate(settings(tmp_path, "labels=native"), Wordy(), tmp_path / "run")

    assert RunRecords.read(tmp_path / "run").answers.said_words == ("gutted",)
    assert summary.report.labels == ("happy", "disappointment")
    assert summary.report.per_emotion["disappointment"].recall.value == 1.0
    (said,) = summary.report.label_map.said or ()
    assert (said.raw, said.word, said.n, said.counts_as) == ("gutted", "disappointment", 6, "disappointment")


@pytest.mark.parametrize("raw", [3, b"gutted", ["gutted"], {"a": 1}])
def test_a_word_that_is_no_text_is_a_failure(raw: Any, tmp_path: Path) -> None:
    with_failures = settings(tmp_path, "run.max_failures=100")

    summary = evaluate(with_failures, Wordy(raw), tmp_path / "run")

    assert summary.report.run.n_failed == 6
    assert {kind for kind, _ in RunRecords.read(tmp_path / "run").answers.failures.values()} == {"protocol"}
