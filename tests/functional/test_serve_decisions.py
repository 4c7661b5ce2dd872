"""A service with a calibration and thresholds: over every protocol, and as a finished run is judged under them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import soundfile
from websockets.sync.client import connect

from sv_eval.cli.main import command
from sv_eval.wire import emotion_pb2 as pb
from sv_eval.wire import emotion_pb2_grpc

Serve = Callable[..., Any]
QUICK = ("load.warmup_clips=0", "run.telemetry_s=null", "scoring.resamples=100")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled model on the bundled clips."""
    directory = tmp_path_factory.mktemp("decisions") / "run"
    assert command("run")([f"hydra.run.dir={directory}", *QUICK]) == 0
    return directory


@pytest.fixture(scope="module")
def files(measured: Path) -> tuple[Path, Path]:
    """A calibration, and thresholds under it, as if they were of another corpus."""
    calibration, thresholds = measured.parent / "calibration.json", measured.parent / "thresholds.json"
    assert command("calibrate")([str(measured), f"out={calibration}", "method=venn_abers"]) == 0
    elsewhere(calibration, "fitted_on")
    words = [f"calibration={calibration}", "scoring.precision=0.9"]
    assert command("score")([str(measured), *words]) == 0
    thresholds.write_bytes((measured / "thresholds.json").read_bytes())
    elsewhere(thresholds, "chosen_on")
    return calibration, thresholds


def elsewhere(file: Path, key: str) -> None:
    found = json.loads(file.read_text(encoding="utf-8"))
    found[key] |= {"corpus": "elsewhere", "dataset": "elsewhere", "dataset_hash": "0"}
    file.write_text(json.dumps(found), encoding="utf-8")


@pytest.fixture(scope="module")
def service(serving: Serve, files: tuple[Path, Path]) -> Iterator[Any]:
    calibration, thresholds = files
    with serving(f"calibration={calibration}", f"thresholds={thresholds}", "serve.grpc_port=0") as it:
        yield it


def answers_of(service: Any, clips: list[Path], **options: Any) -> list[dict[str, Any]]:
    with httpx.Client(base_url=service.url, timeout=120) as client:
        return [
            client.post(
                "/v1/emotion", json={"audio": base64.b64encode(clip.read_bytes()).decode(), **options}
            ).json()["data"]
            for clip in clips
        ]


