"""`sv-eval certify`: every planted fault is found over a real connection, and sound wiring passes."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sv_eval.backend import Backend
from sv_eval.backends.faulty.faults import FAULTS
from sv_eval.backends.faulty.service import FaultyService
from sv_eval.backends.onnx import OnnxBackend
from sv_eval.cli.main import command
from sv_eval.config.building import build_backend
from sv_eval.config.composing import composed
from sv_eval.data.corpus.reading import Corpus, dataset_config_from, read_corpus
from sv_eval.machine.environment import describe_environment
from sv_eval.report.certificate import Certificate, Standing
from sv_eval.run.history import describe_corpus
from sv_eval.studies.certify.config import CertifyConfig
from sv_eval.studies.certify.measure import certify, settings_of
from sv_eval.studies.certify.relation import LOOSE
from sv_eval.studies.certify.relations import RELATIONS
from sv_eval.studies.certify.result import result_of

main = command("certify")
_FILES, _STREAMS = "remote/service_form", "remote/service_websocket"


@cache
def _corpus() -> Corpus:
    return read_corpus(dataset_config_from(composed("config", [], ("dataset",))["dataset"]))


@cache
def _settings(backend: str) -> Mapping[str, Any]:
    words = [f"backend={backend}", "backend.url=http://127.0.0.1", "backend.connection.preflight=false"]
    found: Mapping[str, Any] = composed("config", words, ("backend",))["backend"]
    return found


async def _certificate(
    inner: Backend, fault: str | None, config: CertifyConfig, known: dict[bytes, Any], backend: str
) -> Certificate:
    corpus = _corpus()
    async with FaultyService(inner, fault, remembered=known) as service:
        url = service.url.replace("http", "ws") if backend == _STREAMS else service.url
        settings = {**_settings(backend), "url": url}

        def another(changes: Mapping[str, Any]) -> Backend:
            return build_backend({**settings, **changes})

        found = await certify(build_backend(settings), corpus, config, another, settings_of(settings))
    return result_of(found, config, describe_corpus(corpus), describe_environment(), 1.0)


@pytest.fixture(scope="module")
def certificates() -> dict[str, Certificate]:
    """Of each fault, with the relation that names it and one beside it."""

    async def all_of_them() -> dict[str, Certificate]:
        known: dict[bytes, Any] = {}
        found = {}
        async with OnnxBackend(threads=1) as inner:
            for name, fault in FAULTS.items():
                # Where much is the model's own affair, more clips are needed to see what is not.
                clips = 24 if RELATIONS[fault.found_by[0]].allowed == LOOSE else 12
                config = CertifyConfig(clips=clips, repeats=2, only=(fault.found_by[0],))
                found[name] = await _certificate(inner, name, config, known, fault.backend)
            named = tuple({fault.found_by[0] for fault in FAULTS.values()})
            config = CertifyConfig(clips=12, repeats=2, only=named)
            found["none"] = await _certificate(inner, None, config, known, _FILES)
            found["none streamed"] = await _certificate(inner, None, config, known, _STREAMS)
        return found

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_by_the_relation_that_names_it(
    fault: str, certificates: dict[str, Certificate]
) -> None:
    result = certificates[fault]

    assert [one.name for one in result.relations if one.standing is Standing.BROKEN] == [FAULTS[fault].found_by[0]]
    assert result.verdict == "broken"


@pytest.mark.parametrize(("which", "fewest"), [("none", 30), ("none streamed", 12)])
def test_the_same_relations_hold_for_the_same_service_without_a_fault(
    which: str, fewest: int, certificates: dict[str, Certificate]
) -> None:
    result = certificates[which]

    others = {one.name: one.standing for one in result.relations if one.standing is not Standing.HELD}
    assert set(others.values()) <= {Standing.NOT_APPLICABLE}
    assert result.counts.held >= fewest
    assert result.verdict == "sound"


@contextmanager
def served(fault: str | None) -> Iterator[str]:
    """The address of the service, in a thread of its own."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    stop, said = asyncio.Event(), []

    async def serve() -> None:
        async with OnnxBackend(threads=1) as inner, FaultyService(inner, fault) as service:
            said.append(service.url)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(120)
    try:
        yield said[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(120)
        loop.close()


def run(out: Path, *words: str) -> tuple[int, dict[str, Any], str]:
    code = main([*words, "certify.clips=12", "certify.repeats=2", f"out={out}"])
    return code, json.loads((out / "certificate.json").read_text()), (out / "certificate.md").read_text()


@pytest.mark.parametrize(("language", "cause"), [("en", "an octave lower"), ("zh", "低八度")])
def test_the_report_names_the_fault_and_gives_a_file_to_try(tmp_path: Path, language: str, cause: str) -> None:
    with served("stereo_as_mono") as address:
        code, result, report = run(
            tmp_path / "out", "backend=remote/service_form", f"backend.url={address}",
            "certify.only=[dual_mono,flac,pieces]", f"report.language={language}",
        )  # fmt: skip

    assert code == 3
    assert result["verdict"] == "broken"
    (broken,) = [one for one in result["relations"] if one["standing"] == "broken"]
    to_try = broken["to_try"]
    for file in (to_try["reference"], to_try["guise"]):
        assert (tmp_path / "out" / file).read_bytes()[:4] == b"RIFF"
        assert f"`{file}`" in report
    assert report.index("- `dual_mono`") < report.index("### `dual_mono`")
    assert cause in report
    assert address in report


def test_a_sound_backend_in_this_process_passes(tmp_path: Path) -> None:
    only = "certify.only=[listens,best_score,silence,polarity,last_bit,order,batch,pieces,flac]"
    code, result, report = run(tmp_path / "out", only)

    assert code == 0
    assert result["verdict"] == "sound"
    assert result["counts"] == {"held": 8, "broken": 0, "undecided": 0, "refused": 0, "not_applicable": 1}
    assert report.splitlines()[2].startswith("✓ **Nothing is broken")


def test_nobody_there_ends_with_its_own_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(
        [
            "backend=remote/service_form", "backend.url=http://127.0.0.1:9", "backend.connection.connect_s=1",
            f"out={tmp_path / 'out'}",
        ]
    )  # fmt: skip

    assert code == 5
    assert "127.0.0.1:9" in capsys.readouterr().err


def test_too_few_clips_are_refused_before_anything_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dataset.limit=11", "certify.clips=12", f"out={tmp_path / 'out'}"]) == 5
    assert "certify.clips asks for 12" in capsys.readouterr().err
