"""Features of a whole clip at once, against kaldi-native-fbank's streaming extractor called from Python.

    python tests/benchmarks/bench_frontend.py

Prints milliseconds for a two-second clip and the ratio, medians of interleaved rounds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import kaldi_native_fbank as knf
import numpy as np

from sv_eval.backends.frontend import Frontend, FrontendConfig

ROUNDS = 60
SAMPLES = (0.1 * np.random.default_rng(0).standard_normal(32_000)).astype(np.float32)


def streaming() -> None:
    options = knf.FbankOptions()
    options.frame_opts.dither = 0.0
    options.frame_opts.window_type = "hamming"
    options.mel_opts.num_bins = 80
    extractor = knf.OnlineFbank(options)
    extractor.accept_waveform(16_000, (SAMPLES * 32_768).tolist())
    extractor.input_finished()
    np.stack([extractor.get_frame(i) for i in range(extractor.num_frames_ready)])


def milliseconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


def main() -> None:
    frontend = Frontend(FrontendConfig(), None)
    rounds = [(milliseconds(streaming), milliseconds(lambda: frontend.fbank(SAMPLES))) for _ in range(ROUNDS)]
    theirs = statistics.median(a for a, _ in rounds)
    ours = statistics.median(b for _, b in rounds)
    ratio = statistics.median(a / b for a, b in rounds)
    print(f"2 s clip: extractor {theirs:.2f} ms, whole clip at once {ours:.2f} ms, ratio {ratio:.1f}")


if __name__ == "__main__":
    main()
