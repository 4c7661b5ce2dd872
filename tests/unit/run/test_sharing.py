"""What the runs of a sweep share, within its memory, and how latency is kept apart from it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sv_eval.backend import Capabilities
from sv_eval.backends.onnx import OnnxBackend
from sv_eval.data.corpus.reading import dataset_config_from, read_corpus
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Clip, Waveform
from sv_eval.report.latency import Repeats
from sv_eval.run.evaluate import evaluate
from sv_eval.run.load import LoadConfig
from sv_eval.run.sharing import SharedSource, Sharing, SharingConfig, can_share
from sv_eval.run.store import MIB, MemoryStore

DEMO = {"name": "demo", "card": "demo", "limit": 20}


@dataclass
class Counting:
    """Noise of each clip's own, counted."""

    decoded: list[str] = field(default_factory=list)

    def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:
        self.decoded.append(clip.id)
        samples = np.random.default_rng(int(clip.id)).normal(0, 0.1, 16_000).astype(np.float32)
        return Waveform(samples=samples, encoded=b"x" if keep_encoded else None)


def test_a_store_keeps_what_came_first_and_never_more_than_its_limit() -> None:
    store = MemoryStore(10_000)

    for number in range(20):
        store.put(number, number, 1000)

    assert [number for number in range(20) if store.get(number) is not None] == list(range(7))
    assert store.used_bytes <= store.limit_bytes
    assert (store.found, store.missed, store.refused) == (7, 13, 13)


def test_a_clip_is_decoded_once_while_there_is_room_and_again_beyond() -> None:
    clips = [Clip(id=str(number)) for number in range(6)]
    roomy, narrow = Counting(), Counting()
    kept = SharedSource(roomy, "c", MemoryStore(MIB))
    half = SharedSource(narrow, "c", MemoryStore(3 * 65_000))

    for _ in range(3):
        loaded = [(kept.load(clip), half.load(clip)) for clip in clips]

    assert len(roomy.decoded) == 6
    assert len(narrow.decoded) == 3 + 3 * 3
    assert all((one.samples == other.samples).all() for one, other in loaded)
    assert len({kept.key(clip) for clip in clips}) == 6
    assert [kept.key(clip) for clip in clips] == [half.key(clip) for clip in clips]
    assert kept.key(Clip(id="99")) is None


def test_the_timed_pass_is_the_same_for_every_setting_and_long_enough() -> None:
    corpus = read_corpus(dataset_config_from({"name": "demo", "card": "demo"}))
    sharing = Sharing(SharingConfig(timed_requests=150))

    turns = sharing.timed(corpus.clips)
    few = sharing.timed(corpus.clips[:40])

    assert len(turns) == 150 == len({clip.id for clip, _ in turns})
    assert {number for _, number in turns} == {1}
    assert turns == Sharing(SharingConfig(timed_requests=150)).timed(tuple(reversed(corpus.clips)))
    assert len(few) == 150
    assert len({(clip.id, number) for clip, number in few}) == 150
    assert [number for _, number in few] == sorted(number for _, number in few)


def test_only_single_requests_made_once_share() -> None:
    able = Capabilities(shares_work=True)

    assert can_share(LoadConfig(), able)
    assert not can_share(LoadConfig(), Capabilities())
    assert not can_share(LoadConfig(schedule="offline"), able)
    assert not can_share(LoadConfig(rounds=2), able)


def config(**backend: Any) -> dict[str, Any]:
    return {
        "backend": backend,
        "dataset": DEMO,
        "load": {"schedule": "single_stream", "warmup_clips": 1},
        "scoring": {"resamples": 200},
        "run": {"telemetry_s": None},
    }


