"""What a user can get wrong about a model: each is one line that names the setting or the file, and exit code 2."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sv_eval.backend import Backend
from sv_eval.backends.local import LocalBackend
from sv_eval.backends.onnx import OnnxBackend
from sv_eval.backends.segmentation.fsmn import FsmnVad
from sv_eval.backends.sensevoice.listening import Listening
from sv_eval.backends.sensevoice.model_dir import bundled_model
from sv_eval.backends.torch_engine import TorchEngine
from sv_eval.errors import EXIT_USAGE, InferenceError, ModelError, UsageError

torch = pytest.importorskip("torch")

Call = Callable[..., subprocess.CompletedProcess[str]]
Copy = Callable[..., Path]
VOCABULARY = "chn_jpn_yue_eng_ko_spectok.bpe.model"


@pytest.fixture(scope="module", autouse=True)
def funasr() -> None:
    """Imported for the first test: it takes seconds, which each process that collects tests would spend."""
    pytest.importorskip("funasr")


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """Copies the bundled model `without` some of its files, and with others `changed`."""

    def make(*without: str, changed: dict[str, bytes] | None = None) -> Path:
        folder = tmp_path / "model"
        folder.mkdir()
        for path in bundled_model().iterdir():
            if path.is_file() and path.name not in without:
                (folder / path.name).symlink_to(path)
        for name, content in (changed or {}).items():
            (folder / name).unlink(missing_ok=True)
            (folder / name).write_bytes(content)
        return folder

    return make


def refused(make: Callable[[], Backend]) -> str:
    """The one line with which a backend refuses to be built or opened."""

    async def drive() -> None:
        async with make():
            pass

    with pytest.raises(UsageError) as caught:
        asyncio.run(drive())
    message = str(caught.value)
    assert caught.value.exit_code == EXIT_USAGE
    assert message
    assert "\n" not in message
    assert "Traceback" not in message
    return message


def local(**settings: Any) -> Callable[[], Backend]:
    return lambda: LocalBackend(**{"model": "bundled", "device": "cpu", "threads": 1, **settings})


def onnx(**settings: Any) -> Callable[[], Backend]:
    return lambda: OnnxBackend(**{"threads": 1, **settings})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["backend=local", "backend.model=/no/such"], ["backend.model=/no/such", "no such directory"]),
        (["backend=local", "backend.precision=fp61"], ["backend.precision=fp61", "did you mean", "fp16"]),
        (["backend=onnx", "backend.vad=silro"], ["backend.vad=silro", "did you mean silero"]),
        (["backend=onnx", "backend.combine=meen"], ["backend.combine=meen", "did you mean mean"]),
        (["backend=onnx", "backend.vad_model=here"], ["backend.vad_model", "backend.vad=fsmn"]),
        (["backend=onnx", "backend.chunk_size=0.1"], ["backend.chunk_size=0.1", "0.5 or more"]),
    ],
)
def test_a_command_says_it_in_one_line(call: Call, arguments: list[str], words: list[str]) -> None:
    device = ["backend.device=cpu"] if arguments[0] == "backend=local" else []

    done = call(*arguments, *device, "dataset=demo", "dataset.limit=2")

    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert done.returncode == EXIT_USAGE
    assert len(lines) == 1, done.stderr
    assert all(word in lines[0] for word in words), lines[0]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"language": "zhh"}, ["backend.language=zhh", "did you mean zh"]),
        ({"combine": "vot"}, ["backend.combine=vot", "did you mean vote"]),
        ({"vad": "fsm"}, ["backend.vad=fsm", "did you mean fsmn"]),
        ({"vad": "silero", "vad_model": "fsmn-vad"}, ["backend.vad_model", "backend.vad=fsmn"]),
        ({"precision": "int9"}, ["backend.precision=int9"]),
        ({"batch_size": 0}, ["backend.batch_size=0"]),
        ({"threads": -1}, ["backend.threads=-1"]),
    ],
)
@pytest.mark.parametrize("make", [local, onnx])
def test_a_setting_that_is_not_known_is_named(
    make: Callable[..., Callable[[], Backend]], settings: dict[str, Any], words: list[str]
) -> None:
    message = refused(make(**settings))

    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"hub": "hff"}, ["backend.hub=hff", "did you mean hf"]),
        ({"frontend": "kald"}, ["backend.frontend=kald", "did you mean kaldi"]),
        ({"device": "gpu"}, ["backend.device=gpu", "cuda:N"]),
        ({"device": "cuda:first"}, ["backend.device=cuda:first", "cuda:N"]),
        ({"precision": "fp16"}, ["backend.precision=fp16", "needs a GPU", "bf16 or fp32"]),
        ({"model": "bundled", "revision": "v1"}, ["backend.model=bundled", "no revisions", "v1"]),
        ({"model": "./no/such"}, ["backend.model=./no/such", "no such directory"]),
        ({"vad": "fsmn", "vad_model": "/no/such"}, ["backend.vad_model=/no/such", "no such directory"]),
    ],
)
def test_local_names_what_can_not_be(settings: dict[str, Any], words: list[str]) -> None:
    message = refused(local(**settings))

    assert all(word in message for word in words), message


@pytest.mark.skipif(torch.cuda.is_available(), reason="torch sees a GPU here")
def test_a_gpu_that_is_not_there_is_named_before_the_model_is_loaded() -> None:
    message = refused(local(device="cuda:0", model="no-one/has-this"))

    assert "backend.device=cuda:0" in message
    assert "backend.device=cpu" in message


@pytest.mark.parametrize(
    ("without", "words"),
    [
        ("model.pt", ["backend.model=", "model.pt is missing"]),
        ("am.mvn", ["am.mvn is missing"]),
        ("config.yaml", ["config.yaml is missing"]),
        (VOCABULARY, ["no vocabulary", "*.bpe.model"]),
        ("configuration.json", ["backend.model=", "no configuration.json"]),
    ],
)
def test_local_names_the_file_that_a_directory_lacks(copy: Copy, without: str, words: list[str]) -> None:
    folder = copy(without)

    message = refused(local(model=str(folder)))

    assert str(folder) in message
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.pt", b""),
        ("model.pt", b"no weights at all"),
        ("config.yaml", b"model: [SenseVoiceSmall"),
        ("config.yaml", b"model: NoSuchNetwork\n"),
        ("am.mvn", b"no normalisation"),
        (VOCABULARY, b"no vocabulary"),
    ],
)
def test_local_refuses_a_file_that_is_not_what_it_should_be(copy: Copy, name: str, content: bytes) -> None:
    folder = copy(changed={name: content})

    assert str(folder) in refused(local(model=str(folder)))


def test_weights_of_another_size_are_refused_and_not_replaced_by_random_ones(copy: Copy) -> None:
    config = (bundled_model() / "config.yaml").read_bytes()
    narrower = config.replace(b"linear_units: 128", b"linear_units: 96")
    folder = copy(changed={"config.yaml": narrower})

    message = refused(local(model=str(folder)))

    assert narrower != config
    assert f"backend.model={folder}" in message
    assert "size mismatch" in message


def test_missing_weights_are_refused_and_not_replaced_by_random_ones(copy: Copy) -> None:
    config = (bundled_model() / "config.yaml").read_bytes()
    deeper = config.replace(b"num_blocks: 3", b"num_blocks: 4")
    folder = copy(changed={"config.yaml": deeper})

    message = refused(local(model=str(folder)))

    assert deeper != config
    assert "model.pt lacks" in message
    assert "encoder.encoders." in message


def test_another_kind_of_model_is_refused(copy: Copy) -> None:
    with pytest.raises(ModelError, match="not a SenseVoice network"):
        TorchEngine(
            torch.nn.Linear(2, 2),
            device="cpu",
            precision="fp32",
            frontend=np.asarray,
            listening=Listening(),
            emotion_ids=np.array([1]),
        )
    with pytest.raises(ModelError, match=r"backend\.vad_model=.*not an fsmn-vad"):
        FsmnVad(str(copy()))


def test_a_hub_that_can_not_be_reached_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    constants = pytest.importorskip("huggingface_hub").constants
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    message = refused(local(model="no-one/has-this", hub="hf"))

    assert "backend.model=no-one/has-this" in message
    assert "Hugging Face" in message
    assert "directory" in message


@pytest.mark.parametrize(
    ("without", "settings", "words"),
    [
        ("model.onnx", {}, ["model.onnx", "backend.precision=fp32", "no ONNX graph"]),
        ("model.onnx", {"precision": "auto"}, ["backend.precision=auto", "holds no graph"]),
        ("", {"precision": "fp16"}, ["model_fp16.onnx", "backend.precision=fp16", "this directory has fp32"]),
        ("am.mvn", {}, ["am.mvn is missing"]),
        (VOCABULARY, {}, ["no vocabulary"]),
    ],
)
def test_onnx_names_the_file_that_a_directory_lacks(
    copy: Copy, without: str, settings: dict[str, Any], words: list[str]
) -> None:
    message = refused(onnx(model=str(copy(without)), **settings))

    assert all(word in message for word in words), message


def test_a_graph_that_is_none_is_refused(copy: Copy) -> None:
    folder = copy(changed={"model.onnx": b"no graph"})

    assert str(folder / "model.onnx") in refused(onnx(model=str(folder)))


def torch_engine(encoder: Callable[..., Any]) -> TorchEngine:
    """An engine with a network of our own, 8 values a frame."""
    network = SimpleNamespace(embed=torch.nn.Embedding(16, 8), encoder=encoder, ctc=SimpleNamespace(ctc_lo=None))
    network.to = lambda _device: network
    network.eval = lambda: network
    return TorchEngine(
        network,
        device="cpu",
        precision="fp32",
        frontend=np.asarray,
        listening=Listening(),
        emotion_ids=np.array([1]),
    )


def test_a_network_that_runs_out_of_memory_says_what_to_set() -> None:
    # torch's own error: no machine has an exabyte.
    engine = torch_engine(lambda inputs, lengths: (torch.empty(1 << 60, dtype=torch.uint8), lengths))

    with pytest.raises(InferenceError, match=r"2 x 3\.0 s.*backend\.batch_size.*backend\.chunk_size") as caught:
        engine.infer(engine.batch([np.zeros((50, 8), np.float32), np.zeros((20, 8), np.float32)]))

    assert caught.value.kind == "out_of_memory"
    assert "\n" not in str(caught.value)


def test_a_network_that_fails_otherwise_is_an_inference_error() -> None:
    engine = torch_engine(lambda inputs, lengths: (inputs, lengths))

    with pytest.raises(InferenceError, match="torch: ") as caught:
        engine.infer(engine.batch([np.zeros((50, 9), np.float32)]))  # 9 values do not fit to the prompts' 8

    assert caught.value.kind == "inference"


OUT_OF_MEMORY = """
import asyncio, resource
import numpy as np
from sv_eval.backends.onnx import OnnxBackend
from sv_eval.backend import Request
from sv_eval.errors import InferenceError
from sv_eval.records import Waveform

def request(seconds):
    return Request(clip_id="x", waveform=Waveform(samples=np.full(round(seconds * 16000), 0.01, np.float32)))

async def drive():
    async with OnnxBackend(threads=1) as backend:
        await backend.recognize([request(1)])
        pages = int(open("/proc/self/statm").read().split()[0])
        limit = pages * resource.getpagesize() + 500_000_000
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        try:
            await backend.recognize([request(400)])
        except InferenceError as error:
            print(error.kind, "|", error)
        (answer,) = await backend.recognize([request(1)])
        print(answer.outcome.value)

asyncio.run(drive())
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is limited as Linux does it")
def test_onnxruntime_out_of_memory_fails_the_clip_and_not_the_process(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OUT_OF_MEMORY],
        env=environment,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )

    said, outcome = done.stdout.splitlines()
    assert said.startswith("out_of_memory | a batch of 1 x 400.0 s of audio did not fit")
    assert "backend.chunk_size" in said
    assert outcome in ("LABEL", "UNKNOWN", "NO_TAG")
    assert done.stderr == ""
