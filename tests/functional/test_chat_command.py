"""`sv-eval chat`: protocols side by side, and a run's recorded answers read anew."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import sv_eval
from sv_eval.backends.chat.fake_server import Planted, bundled, serving
from sv_eval.cli.main import main
from sv_eval.record_file.as_json import record_from_json
from sv_eval.record_file.journal import Journal
from sv_eval.records import Outcome
from sv_eval.report.run_directory import read_report

PATIENT = "backend.connection={connect_s: 120, read_s: 120, total_s: 300, preflight_s: 120}"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with controls, of answers in all forms."""
    place = tmp_path_factory.mktemp("chat") / "run"
    with serving(bundled(), Planted(recall=0.8, refuses=0.1, hedges=0.1, prose=0.5), "letters_en") as url:
        sv_eval.evaluate(
            backend="chat", dataset="demo", directory=place,
            overrides=[
                f"backend.url={url}", PATIENT, "backend.protocol=letters_en", "load=offline", "dataset.limit=40",
                "controls.orders=5", "scoring.resamples=100",
            ],
        )  # fmt: skip
    return place


def records_of(place: Path) -> list[dict[str, object]]:
    found = [json.loads(line) for line in (place / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    return sorted(found, key=lambda one: str(one["clip"]["id"]))


def test_what_todays_reader_reads_it_reads_again(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "again"

    assert main(["read", str(run), f"out={out}"], command="chat") == 0

    assert "answers that are read otherwise now: 0 of 40" in capsys.readouterr().out
    for one, other in zip(records_of(run), records_of(out), strict=True):
        assert {**one, "seal": None} == {**other, "seal": None}
    before, after = read_report(run), read_report(out)
    assert (before.accuracy, before.confusion, before.controls) == (after.accuracy, after.confusion, after.controls)
    assert "from the records" in (out / "report.md").read_text(encoding="utf-8")


def test_what_an_older_reader_could_not_read_becomes_a_label(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    (old / "environment.json").write_bytes((run / "environment.json").read_bytes())
    with Journal(old) as journal:
        for number, data in enumerate(records_of(run)):
            record = record_from_json(data)
            if number < 3 and record.prediction is not None:
                unread = replace(record.prediction, label=None, raw_label=None, forced=None, unread="unparsed")
                record = replace(record, prediction=unread, outcome=Outcome.UNPARSED)
            journal.append(record)

    assert main(["read", str(old), f"out={tmp_path / 'new'}"], command="chat") == 0

    said = capsys.readouterr().out
    assert "answers that are read otherwise now: 3 of 40" in said
    assert "UNPARSED -> " in said
    assert read_report(tmp_path / "new").accuracy == read_report(run).accuracy


def test_a_folder_that_is_there_is_not_written_over(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["read", str(run), f"out={tmp_path}"], command="chat") == 2
    assert "is there already" in capsys.readouterr().err


def test_a_run_of_something_else_has_no_answers_to_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sv_eval.evaluate(
        backend="fake", dataset="simulated", directory=tmp_path / "fake",
        overrides=["dataset.limit=5", "scoring.resamples=100"],
    )  # fmt: skip

    assert main(["read", str(tmp_path / "fake"), f"out={tmp_path / 'out'}"], command="chat") == 2
    assert "no run of backend=chat" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_protocols_are_told_apart_field_by_field(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "letters_en", "word_en"], command="chat") == 0
    said = capsys.readouterr().out
    assert "form:" in said
    assert "-letters" in said
    assert "+word" in said
    assert "options:" not in said

    assert main(["diff", str(run), "letters_en"], command="chat") == 0
    assert "they ask the same" in capsys.readouterr().out


def test_a_protocol_is_shown_as_a_file_that_can_be_given_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sv_eval.backends.chat.protocol import protocol_of

    assert main(["show", "json_zh"], command="chat") == 0
    (tmp_path / "mine.yaml").write_text(capsys.readouterr().out, encoding="utf-8")

    assert protocol_of(str(tmp_path / "mine.yaml")) == protocol_of("json_zh")

    assert main(["list"], command="chat") == 0
    assert len(capsys.readouterr().out.splitlines()) == 6
