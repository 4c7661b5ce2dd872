"""The ways to run one model that bench_peers.py compares, each from waveforms (float32, 16 kHz) to answers."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from peers_directories import funasr_directory, sherpa_graph, sherpa_tokens, uint8_graph, upstream_graph

from sv_eval.backend import Request
from sv_eval.backends.onnx import OnnxBackend
from sv_eval.backends.quiet import quiet
from sv_eval.records import SAMPLE_RATE_HZ, Waveform

Samples = NDArray[np.float32]
Recognise = Callable[[Sequence[Samples]], Sequence[Any]]
BATCH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One way to run the model."""

    name: str
    form: str
    """Numeric form of the weights: `fp32`, `bf16`, `uint8`, `int8`."""
    recognise: Recognise
    """One call's answers; one clip or up to BATCH of them."""
    ours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all contestants share."""

    model: Path
    """The directory: model.pt, model.onnx, model_quant.onnx and what belongs to them."""
    work: Path
    """Where the peers' own forms of it are kept."""
    threads: int


Make = Callable[[Setting, asyncio.Runner], Iterator[Contestant]]


def auto_model(setting: Setting, runner: asyncio.Runner) -> Iterator[Contestant]:
    with _upstream():
        from funasr import AutoModel

        model = AutoModel(
            model=str(setting.model),
            device="cpu",
            ncpu=setting.threads,
            disable_update=True,
            disable_pbar=True,
            frontend_conf={"dither": 0.0},
        )

    def recognise(waveforms: Sequence[Samples]) -> Sequence[Any]:
        given = list(waveforms)
        answers: Sequence[Any] = model.generate(
            input=given, batch_size=len(given), language="auto", use_itn=False, disable_pbar=True
        )
        return answers

    yield Contestant(name="FunASR AutoModel", form="fp32", recognise=recognise)


def funasr_onnx(setting: Setting, runner: asyncio.Runner) -> Iterator[Contestant]:
    with _upstream():
        from funasr_onnx import SenseVoiceSmall
    folder = funasr_directory(setting.model, setting.work)
    for form in ("fp32", "uint8"):
        model = SenseVoiceSmall(
            str(folder), batch_size=BATCH, quantize=form == "uint8", intra_op_num_threads=setting.threads
        )
        # Its own takes the paths of files; decoding is not measured here.
        model.load_data = lambda waveforms, rate: list(waveforms)
        yield Contestant(name="funasr_onnx", form=form, recognise=model)


def sherpa_onnx(setting: Setting, runner: asyncio.Runner) -> Iterator[Contestant]:
    from sherpa_onnx import OfflineRecognizer

    tokens = sherpa_tokens(setting.model, setting.work)
    graphs = {
        "fp32": upstream_graph(setting.model, setting.work),
        "uint8": uint8_graph(setting.model, setting.work),
        "int8": setting.model / "model_quant.onnx",
    }
    for form, graph in graphs.items():
        model = OfflineRecognizer.from_sense_voice(
            model=str(sherpa_graph(graph, setting.model, setting.work)),
            tokens=str(tokens),
            num_threads=setting.threads,
            language="auto",
            use_itn=False,
        )

        def recognise(waveforms: Sequence[Samples], model: Any = model) -> Sequence[Any]:
            streams = [model.create_stream() for _ in waveforms]
            for stream, samples in zip(streams, waveforms, strict=True):
                stream.accept_waveform(SAMPLE_RATE_HZ, samples)
            model.decode_streams(streams)
            return [stream.result.text for stream in streams]

        yield Contestant(name="sherpa-onnx", form=form, recognise=recognise)


def ours_onnx(setting: Setting, runner: asyncio.Runner) -> Iterator[Contestant]:
    for form in ("fp32", "int8"):
        backend = OnnxBackend(model=str(setting.model), precision=form, threads=setting.threads, batch_size=BATCH)
        yield _ours("backend=onnx", form, backend, runner)


def ours_local(setting: Setting, runner: asyncio.Runner) -> Iterator[Contestant]:
    from sv_eval.backends.local import LocalBackend

    for form in ("fp32", "bf16"):
        with _upstream():
            backend = LocalBackend(
                model=str(setting.model), device="cpu", precision=form, threads=setting.threads, batch_size=BATCH
            )
            yield _ours("backend=local", form, backend, runner)


MAKERS: dict[str, Make] = {
    "sv_eval.backends.onnx": ours_onnx,
    "sv_eval.backends.local": ours_local,
    "funasr": auto_model,
    "funasr_onnx": funasr_onnx,
    "sherpa_onnx": sherpa_onnx,
}
"""By the module that each needs; the order is that of the table."""


def _ours(name: str, form: str, backend: Any, runner: asyncio.Runner) -> Contestant:
    runner.run(backend.__aenter__())

    def recognise(waveforms: Sequence[Samples]) -> Sequence[Any]:
        requests = [Request(clip_id="clip", waveform=Waveform(samples=samples)) for samples in waveforms]
        answers: Sequence[Any] = runner.run(backend.recognize(requests))
        return answers

    return Contestant(name=name, form=form, recognise=recognise, ours=True)


def _upstream() -> AbstractContextManager[Any]:
    warnings.filterwarnings("ignore")
    return quiet()
