"""The committed gRPC code is what the .proto gives."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

from sv_eval.emotions import EMOTIONS, PREDICTION_LABELS
from sv_eval.wire import emotion_pb2, emotion_pb2_grpc

ROOT = Path(__file__).resolve().parents[3]
PROTO = "sv_eval/wire/emotion.proto"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("proto")
    ways = [f"--{kind}={out}" for kind in ("python_out", "pyi_out", "grpc_python_out")]
    described = f"--descriptor_set_out={out / 'set'}"
    command = [sys.executable, "-W", "ignore", "-m", "grpc_tools.protoc", "-I.", *ways, described, PROTO]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return out


def test_the_messages_are_those_of_the_proto(generated: Path) -> None:
    files = descriptor_pb2.FileDescriptorSet.FromString((generated / "set").read_bytes())
    (fresh,) = files.file
    committed = descriptor_pb2.FileDescriptorProto()
    emotion_pb2.DESCRIPTOR.CopyToProto(committed)  # type: ignore[no-untyped-call]
    # Names for JSON are worked out from the others, and not every generator writes them down.
    for file in (fresh, committed):
        for message in file.message_type:
            for field in message.field:
                field.ClearField("json_name")
    assert committed == fresh


def test_the_stubs_are_those_of_the_proto(generated: Path) -> None:
    """The text but for what depends on the generator's version."""

    def calls(path: Path) -> list[str]:
        return [line.strip() for line in path.read_text().splitlines() if "__pb2" in line or "/sv.emotion" in line]

    fresh, committed = (folder / "sv_eval/wire/emotion_pb2_grpc.py" for folder in (generated, ROOT))
    assert calls(committed) == calls(fresh)
    assert hasattr(emotion_pb2_grpc, "EmotionRecognitionStub")


def test_every_enum_begins_with_unspecified() -> None:
    for enum in emotion_pb2.DESCRIPTOR.enum_types_by_name.values():
        assert enum.values[0].number == 0
        assert enum.values[0].name.endswith("_UNSPECIFIED")


def test_every_label_has_its_number() -> None:
    names = [
        value.name.removeprefix("EMOTION_").lower()
        for value in emotion_pb2.DESCRIPTOR.enum_types_by_name["Emotion"].values
    ]
    assert sorted(names) == sorted([*PREDICTION_LABELS, "unspecified"])
    assert names[1:8] == list(EMOTIONS)


def test_the_generated_code_asks_for_no_more_than_the_extra_does() -> None:
    needed = emotion_pb2_grpc.GRPC_GENERATED_VERSION
    wanted = [line for line in importlib.metadata.requires("sv-eval") or () if line.startswith("grpcio>=")]
    assert wanted
    assert wanted[0].partition(";")[0].strip().removeprefix("grpcio>=").split(".")[:2] == needed.split(".")[:2]
