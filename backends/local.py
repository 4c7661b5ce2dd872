"""`backend=local`: a SenseVoice model that FunASR loads, on torch, in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, Unpack

from sv_eval.backend import BackendInfo, Capabilities
from sv_eval.backends.frontend import Float32, Frontend
from sv_eval.backends.funasr_model import WEIGHTS, load_auto_model, refuse_missing_packages
from sv_eval.backends.hubs import HUBS, find_directory
from sv_eval.backends.segmentation.segmenter import Segmenter
from sv_eval.backends.sensevoice.answers import AnswerReader
from sv_eval.backends.sensevoice.describing import labels_of, listening_details
from sv_eval.backends.sensevoice.in_process import InProcess
from sv_eval.backends.sensevoice.listening import ListeningSettings
from sv_eval.backends.sensevoice.model_dir import (
    BUNDLED,
    ModelDirectory,
    bundled_model,
    content_hash,
    directory_state,
    open_model,
)
from sv_eval.backends.sensevoice.recogniser import Recogniser
from sv_eval.backends.torch_engine import TorchEngine
from sv_eval.errors import ConfigError, ModelError, nearest

PRECISIONS = ("fp32", "fp16", "bf16")
FRONTENDS = ("kaldi", "torchaudio")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Model:
    """What opening a directory gives, whatever stretches are then cut and however answers are combined."""

    directory: ModelDirectory
    reader: AnswerReader
    engine: TorchEngine
    hash: str


class LocalBackend(InProcess):
    """SenseVoice through FunASR and torch.

    model: a directory that FunASR's AutoModel takes, a hub id (`iic/SenseVoiceSmall`), or `bundled`.
    hub: where an id is looked up, `ms` (ModelScope) or `hf` (Hugging Face). revision: a branch, tag or commit.
    device: `cpu`, `cuda:N`, or `auto` for the first GPU where there is one.
    precision: `fp32`, `fp16` (GPU only) or `bf16`.
    threads: torch's threads, for the whole process; 0 leaves torch's choice.
    trust_remote_code: whether the directory may have code of its own run, packages installed and other models
    loaded; what it will run is said first.
    frontend: `kaldi` computes features on the CPU; `torchaudio` on the model's device.
    compile: have torch compile the encoder's blocks on opening, which takes a minute or so the first time.

    The other settings are those of `Listening`. Raises ConfigError for a value that can't be, ModelError for a
    detector that is not there.
    """

    def __init__(
        self,
        *,
        model: str = "iic/SenseVoiceSmall",
        hub: str = "ms",
        revision: str | None = None,
        device: str = "auto",
        precision: str = "fp32",
        threads: int = 0,
        frontend: str = "kaldi",
        compile: bool = False,
        trust_remote_code: bool = False,
        **listening: Unpack[ListeningSettings],
    ) -> None:
        for name, value, choices in (
            ("precision", precision, PRECISIONS),
            ("frontend", frontend, FRONTENDS),
            ("hub", hub, HUBS),
        ):
            if value not in choices:
                raise ConfigError(f"backend.{name}={value} is not known; {nearest(value, choices)}")
        if threads < 0:
            raise ConfigError(f"backend.threads={threads}: give 0, for torch's own choice, or more")
        if device not in ("auto", "cpu") and not device.startswith("cuda"):
            raise ConfigError(f"backend.device={device} is not known; choose auto, cpu or cuda:N")
        super().__init__(**listening)
        self._where, self._hub, self._revision = model, hub, revision
        self._device, self._precision, self._threads = device, precision, threads
        self._frontend, self._compile = frontend, compile
        self._trust_remote_code = trust_remote_code

    @property
    def capabilities(self) -> Capabilities:
        """Batches, three calls in flight: features, inference and reading of answers work on one each."""
        return self._able(
            max_in_flight=3,
            # Matrix products of other shapes may round otherwise in half precision, and one clip is a program of
            # its own where programs are compiled.
            batch_invariant=self._precision == "fp32" and not self._compile,
        )

    async def __aenter__(self) -> Self:
        """Load the model through FunASR and put it on its device, beside the event loop."""
        await asyncio.to_thread(self._open)
        return self

    def _open(self) -> None:
        segmenter = Segmenter(self._listening)
        # Before the weights, which may be a download: a wrong device is known at once.
        device = _device(self._device)
        if self._precision == "fp16" and device == "cpu":
            raise ModelError(
                "backend.precision=fp16 needs a GPU: on the CPU torch has no fast half; use bf16 or fp32"
            )
        asked = f"backend.model={self._where}"
        where = str(bundled_model()) if self._where == BUNDLED else self._where
        path = find_directory(where, asked=asked, hub=self._hub, revision=self._revision)
        running = (device, self._precision, self._threads, self._frontend, self._compile)
        # With the prompts that an engine asks with where it is given none.
        identity = ("local", directory_state(path), *running, self._listening.prompts)
        model = self._kept_open(identity, lambda: self._load(path, asked, device))
        directory = model.directory
        self._info = self._describe(model, device, segmenter)
        self._recogniser = Recogniser(
            engine=model.engine,
            reader=model.reader,
            listening=self._listening,
            segmenter=segmenter,
            known=self._inference_cache(
                ("local", str(directory.path.resolve()), model.hash, *running),
                # Another shape may be computed by another kernel.
                alone=False,
            ),
        )
        self._labels = labels_of(directory)

    def _load(self, path: Path, asked: str, device: str) -> _Model:
        """Read the directory and have FunASR build the network."""
        # Read before FunASR, which takes seconds to import and says less clearly what is missing.
        directory = open_model(path)
        auto = load_auto_model(
            path, asked=asked, device=device, threads=self._threads, trust_remote_code=self._trust_remote_code
        )
        reader = AnswerReader(directory.vocabulary)
        engine = TorchEngine(
            auto.model,
            device=device,
            precision=self._precision,
            frontend=_frontend(self._frontend, directory, device),
            listening=self._listening,
            emotion_ids=reader.emotion_ids,
            compiled=self._compile,
        )
        return _Model(
            directory=directory, reader=reader, engine=engine, hash=content_hash(directory.path / WEIGHTS)
        )

    def _describe(self, model: _Model, device: str, segmenter: Segmenter) -> BackendInfo:
        import torch

        source = {} if Path(self._where).expanduser().is_dir() or self._where == BUNDLED else {"hub": self._hub}
        if self._revision is not None:
            source["revision"] = self._revision
        return BackendInfo(
            name="local",
            model=str(model.directory.card.get("title", self._where)),
            model_hash=model.hash,
            precision=self._precision,
            device=device,
            details={
                "threads": torch.get_num_threads(),
                "frontend": self._frontend,
                **({"compiled": "by torch, block by block"} if self._compile else {}),
                **source,
                **listening_details(self._listening, segmenter),
            },
            card=model.directory.card,
        )


def _device(wanted: str) -> str:
    """The device that `wanted` stands for here; ModelError when it is not to be had."""
    refuse_missing_packages("backend.device=" + wanted)
    if wanted == "cpu":
        return wanted
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted == "auto":
        return "cuda:0" if count else "cpu"
    number = wanted.removeprefix("cuda").removeprefix(":") or "0"
    if not number.isdigit():
        raise ConfigError(f"backend.device={wanted} is not known; choose auto, cpu or cuda:N")
    if int(number) >= count:
        there = f"{count} GPU(s) are seen here" if count else "torch sees no GPU here"
        raise ModelError(f"backend.device={wanted}: {there} (torch {torch.__version__}); use backend.device=cpu")
    return f"cuda:{number}"


def _frontend(name: str, directory: ModelDirectory, device: str) -> Callable[[Float32], Any]:
    if name == "kaldi":
        return Frontend(directory.frontend, directory.cmvn)
    from sv_eval.backends.sensevoice.torchaudio_frontend import TorchaudioFrontend

    return TorchaudioFrontend(directory.frontend, directory.cmvn, device)