def test_a_sharing_run_marks_its_answers_and_takes_latency_from_the_timed_pass(tmp_path: Path) -> None:
    sharing, plain = Sharing(SharingConfig(timed_requests=130)), config(chunk_size=1.5)

    apart = evaluate(plain, OnnxBackend(threads=1, chunk_size=1.5), tmp_path / "apart")
    together = evaluate(plain, OnnxBackend(threads=1, chunk_size=1.5), tmp_path / "together", sharing=sharing)

    report = together.report
    assert apart.report.accuracy == report.accuracy
    assert apart.report.confusion == report.confusion
    table = RunRecords.read(tmp_path / "together").answers
    assert table.shared.all()
    assert np.isnan(table.latency_ms).all()
    assert report.latency_ms.n == 130
    assert report.latency_ms.p50.value is not None
    # Of twenty clips, over and over: whether that says anything of others depends on how far they differ here.
    assert report.latency_ms.p95.value is not None
    assert report.latency_ms.excluded.unmeasured == 20
    assert report.repeats == Repeats(requests=130, clips_changed=0, examples=())
    lines = (tmp_path / "together" / "records.jsonl").read_text().splitlines()
    assert sum('"shared":true' in line for line in lines) == 20
    assert all(("latency_ms" in line) != ('"shared":true' in line) for line in lines)
    assert "shared_work" in {caveat.code for caveat in report.caveats}
    assert "nothing was shared" in together.path.read_text(encoding="utf-8")


def test_an_untimed_sweep_has_the_same_answers_and_no_latency(tmp_path: Path) -> None:
    plain = config(chunk_size=1.5)

    apart = evaluate(plain, OnnxBackend(threads=1, chunk_size=1.5), tmp_path / "apart")
    untimed = Sharing(SharingConfig(timed_requests=0))
    together = evaluate(plain, OnnxBackend(threads=1, chunk_size=1.5), tmp_path / "together", sharing=untimed)

    report = together.report
    assert apart.report.accuracy == report.accuracy
    assert apart.report.confusion == report.confusion
    assert report.latency_ms.n == 0
    assert not report.repeats
    assert report.phases is None or report.phases.warm_up is None
    assert "shared_work_untimed" in {caveat.code for caveat in report.caveats}
    text = together.path.read_text(encoding="utf-8")
    assert "no request was timed" in text
    assert "gone through several times" not in text
    evaluate(plain, OnnxBackend(threads=1, chunk_size=1.5), tmp_path / "together", sharing=untimed)
    assert len((tmp_path / "together" / "records.jsonl").read_bytes().splitlines()) == 20


def test_half_a_timed_pass_is_made_again_as_a_whole(tmp_path: Path) -> None:
    sharing, plain, run = Sharing(SharingConfig(timed_requests=130)), config(), tmp_path / "run"
    evaluate(plain, OnnxBackend(threads=1), run, sharing=sharing)
    lines = (run / "records.jsonl").read_bytes().splitlines(keepends=True)
    (run / "records.jsonl").write_bytes(b"".join(lines[: 20 + 60]))

    again = evaluate(plain, OnnxBackend(threads=1), run, sharing=sharing)

    assert again.report.latency_ms.n == 130
    assert again.report.latency_ms.session == 1
    assert len((run / "records.jsonl").read_bytes().splitlines()) == 20 + 60 + 130


def test_nothing_is_done_again_when_a_run_is_whole(tmp_path: Path) -> None:
    sharing, plain, run = Sharing(SharingConfig(timed_requests=130)), config(), tmp_path / "run"
    evaluate(plain, OnnxBackend(threads=1), run, sharing=sharing)
    before = (run / "records.jsonl").read_bytes()

    evaluate(plain, OnnxBackend(threads=1), run, sharing=sharing)

    assert (run / "records.jsonl").read_bytes() == before


@pytest.mark.parametrize("key", [None, "the same"])
def test_a_request_without_a_key_leaves_the_store_alone(key: str | None) -> None:
    from sv_eval.backend import Request

    store = MemoryStore(MIB)
    backend = OnnxBackend(threads=1, chunk_size=1.0)
    backend.share(store)
    waveform = Waveform(samples=np.random.default_rng(0).normal(0, 0.1, 48_000).astype(np.float32))

    async def ask() -> None:
        async with backend:
            await backend.recognize([Request(clip_id="a", waveform=waveform, audio_key=key)])

    asyncio.run(ask())

    assert (store.used_bytes > 0) == (key is not None)
