from __future__ import annotations

import re
from typing import Any

import pytest

from sv_eval.finished.rescore import compute_report
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Clip, Prediction, Record
from sv_eval.report.codec import from_json
from sv_eval.report.environment import Environment
from sv_eval.reports.markdown import render
from sv_eval.scoring.config import ScoringConfig

HERE: dict[str, Any] = {
    "machine": {"cpu": "A CPU", "cores": 2, "memory_gib": 8.0, "system": "Linux", "python": "3.11"},
    "packages": {"sv-eval": "0.1.0"},
    "git": {"sv_eval": None, "working_directory": None},
}


def environment(**card: Any) -> Environment:
    data = {
        "config_hash": "c0ffee",
        "settings": {},
        "started_at": "2026-01-01T00:00:00+00:00",
        "config": {"load": {"schedule": "single_stream", "warmup_clips": 8}},
        "overrides": [],
        "sessions": [{"session": 0, "started_at": "2026-01-01", "wall_s": 1.5, "ended": "finished", **HERE}],
        "dataset": {
            "name": "words", "card": "words", "title": "Words", "hash": "abc", "split": "all", "n_clips": 12,
            "language": None, "licence": "CC0-1.0", "citation": None, "label_order": ["happy", "sad"],
            "label_map": {"name": "words", "version": 1, "hash": "123"}, "notes": [],
        },
        "backend": {
            "name": "some", "model": "some", "model_hash": None, "precision": None, "device": "cpu",
            "in_process": True, "details": {}, "card": card,
            "capabilities": {
                "labels": ["happy", "sad"], "max_batch": 1, "deterministic": True, "batch_invariant": True,
            },
        },
        **HERE,
    }  # fmt: skip
    return from_json(Environment, data, "environment.json")


def said(language: str, spoken: str, heard: str | None, number: int) -> Record:
    emotion = ("happy", "sad")[number % 2]
    clip = Clip(
        id=f"{language}{number}", reference=emotion, speaker=f"s{number % 3}", language=language, transcript=spoken
    )
    prediction = Prediction(label="happy", forced="happy", text=heard)
    return Record(clip=clip, outcome=prediction.outcome, prediction=prediction, latency_ms=9.0, audio_s=1.0)


def records(*, heard: bool = True) -> list[Record]:
    found = []
    for number in range(4):
        found.append(
            said("en", "one two three four", "one two tree four" if number else "One, two, three, four!", number)
        )
        found.append(said("fr|<b>", "un deux", "un deux", number))
        found.append(said("zh", "今天天气好", "今天天气", number))
    return found if heard else [said("en", "one", None, number) for number in range(4)]


def report(settings: Environment, language: str = "en", **how: Any) -> str:
    found = compute_report(RunRecords.of_records(records(**how)), settings, ScoringConfig(resamples=200))
    return render(found, settings, language)


def section(text: str, title: str = "## Transcripts") -> str:
    return text.partition(title)[2].partition("\n## ")[0]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("known", [[], ["en", "zh"], ["en"], ["sv"]])
def test_every_table_has_as_many_cells_in_each_row(language: str, known: list[str]) -> None:
    widths: list[int] = []
    lines = [*report(environment(languages=known), language).splitlines(), ""]
    for before, line in zip(["", *lines], lines, strict=False):
        if line.startswith("|"):
            widths.append(len(re.findall(r"(?<!\\)\|", line)))
            # A table that follows text without an empty line is no table.
            assert before.startswith("|") or not before, (before, line)
        else:
            assert len(set(widths)) <= 1, (widths, line)
            widths = []


def test_languages_emotions_and_the_cross_table_are_shown() -> None:
    text = section(report(environment()))

    assert "| en | WER | 4 | 18.8 %" in text
    assert "| zh | CER | 4 | 20.0 % |" in text
    assert "| all | WER | 8 | 12.5 %" in text
    assert "| all | CER" not in text
    assert "fr\\|&lt;b&gt;" in text
    assert "WER is 8.3 %" in text
    assert "where the emotion was right and 16.7 %" in text
    # Under way: clips without a wrong word, right and wrong.
    assert "| 0 % | 3 | 2 | 60.0 % |" in text


def test_a_language_that_the_model_card_does_not_name_is_named_and_not_shown() -> None:
    text = section(report(environment(languages=["en", "zh"])))

    assert "doesn't know the language: clips in fr\\|&lt;b&gt; (4)" in text
    assert "| fr" not in text


def test_where_no_language_is_known_there_is_one_sentence_and_no_table() -> None:
    text = section(report(environment(languages=["sv"])))

    assert "doesn't know the language: clips in en (4), fr" in text
    assert "\n|" not in text


def test_a_recogniser_without_text_gets_no_section() -> None:
    assert "Transcripts" not in report(environment(), heard=False)
