"""A full disk, or a directory that goes away, costs what was not written yet and nothing that was."""

from __future__ import annotations

import contextlib
import resource
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from sv_eval.backend import Answer, Request
from sv_eval.backends.fake import FakeBackend
from sv_eval.config.composing import composed, keep_composition
from sv_eval.errors import EXIT_INCOMPLETE, NoRoomError, RunDirectoryError, RunVanished
from sv_eval.record_file.journal import RECORDS, Journal
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Clip, Outcome, Prediction, Record
from sv_eval.run.evaluate import evaluate
from sv_eval.written_files import append_whole, refuse_unwritable, write_whole

CLIPS = 60


@contextlib.contextmanager
def room_for(n_bytes: int) -> Iterator[None]:
    """Within it no file grows beyond so many bytes: a write is short, and the next one fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def record(name: str) -> Record:
    return Record(clip=Clip(id=name), outcome=Outcome.LABEL, prediction=Prediction(label="happy"))


def config(**changes: str) -> dict[str, Any]:
    words = [f"{key}={value}" for key, value in changes.items()]
    shared = ["backend=fake", "dataset=simulated", f"dataset.simulated.n_clips={CLIPS}", "scoring.resamples=100"]
    return composed("config", [*shared, "load.warmup_clips=0", "run.telemetry_s=null", *words])


def test_a_record_that_did_not_fit_is_cut_away_and_the_next_one_is_whole(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.append(record("a"))
        with (
            room_for((tmp_path / RECORDS).stat().st_size + 20),
            pytest.raises(NoRoomError, match="make room") as no,
        ):
            journal.append(record("b"))
        journal.append(record("c"))

    assert str(tmp_path / RECORDS) in str(no.value)
    assert no.value.exit_code == EXIT_INCOMPLETE
    assert RunRecords.read(tmp_path).answers.clip_ids == ("a", "c")
    with Journal(tmp_path) as again:
        assert again.done == {"a", "c"}


@pytest.mark.parametrize("room", range(1_000, 25_000, 2_000))
def test_a_run_on_a_full_disk_goes_on_later_from_whole_records(room: int, tmp_path: Path) -> None:
    backend = FakeBackend(latency={"p50_ms": 1, "p95_ms": 2})
    several = config(**{"load": "closed", "load.concurrency": "8", "load.rounds": "1"})

    with room_for(room), pytest.raises(NoRoomError) as caught:
        evaluate(several, backend, tmp_path / "run")

    assert "can't be written" in str(caught.value)
    assert caught.value.exit_code == EXIT_INCOMPLETE
    kept = (tmp_path / "run" / RECORDS).read_bytes() if (tmp_path / "run" / RECORDS).exists() else b""
    assert not kept or kept.endswith(b"\n")
    assert evaluate(several, FakeBackend(), tmp_path / "run").report.run.n_clips == CLIPS
    assert (tmp_path / "run" / RECORDS).read_bytes().startswith(kept)


class Removing(FakeBackend):
    """Does something to the run's directory once a few clips were asked about."""

    def __init__(self, act: Any) -> None:
        super().__init__()
        self._act, self.asked = act, 0

    async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
        self.asked += len(requests)
        if self.asked == 5:
            self._act()
        return await super().recognize(requests)


@pytest.mark.parametrize("how", ["removed", "moved", "replaced"])
def test_a_directory_that_goes_away_is_noticed_at_the_next_record(how: str, tmp_path: Path) -> None:
    run = tmp_path / "run"

    def act() -> None:
        if how == "removed":
            shutil.rmtree(run)
        elif how == "moved":
            run.rename(tmp_path / "elsewhere")
        else:
            (run / RECORDS).unlink()
            (run / RECORDS).touch()

    backend = Removing(act)
    with pytest.raises(RunVanished, match="removed or replaced") as caught:
        evaluate(config(), backend, run)

    assert caught.value.exit_code == EXIT_INCOMPLETE
    assert backend.asked == 5
    assert run.exists() == (how == "replaced")


def test_a_file_that_does_not_fit_leaves_the_one_before_it(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    write_whole(path, "before")

    with room_for(1_000), pytest.raises(NoRoomError, match=r"report\.md: can't be written"):
        write_whole(path, "x" * 5_000)
    with room_for(1_000), pytest.raises(NoRoomError):
        append_whole(path, "x" * 5_000)
    with room_for(100), pytest.raises(NoRoomError, match=r"config\.yaml"):
        keep_composition(tmp_path, {"config": {f"key{n}": n for n in range(50)}})

    assert path.read_text() == "before"
    assert [one.name for one in tmp_path.rglob("*") if one.is_file()] == ["report.md"]


def test_a_bad_path_is_told_before_anything_is_written_under_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    refuse_unwritable(tmp_path / "made" / "audit.md")
    with pytest.raises(RunDirectoryError, match="can't be written"):
        refuse_unwritable(tmp_path / "file" / "audit.md")

    assert list((tmp_path / "made").iterdir()) == []
