from __future__ import annotations

import pytest

from sv_eval.errors import ConfigError
from sv_eval.studies.parity.config import parse


def test_both_sides_and_what_they_share_are_told_apart() -> None:
    line = parse(["onnx,model=/m", "local,model=/m,device=cpu", "dataset=emodb", "dataset.root=/e", "out=here"])

    assert line.sides == (
        ["backend=onnx", "backend.model=/m"],
        ["backend=local", "backend.model=/m", "backend.device=cpu"],
    )
    assert line.titles == ("onnx,model=/m", "local,model=/m,device=cpu")
    assert line.shared == ["dataset=emodb", "dataset.root=/e"]
    assert line.out == "here"


def test_a_side_can_be_set_apart_from_its_name() -> None:
    line = parse(["onnx", "onnx", "b.precision=int8"])

    assert line.sides == (["backend=onnx"], ["backend=onnx", "backend.precision=int8"])
    assert line.titles == ("onnx", "onnx,precision=int8")


def test_limits_and_tolerances_are_numbers_however_they_are_written() -> None:
    line = parse(["onnx", "fake", "parity.max_dp=1e-4", "parity.max_flips=2", "parity.tolerance.features=1e-5"])

    assert (line.parity.max_dp, line.parity.max_flips) == (1e-4, 2)
    assert line.parity.tolerance["features"] == 1e-5
    assert line.parity.tolerance["waveform"] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["onnx"], "1 are named"),
        (["onnx", "fake", "local"], "3 are named"),
        (["onnx", "fake,int8"], "'int8' is no setting"),
        (["onnx", "fake", "backend.threads=1"], "is not understood"),
        (["onnx", "fake", "parity.max_flip=1"], "max_flip"),
        (["onnx", "fake", "parity.tolerance.mel=1"], "stages are waveform"),
        (["onnx", "fake", "parity.trace_clips=-1"], "negative"),
    ],
)
def test_what_is_wrong_is_named(arguments: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse(arguments)
