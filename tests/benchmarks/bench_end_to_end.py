"""A whole run over real recordings, against onnxruntime alone on the same batches.

    python tests/benchmarks/bench_end_to_end.py [--corpus DIR] [--model DIR] [--threads N] [--rounds N] [--limit N]

The run decodes, computes features, infers, reads the answers and hands out records; the peer is the inference
session called on the same padded batches, prepared beforehand. Rounds alternate; the ratio is their median.
A model of SenseVoice's full size: python -m sv_eval.models build small --onnx --out DIR
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sv_eval.backends.frontend import Frontend, pad_batch
from sv_eval.backends.onnx import OnnxBackend
from sv_eval.backends.sensevoice.model_dir import open_model
from sv_eval.backends.sensevoice.tokens import LANGUAGE_PROMPTS, TEXTNORM_PROMPTS
from sv_eval.data.corpus.reading import Corpus, dataset_config_from, read_corpus
from sv_eval.run.load import LoadConfig, LoadPlan, plan_load
from sv_eval.run.loop import RunLoop
from sv_eval.run.pauses import short_collections
from sv_eval.run.prefetch import Prefetcher, cut_batches


def inputs_of(corpus: Corpus, model: str, plan: LoadPlan) -> list[dict[str, Any]]:
    """The padded batches that a run under `plan` forms."""
    directory = open_model(model)
    frontend = Frontend(directory.frontend, directory.cmvn)

    async def gather() -> list[dict[str, Any]]:
        made = []
        with Prefetcher(corpus.clips, corpus.source, workers=2, ahead=64) as prefetcher:
            async for batch in cut_batches(prefetcher.stream(), batch_size=plan.batch_size, window=plan.window):
                features = [frontend(item.waveform.samples) for item in batch if item.waveform is not None]
                speech, lengths = pad_batch(features)
                language = np.full(len(features), LANGUAGE_PROMPTS["auto"], dtype=np.int32)
                textnorm = np.full(len(features), TEXTNORM_PROMPTS[False], dtype=np.int32)
                made.append(
                    {"speech": speech, "speech_lengths": lengths, "language": language, "textnorm": textnorm}
                )
        return made

    return asyncio.run(gather())


def session_of(model: str, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    graph = str(open_model(model).graph("fp32"))
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def bare_s(session: Any, batches: Sequence[dict[str, Any]]) -> float:
    begin = time.perf_counter()
    for inputs in batches:
        session.run(["ctc_logits", "encoder_out_lens"], inputs)
    return time.perf_counter() - begin


def run_s(corpus: Corpus, backend: OnnxBackend, plan: LoadPlan) -> float:
    async def drive() -> float:
        async with backend:
            loop = RunLoop(backend=backend, source=corpus.source, plan=plan, on_record=lambda record: None)
            with short_collections():
                await loop.warm_up(corpus.clips)
                begin = time.perf_counter()
                await loop.run(corpus.clips)
                return time.perf_counter() - begin

    return asyncio.run(drive())


def compare(corpus: Corpus, model: str, schedule: str, threads: int, rounds: int) -> None:
    backend = OnnxBackend(model=model, threads=threads)
    plan = plan_load(LoadConfig(schedule=schedule), backend.capabilities)
    batches, session = inputs_of(corpus, model, plan), session_of(model, threads)
    bare_s(session, batches[:4])
    pairs = [(run_s(corpus, backend, plan), bare_s(session, batches)) for _ in range(rounds)]
    ours, peer = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(
        f"{schedule}: run {ours:.2f} s, onnxruntime alone {peer:.2f} s, ratio {ratio:.3f} ({len(batches)} batches)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="A run against onnxruntime alone.")
    parser.add_argument("--corpus", type=Path, default=Path("../shared/data/emodb"))
    parser.add_argument("--model", default="bundled")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--limit", type=int, help="at most so many clips, every emotion keeping its share")
    arguments = parser.parse_args()
    if arguments.corpus.is_dir():
        settings: dict[str, Any] = {"name": "emodb", "card": "emodb", "root": str(arguments.corpus)}
    else:
        print(f"{arguments.corpus} is not there; the bundled clips are measured instead")
        settings = {"name": "demo", "card": "demo"}
    corpus = read_corpus(dataset_config_from({**settings, "limit": arguments.limit}))
    print(f"{len(corpus.clips)} clips of {corpus.name}, model {arguments.model}, {arguments.threads} thread(s)")
    for schedule in ("single_stream", "offline"):
        compare(corpus, arguments.model, schedule, arguments.threads, arguments.rounds)


if __name__ == "__main__":
    main()
