"""Our own service, asked over each of its wire forms, says what the backend says in process."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.functional.inside import inside
from tests.functional.remote.conftest import PATIENT, address

FORMS = {
    "JSON": ("remote", "http"),
    "form": ("remote/service_form", "http"),
    "websocket": ("remote/service_websocket", "ws"),
    "gRPC": ("remote/service_grpc", "grpc"),
    "gRPC stream": ("remote/service_grpc_stream", "grpc"),
}
SAID = ("label", "forced", "scores", "confidence", "text", "language", "event", "segments", "no_speech")


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`call(*arguments)` is `python -m sv_eval ARGUMENTS` in the test's own folder, but within this process."""
    return partial(inside, cwd=tmp_path)


def answers(run: Path) -> dict[str, dict[str, Any]]:
    lines = [json.loads(line) for line in (run / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    return {line["clip"]["id"]: {name: line["prediction"].get(name) for name in SAID} for line in lines}


@pytest.fixture(scope="module")
def in_process(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Callable[..., Any]:
    """What backend=onnx answers to a corpus, found once."""
    import subprocess
    import sys

    known: dict[tuple[str, ...], dict[str, Any]] = {}

    def run(*overrides: str) -> dict[str, Any]:
        if overrides not in known:
            folder = tmp_path_factory.mktemp("onnx")
            command = [sys.executable, "-m", "sv_eval", *overrides, "hydra.run.dir=run"]
            subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
            known[overrides] = answers(folder / "run")
        return known[overrides]

    return run


@pytest.mark.parametrize("form", FORMS)
def test_the_bundled_clips_get_the_same_answers(
    form: str, service: Any, in_process: Callable[..., Any], call: Any, tmp_path: Path
) -> None:
    option, scheme = FORMS[form]

    done = call(f"backend={option}", f"backend.url={address(service, scheme)}", PATIENT, "hydra.run.dir=run")

    assert done.returncode == 0, done.stderr
    assert answers(tmp_path / "run") == in_process()


@pytest.mark.parametrize("form", FORMS)
def test_emodb_gets_the_same_answers(
    form: str, service: Any, in_process: Callable[..., Any], call: Any, tmp_path: Path, emodb_root: Path
) -> None:
    option, scheme = FORMS[form]
    corpus = ("dataset=emodb", f"dataset.root={emodb_root}")
    load = "load=offline"  # many at once: whose answer is whose must not matter

    done = call(
        f"backend={option}", f"backend.url={address(service, scheme)}", PATIENT, load, *corpus, "hydra.run.dir=run"
    )

    assert done.returncode == 0, done.stderr
    assert answers(tmp_path / "run") == in_process(*corpus)


def test_what_the_service_is_asked_for_arrives(
    service: Any, in_process: Callable[..., Any], call: Any, tmp_path: Path
) -> None:
    wishes = ("backend.language=en", "backend.chunk_size=0.8", "dataset.limit=40")
    expected = in_process(*wishes)

    for form in ("JSON", "form", "gRPC"):
        option, scheme = FORMS[form]
        folder = f"hydra.run.dir={option.replace('/', '_')}"
        done = call(f"backend={option}", f"backend.url={address(service, scheme)}", PATIENT, *wishes, folder)

        assert done.returncode == 0, done.stderr
        assert answers(tmp_path / option.replace("/", "_")) == expected
    assert any(answer["segments"] for answer in expected.values())


def test_the_report_separates_the_service_from_the_way(
    service: Any, call: Any, tmp_path: Path, metrics_of: Any, records_of: Any
) -> None:
    done = call("backend=remote", f"backend.url={address(service, 'http')}", PATIENT, "hydra.run.dir=run")

    assert done.returncode == 0, done.stderr
    stages = metrics_of(tmp_path / "run")["stages_ms"]
    assert stages["encode"]["n"] == stages["wait"]["n"] == stages["server.inference"]["n"] == 200
    assert stages["server.total"]["p50"]["value"] > 0
    for spent in (record["prediction"]["stages_ms"] for record in records_of(tmp_path / "run")):
        # A busy machine may come to stamping the end of sending when the service is at work already.
        assert spent["send"] + spent["wait"] >= spent["server.total"] - 0.01
    report = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert "Where the time went" in report
    assert "`server.inference`" in report
    assert "Tiny demonstration model" in report
    assert "It is a demonstration" in report or "Demonstration model" in report


@pytest.mark.parametrize("form", ["websocket", "gRPC"])
def test_streams_over_the_wire_are_those_of_the_process(
    form: str, service: Any, call: Any, tmp_path: Path, records_of: Any, metrics_of: Any
) -> None:
    option, scheme = FORMS[form]
    shared = ("load=stream", "load.chunk_size=0.5", "dataset.limit=20")

    remote = call(
        f"backend={option}", f"backend.url={address(service, scheme)}", PATIENT, *shared, "hydra.run.dir=remote"
    )
    local = call(*shared, "hydra.run.dir=local")

    assert (remote.returncode, local.returncode) == (0, 0), remote.stderr
    theirs, ours = (
        {one["clip"]["id"]: one["streamed"] for one in records_of(tmp_path / run)} for run in ("remote", "local")
    )
    for clip_id, streamed in ours.items():
        labels = [[step.get("label") for step in one["steps"]] for one in (streamed, theirs[clip_id])]
        assert labels[0] == labels[1]
        assert [step["end_s"] for step in streamed["steps"]] == [step["end_s"] for step in theirs[clip_id]["steps"]]
    measured = metrics_of(tmp_path / "remote")["streaming"]
    assert measured["flips"] == metrics_of(tmp_path / "local")["streaming"]["flips"]
    assert (
        measured["agreement_with_offline"] == metrics_of(tmp_path / "local")["streaming"]["agreement_with_offline"]
    )


def test_the_probe_knows_our_service(service: Any, call: Any) -> None:
    for scheme, option in (
        ("http", "remote"),
        ("ws", "remote/service_websocket"),
        ("grpc", "remote/service_grpc"),
    ):
        done = call(f"url={address(service, scheme)}", "timeout_s=120", module="sv_eval.probe")

        assert done.returncode == 0, done.stderr
        assert "tells emotions: happy" in done.stdout
        assert f"measure it: python -m sv_eval backend={option} backend.url=" in done.stdout


def test_a_service_names_the_classes_of_a_label_map(
    serving: Callable[..., Any], call: Any, tmp_path: Path, records_of: Any
) -> None:
    file = tmp_path / "two.yaml"
    file.write_text("name: two\nclasses: {up: [happy, surprised, angry], down: [sad, neutral, fearful]}\n")
    command = ("load.warmup_clips=0", "dataset.limit=10", f"labels={file}", PATIENT)
    with serving("serve.grpc_port=0", f"labels={file}") as it:
        for form in ("JSON", "websocket", "gRPC", "gRPC stream"):
            backend, scheme = FORMS[form]
            run = tmp_path / form
            words = "backend.labels={up: own, down: own}"
            done = call(
                f"backend={backend}", f"backend.url={address(it, scheme)}", words, *command, f"hydra.run.dir={run}"
            )
            assert done.returncode == 0, done.stderr
            assert {one["prediction"]["raw_label"] for one in records_of(run)} == {"up", "down"}
