"""How often a certificate calls sound wiring broken, and which planted faults it finds.

    python tests/benchmarks/sim_certify.py clean 300     clean runs: a service with planted repeat noise
    python tests/benchmarks/sim_certify.py faults        every planted fault, all relations asked
    python tests/benchmarks/sim_certify.py time 100      one run over so many clips, in this process

The service is a real one on a port of its own, with the bundled model behind. Answers of the model are remembered
over runs, so that clean runs differ by their noise, clips and load alone; a third of them has no noise, a third
little (log-probabilities shaken by 0.05), a third much (0.5).
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from sv_eval.backend import Backend
from sv_eval.backends.faulty.faults import FAULTS
from sv_eval.backends.faulty.service import FaultyService
from sv_eval.backends.onnx import OnnxBackend
from sv_eval.config.building import build_backend
from sv_eval.config.composing import composed
from sv_eval.data.corpus.reading import Corpus, dataset_config_from, read_corpus
from sv_eval.machine.environment import describe_environment
from sv_eval.report.certificate import Certificate, Standing
from sv_eval.run.history import describe_corpus
from sv_eval.studies.certify.config import CertifyConfig
from sv_eval.studies.certify.measure import certify, settings_of
from sv_eval.studies.certify.result import result_of

SIGMAS = (0.0, 0.05, 0.5)


def demo() -> Corpus:
    """The bundled clips."""
    return read_corpus(dataset_config_from(composed("config", [], ("dataset",))["dataset"]))


async def certificate(service: FaultyService, corpus: Corpus, dialect: str, config: CertifyConfig) -> Certificate:
    async with service:
        words = [f"backend={dialect}", f"backend.url={service.url}", "backend.connection.preflight=false"]
        settings = composed("config", words, ("backend",))["backend"]

        def another(changes: Mapping[str, Any]) -> Backend:
            return build_backend({**settings, **changes})

        begin = time.perf_counter()
        found = await certify(build_backend(settings), corpus, config, another, settings_of(settings))
        wall_s = time.perf_counter() - begin
    return result_of(found, config, describe_corpus(corpus), describe_environment(), wall_s)


def broken(result: Certificate) -> list[str]:
    return [one.name for one in result.relations if one.standing is Standing.BROKEN]


async def clean(runs: int) -> None:
    counted: Counter[str] = Counter()
    alarms = 0
    by_sigma: Counter[float] = Counter()
    corpus, remembered = demo(), {}
    async with OnnxBackend(threads=1) as inner:
        for run in range(runs):
            sigma = SIGMAS[run % len(SIGMAS)]
            service = FaultyService(inner, noise=sigma, seed=run, remembered=remembered)
            chosen = np.random.default_rng(run).permutation(len(corpus.clips))[:48]
            part = replace(corpus, clips=tuple(corpus.clips[place] for place in sorted(chosen)))
            result = await certificate(service, part, "remote/service_form", CertifyConfig())
            found = broken(result)
            alarms += bool(found)
            by_sigma[sigma] += bool(found)
            counted.update(found)
            counted.update(f"undecided {one.name}" for one in result.relations if one.standing == "undecided")
            print(f"run {run}: noise {sigma}, {result.wall_s:.1f} s, broken {found}; so far {alarms}", flush=True)
    print(f"{alarms} of {runs} clean runs were called broken; by noise {dict(by_sigma)}; {dict(counted)}")


async def faults(names: list[str]) -> None:
    corpus, remembered, missed = demo(), {}, []
    async with OnnxBackend(threads=1) as inner:
        for fault in names or FAULTS:
            service = FaultyService(inner, fault, remembered=remembered)
            dialect = "remote" if fault == "alphabet" else "remote/service_form"
            result = await certificate(service, corpus, dialect, CertifyConfig())
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
        asyncio.run(clean(int(rest[0]) if rest else 300))
    elif what == "time":
        asyncio.run(timed(int(rest[0]) if rest else 100))
    else:
        asyncio.run(faults(rest))
