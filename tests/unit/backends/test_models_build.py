"""Directories with random weights: everybody who reads SenseVoice directories can read them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sv_eval.backend import Request
from sv_eval.backends.onnx import OnnxBackend
from sv_eval.backends.quiet import quiet
from sv_eval.backends.sensevoice.model_dir import open_model
from sv_eval.backends.sensevoice.models.build import build
from sv_eval.backends.sensevoice.models.installed import check_installed
from sv_eval.cli.main import command
from sv_eval.errors import ModelError
from sv_eval.records import Prediction, Waveform

main = command("models")

pytestmark = pytest.mark.skipif(find_spec("funasr") is None, reason="funasr and torch are not installed")

SAMPLES = (0.1 * np.random.default_rng(0).standard_normal(16_000)).astype(np.float32)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models") / "built"
    build("tiny", out, seed=3, onnx=True)
    return out


def test_it_holds_the_files_of_a_sensevoice_directory(built: Path) -> None:
    assert sorted(path.name for path in built.iterdir()) == [
        "am.mvn",
        "chn_jpn_yue_eng_ko_spectok.bpe.model",
        "config.yaml",
        "configuration.json",
        "model.onnx",
        "model.pt",
        "model_card.yaml",
    ]


def test_its_card_says_that_it_has_learnt_nothing(built: Path) -> None:
    card = open_model(built).card

    assert "Random" in card["title"]
    assert "training" not in card


def test_funasr_loads_it_and_answers(built: Path) -> None:
    with quiet():
        from funasr import AutoModel

        model = AutoModel(model=str(built), device="cpu", disable_update=True, disable_pbar=True)
        answer = model.generate(input=SAMPLES, disable_pbar=True)

    assert set(answer[0]) == {"key", "text"}


def test_the_onnx_backend_loads_it_and_answers(built: Path) -> None:
    async def ask() -> Any:
        async with OnnxBackend(model=str(built), threads=1) as backend:
            return await backend.recognize([Request(clip_id="noise", waveform=Waveform(samples=SAMPLES))])

    (answer,) = asyncio.run(ask())

    assert isinstance(answer, Prediction)


@pytest.mark.skipif(find_spec("funasr_onnx") is None, reason="funasr_onnx is not installed")
def test_funasr_onnx_loads_it_and_answers(built: Path) -> None:
    with quiet(), warnings.catch_warnings():
        # funasr_onnx and what it imports are not written for warnings as errors.
        warnings.simplefilter("ignore")
        from funasr_onnx import SenseVoiceSmall

        texts = SenseVoiceSmall(str(built), intra_op_num_threads=1)(SAMPLES)

    assert len(texts) == 1


def test_the_seed_decides_the_weights_and_leaves_the_global_generator_alone(built: Path, tmp_path: Path) -> None:
    import torch

    before = torch.random.get_rng_state()
    for name, seed in (("same", 3), ("other", 4)):
        build("tiny", tmp_path / name, seed=seed, onnx=False)

    first, same, other = (
        torch.load(folder / "model.pt")["ctc.ctc_lo.weight"]
        for folder in (built, tmp_path / "same", tmp_path / "other")
    )
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    assert torch.equal(before, torch.random.get_rng_state())


def test_an_output_that_is_a_file_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")

    code = main(["build", "tiny", "--out", str(tmp_path / "file")])

    said = capsys.readouterr().err
    assert code == 2
    assert said.count("\n") == 1
    assert "--out" in said


def test_a_size_that_is_not_there_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["build", "huge", "--out", "anywhere"])

    said = capsys.readouterr().err
    assert code == 2
    assert said.count("\n") == 1
    assert "huge" in said
    assert "tiny" in said


def test_the_command_line_is_read_without_torch() -> None:
    program = "import sys, sv_eval.models; print(sorted({'torch', 'funasr'} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_a_missing_package_is_named_with_what_brings_it() -> None:
    with pytest.raises(ModelError, match=r"no_such_package is not installed.*sv-eval\[export\]"):
        check_installed("json", "no_such_package")