def test_a_service_decides_as_the_finished_run_is_judged(
    service: Any, measured: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    """200 clips over the wire, and the same run scored again under the same files."""
    asked = tmp_path / "asked"
    remote = [f"hydra.run.dir={asked}", "backend=remote", f"backend.url={service.url}", *QUICK]
    assert command("run")(remote) == 0
    again = [str(measured), f"calibration={files[0]}", f"thresholds={files[1]}"]
    assert command("score")(again) == 0

    there, here = (json.loads((one / "metrics.json").read_text(encoding="utf-8")) for one in (asked, measured))
    assert there["confusion"] == here["confusion"]
    applied = here["operating"]["applied"]
    assert 0 < applied["n_below"] < applied["n"] == 200
    assert applied["dataset"] == "elsewhere"
    assert applied["broken"] == []
    promised = json.loads(files[1].read_text(encoding="utf-8"))
    assert {*applied["points"]} == {*promised["thresholds"]}
    unknown = here["confusion"]["columns"].index("unknown")
    assert sum(row[unknown] for row in here["confusion"]["counts"]) == applied["n_below"]
    card = json.loads((asked / "environment.json").read_text(encoding="utf-8"))["backend"]["card"]
    assert card["service"]["thresholds"]["thresholds"] == promised["thresholds"]
    assert card["service"]["calibration"]["method"] == "venn_abers"
    assert command("verify")([str(measured)]) == 0


def test_answers_hold_calibrated_confidence_alarms_and_what_was_below(service: Any, demo_clips: list[Path]) -> None:
    found = answers_of(service, demo_clips[:40], return_all_emotions=True)

    for one in found:
        assert sum(one["scores_calibrated"].values()) == pytest.approx(1, abs=1e-4)
        assert one["confidence_calibrated"] == one["scores_calibrated"][one["emotion"]]
        assert one["emotion"] == "unknown" or one["emotion"] in one["alarms"]
        assert ("below_threshold" in one) == (one["emotion"] == "unknown")
        assert one["scores"] != one["scores_calibrated"]
    below = [one for one in found if "below_threshold" in one]
    assert 0 < len(below) < 40
    named = answers_of(service, demo_clips[:40], ban_unknown=True)
    assert "unknown" not in [one["emotion"] for one in named]
    assert not any("below_threshold" in one for one in named)


def test_grpc_and_a_stream_say_the_same(service: Any, demo_clips: list[Path]) -> None:
    found = answers_of(service, demo_clips[:40], return_all_emotions=True)
    place = next(number for number, one in enumerate(found) if "below_threshold" in one)
    clip, wanted = demo_clips[place], found[place]

    with grpc.insecure_channel(service.event("listening")["grpc"]) as channel:
        stub: Any = emotion_pb2_grpc.EmotionRecognitionStub(channel)  # type: ignore[no-untyped-call]
        options = pb.Options(return_all_emotions=True)
        answer = stub.Recognize(pb.RecognizeRequest(audio=clip.read_bytes(), options=options), timeout=120)
    assert (answer.emotion, answer.below_threshold) == (pb.EMOTION_UNKNOWN, wanted["below_threshold"])
    assert answer.confidence_calibrated == pytest.approx(wanted["confidence_calibrated"])
    assert list(answer.alarms) == wanted["alarms"]
    assert len(answer.scores_calibrated) == len(wanted["scores_calibrated"])

    samples, _ = soundfile.read(clip, dtype="int16")
    where = service.url.replace("http", "ws", 1) + "/v1/emotion/stream"
    with connect(where, open_timeout=120, close_timeout=120, ping_interval=None) as socket:
        socket.send(json.dumps({"type": "start", "encoding": "pcm_s16le", "sample_rate": 16_000}))
        socket.send(samples.astype("<i2").tobytes())
        socket.send(json.dumps({"type": "end"}))
        said = [json.loads(socket.recv(timeout=120))]
        while said[-1]["type"] not in ("final", "error"):
            said.append(json.loads(socket.recv(timeout=120)))
    partials = [one for one in said if one["type"] == "partial" and one["emotion"]]
    assert partials
    assert all("alarms" in one and "confidence_calibrated" in one for one in partials)
    assert said[-1]["type"] == "final"
    assert "confidence_calibrated" in said[-1]["data"]


def test_the_card_and_the_log_tell_of_them(service: Any, demo_clips: list[Path]) -> None:
    (card,) = httpx.get(f"{service.url}/v1/models", timeout=120).json()["data"]
    assert card["calibration"]["dataset"] == "elsewhere"
    assert card["thresholds"]["precision"] == 0.9
    with httpx.Client(base_url=service.url, timeout=120) as client:
        for number, clip in enumerate(demo_clips[:40]):
            body = {"audio": base64.b64encode(clip.read_bytes()).decode()}
            answer = client.post("/v1/emotion", json=body, headers={"x-request-id": f"below{number}"}).json()[
                "data"
            ]
            if "below_threshold" in answer:
                break
    assert service.request(f"below{number}")["below_threshold"] == answer["below_threshold"]


def test_files_that_are_not_for_this_service_are_refused_at_once(
    files: tuple[Path, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    serve, (calibration, thresholds) = command("serve"), files
    other = json.loads(thresholds.read_text(encoding="utf-8"))
    other["model"]["model_hash"] = "0"
    strange = tmp_path / "strange.json"
    strange.write_text(json.dumps(other), encoding="utf-8")

    for words, said in (
        ([f"thresholds={thresholds}"], "there is none"),
        ([f"calibration={thresholds}"], "it is no calibration file"),
        ([f"calibration={tmp_path / 'nowhere.json'}"], "nowhere.json"),
        ([f"calibration={calibration}", f"thresholds={strange}"], "thresholds: it is of the weights 0"),
    ):
        assert serve([*words, "serve.port=0", "serve.grpc_port=null"]) == 2
        assert said in capfd.readouterr().err
