"""How often a certificate calls sound wiring broken, and which planted faults it finds.

    python tests/benchmarks/sim_certify.py clean 300 0   clean runs with planted repeat noise, from this seed on
    python tests/benchmarks/sim_certify.py faults        every planted fault, all relations asked
    python tests/benchmarks/sim_certify.py time 100      one run over so many clips, in this process

Faults are asked of a real service on a port of its own, with the bundled model behind; clean runs, which are many,
of the same service without the way over the network. Answers of the model are remembered over runs, so that clean
runs differ by their clips and noise alone; a third of them has no noise, a third little (log-probabilities shaken
by 0.05), a third much (0.5).
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np

from sv_eval.backend import Answer, Backend, BackendInfo, Capabilities, Request
from sv_eval.backends.faulty.exchange import Asked
from sv_eval.backends.faulty.faults import FAULTS
from sv_eval.backends.faulty.service import FaultyService
from sv_eval.backends.onnx import OnnxBackend
from sv_eval.config.building import build_backend
from sv_eval.config.composing import composed
from sv_eval.data.corpus.reading import Corpus, dataset_config_from, read_corpus
from sv_eval.machine.environment import describe_environment
from sv_eval.records import Prediction
from sv_eval.report.certificate import Certificate, Standing
from sv_eval.run.history import describe_corpus
from sv_eval.studies.certify.config import CertifyConfig
from sv_eval.studies.certify.measure import certify, settings_of
from sv_eval.studies.certify.result import result_of

SIGMAS = (0.0, 0.05, 0.5)


def demo() -> Corpus:
    """The bundled clips."""
    return read_corpus(dataset_config_from(composed("config", [], ("dataset",))["dataset"]))


async def certificate(service: FaultyService, corpus: Corpus, backend: str, config: CertifyConfig) -> Certificate:
    async with service:
        url = service.url.replace("http", "ws") if backend.endswith("websocket") else service.url
        words = [f"backend={backend}", f"backend.url={url}", "backend.connection.preflight=false"]
        settings = composed("config", words, ("backend",))["backend"]

        def another(changes: Mapping[str, Any]) -> Backend:
            return build_backend({**settings, **changes})

        begin = time.perf_counter()
        found = await certify(build_backend(settings), corpus, config, another, settings_of(settings))
        wall_s = time.perf_counter() - begin
    return result_of(found, config, describe_corpus(corpus), describe_environment(), wall_s)


def broken(result: Certificate) -> list[str]:
    return [one.name for one in result.relations if one.standing is Standing.BROKEN]


class Direct:
    """The service without the network: files in, answers out."""

    capabilities = Capabilities(max_in_flight=16, needs_encoded=True, adjusts=("language", "use_itn"))
    info = BackendInfo(name="direct", model="bundled, with noise", in_process=False)

    def __init__(self, service: FaultyService) -> None:
        self._service = service

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *reason: object) -> None:
        return None

    async def recognize(self, requests: Sequence[Request]) -> list[Answer]:
        return [await self._one(request) for request in requests]

    async def _one(self, request: Request) -> Answer:
        asked = Asked(
            data=request.waveform.encoded or b"",
            language=request.adjustments.language,
            use_itn=request.adjustments.use_itn,
        )
        await asyncio.sleep(0)
        said = await self._service.judge(asked)
        return Prediction(
            label=said["emotion"], scores=said["scores"], confidence=said["confidence"], text=said["text"]
        )


async def clean(runs: int, first: int) -> None:
    counted: Counter[str] = Counter()
    alarms = 0
    by_sigma: Counter[float] = Counter()
    corpus, remembered = demo(), {}
    async with OnnxBackend(threads=1) as inner:
        for run in range(first, first + runs):
            sigma = SIGMAS[run % len(SIGMAS)]
            backend = Direct(FaultyService(inner, noise=sigma, seed=run, remembered=remembered))
            chosen = np.random.default_rng(run).permutation(len(corpus.clips))[:24]
            part = replace(corpus, clips=tuple(corpus.clips[place] for place in sorted(chosen)))
            config, begin = CertifyConfig(), time.perf_counter()
            asked = await certify(backend, part, config, lambda _, same=backend: same, ("url",))
            wall_s = time.perf_counter() - begin
            result = result_of(asked, config, describe_corpus(part), describe_environment(), wall_s)
            found = broken(result)
            alarms += bool(found)
            by_sigma[sigma] += bool(found)
            counted.update(found)
            counted.update(f"undecided {one.name}" for one in result.relations if one.standing == "undecided")
            done = run - first + 1
            print(
                f"run {run}: noise {sigma}, {wall_s:.1f} s, {result.counts.held} held, broken {found}; "
                f"{alarms} of {done} so far",
                flush=True,
            )
    print(f"{alarms} of {runs} clean runs were called broken; by noise {dict(by_sigma)}; {dict(counted)}")


async def faults(names: list[str]) -> None:
    corpus, remembered, missed = demo(), {}, []
    async with OnnxBackend(threads=1) as inner:
        for fault in names or FAULTS:
            service = FaultyService(inner, fault, remembered=remembered)
            result = await certificate(service, corpus, FAULTS[fault].backend, CertifyConfig())
            found = broken(result)
            named = [one for one in FAULTS[fault].found_by if one in found]
            missed += [] if named else [fault]
            print(f"{fault}: named by {named}, broken {found}, {result.wall_s:.1f} s", flush=True)
    print(f"{len(names or FAULTS) - len(missed)} of {len(names or FAULTS)} faults were found; missed {missed}")


async def timed(clips: int) -> None:
    settings = composed("config", ["backend=onnx"], ("backend",))["backend"]
    begin = time.perf_counter()
    config = CertifyConfig(clips=clips)
    found = await certify(build_backend(settings), demo(), config, lambda _: build_backend(settings), ())
    print(f"{clips} clips, {found.asked} requests: {time.perf_counter() - begin:.1f} s")


if __name__ == "__main__":
    what, *rest = sys.argv[1:] or ["faults"]
    if what == "clean":
        asyncio.run(clean(int(rest[0]) if rest else 300, int(rest[1]) if len(rest) > 1 else 0))
    elif what == "time":
        asyncio.run(timed(int(rest[0]) if rest else 100))
    else:
        asyncio.run(faults(rest))
