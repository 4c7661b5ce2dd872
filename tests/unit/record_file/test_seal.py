"""Records belong to their run: what another run wrote, what was edited and what nobody wrote is refused by name."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from timeit import repeat
from typing import Any

import pytest

from sv_eval.backends.fake import FakeBackend
from sv_eval.cli.main import command
from sv_eval.config.composing import composed
from sv_eval.errors import RunDirectoryError
from sv_eval.finished.rescore import rescore
from sv_eval.frame import read_frame
from sv_eval.record_file.journal import RECORDS
from sv_eval.record_file.seal import Seal
from sv_eval.record_file.set_aside import SET_ASIDE
from sv_eval.report.run_directory import ENVIRONMENT, read_environment
from sv_eval.run.evaluate import evaluate
from tests.old_runs import unseal

pytestmark = pytest.mark.damages_files
score = command("score")
CLIPS = 30
Lines = list[bytes]


def config(*words: str) -> dict[str, Any]:
    shared = ["backend=fake", "dataset=simulated", f"dataset.simulated.n_clips={CLIPS}", "scoring.resamples=100"]
    return composed("config", [*shared, "load.warmup_clips=0", "run.telemetry_s=null", *words])


@pytest.fixture
def run(tmp_path: Path) -> Path:
    evaluate(config(), FakeBackend(), tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """The same with another seed: a run of its own."""
    evaluate(config("backend.seed=7"), FakeBackend(seed=7), tmp_path / "other")
    return tmp_path / "other"


def lines_of(run: Path) -> Lines:
    return (run / RECORDS).read_bytes().splitlines(keepends=True)


def foreign(own: Lines, others: Lines) -> Lines:
    return [*own[:4], others[4], *own[5:]]


def edited(own: Lines, _: Lines) -> Lines:
    line = json.loads(own[4])
    wrong = own[4].replace(line["clip"]["reference"].encode(), b"other", 1)
    return [*own[:4], wrong, *own[5:]]


def resealed(own: Lines, _: Lines) -> Lines:
    line = json.loads(own[4])
    del line["seal"]
    return [*own[:4], json.dumps(line).encode() + b"\n", *own[5:]]


def strange(own: Lines, _: Lines) -> Lines:
    return [*own[:4], own[0].replace(b'"sim_', b'"new_'), *own[4:]]


def no_record(own: Lines, _: Lines) -> Lines:
    return [*own[:4], b"[" * 100_000 + b"\n", *own[4:]]


def doubled(own: Lines, _: Lines) -> Lines:
    return [*own[:4], own[0], *own[4:]]


CHANGES = [
    (foreign, "it is of run"),
    (edited, "it was changed after it was written"),
    (resealed, "it has no seal"),
    (strange, "it was changed after it was written"),
    (no_record, "line 5: it has no seal"),
    (doubled, "has a record already, in line 1"),
]


@pytest.mark.parametrize(("change", "words"), CHANGES, ids=[change.__name__ for change, _ in CHANGES])
def test_what_does_not_belong_is_refused_by_name_or_put_aside_with_a_caveat(
    change: Callable[[Lines, Lines], Lines], words: str, run: Path, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / RECORDS).write_bytes(b"".join(change(lines_of(run), lines_of(other))))
    ask: list[Callable[[], object]] = [
        lambda: rescore(run, {}),
        lambda: evaluate(config(), FakeBackend(), run),
        lambda: read_frame(run),
    ]
    for asked in ask:
        with pytest.raises(RunDirectoryError, match="line 5") as caught:
            asked()
        assert words in str(caught.value)
    assert score([str(run)]) == 2

    code = score([str(run), "set_aside=true"])
    said = capsys.readouterr().out

    left = change in (foreign, edited, resealed)
    assert code == (5 if left else 0)
    assert "put aside: line 5" in said
    assert "did not belong to this run" in said
    assert "set_aside.jsonl" in (run / "report.md").read_text(encoding="utf-8")
    (aside,) = map(json.loads, (run / SET_ASIDE).read_text().splitlines())
    assert aside["line"] == 5
    assert words.removeprefix("line 5: ") in aside["why"]
    summary = evaluate(config(), FakeBackend(), run)
    assert (summary.report.run.n_clips, summary.report.run.n_set_aside) == (CLIPS, 1)


def test_on_resuming_they_are_put_aside_where_that_is_asked_for(run: Path, other: Path) -> None:
    (run / RECORDS).write_bytes(b"".join(foreign(lines_of(run), lines_of(other))))

    summary = evaluate(config("run.set_aside=true"), FakeBackend(), run)

    assert [caveat.code for caveat in summary.report.caveats if caveat.code == "set_aside"]
    assert summary.report.run.n_clips == CLIPS


def test_a_run_of_before_there_were_seals_is_read_and_goes_on_without_them(run: Path) -> None:
    unseal(run)
    lines = lines_of(run)
    (run / RECORDS).write_bytes(b"".join(lines[:20]))

    assert rescore(run, {}).report.run.n_clips == 20
    assert evaluate(config(), FakeBackend(), run).report.run.n_clips == CLIPS
    assert not any(b"seal" in line for line in lines_of(run))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('"sim_04"', '"sim_99"', "line 5, clip 'sim_99': the corpus has no such clip"),
        (
            '"reference":"',
            '"reference":"other","was":"',
            "line 1, clip 'sim_00': its reference is 'other', and",
        ),
    ],
)
def test_without_seals_clips_and_references_are_held_against_the_corpus(
    before: str, after: str, words: str, run: Path
) -> None:
    unseal(run)
    text = (run / RECORDS).read_text()
    assert before in text
    (run / RECORDS).write_text(text.replace(before, after, 1))

    with pytest.raises(RunDirectoryError) as caught:
        evaluate(config(), FakeBackend(), run)
    summary = evaluate(config("run.set_aside=true"), FakeBackend(), run)

    assert words in str(caught.value)
    assert (summary.report.run.n_clips, summary.report.run.n_set_aside) == (CLIPS, 1)


def test_another_environment_is_noticed(run: Path, other: Path) -> None:
    kept = (run / ENVIRONMENT).read_text()
    environment = json.loads(kept)
    for run_id, words in (
        ("0" * 12, "and this is run 000000000000"),
        (None, "knows of no run_id"),
        (7, "run_id"),
    ):
        changed = environment | {"run_id": run_id}
        if run_id is None:
            del changed["run_id"]
        (run / ENVIRONMENT).write_text(json.dumps(changed))
        with pytest.raises(RunDirectoryError, match=words):
            rescore(run, {})

    assert read_environment(other).run_id != environment["run_id"]


def test_the_id_stays_when_a_run_goes_on(run: Path) -> None:
    before = read_environment(run).run_id
    (run / RECORDS).write_bytes(b"".join(lines_of(run)[:10]))

    evaluate(config(), FakeBackend(), run)

    assert read_environment(run).run_id == before
    assert all(json.loads(line)["seal"].startswith(f"{before}.") for line in lines_of(run))


def test_a_seal_costs_a_few_microseconds() -> None:
    seal, line = Seal("0123456789ab"), b'{"text":"' + b"x" * 600 + b'"}'
    rounds = 2_000

    # What the process computes, whatever others do on the machine meanwhile.
    all_s = repeat(lambda: seal.what_differs(seal.sealed(line)), number=rounds, repeat=5, timer=time.process_time)

    assert min(all_s) / rounds < 50e-6
