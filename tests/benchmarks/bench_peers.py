"""backend=onnx and backend=local against the other ways to run the same SenseVoice weights on a CPU.

    python -m sv_eval.models build small --onnx --out MODEL
    python -m sv_eval.models export MODEL --out MODEL --precision int8
    pip install --no-deps -r tests/benchmarks/requirements-peers.txt
    python tests/benchmarks/bench_peers.py --model MODEL --emodb DIR [--threads N] [--long] [--rounds N] ...

Peers: FunASR's AutoModel, funasr_onnx (fp32, and uint8 as FunASR quantises) and sherpa-onnx (fp32, FunASR's uint8,
our int8). Each starts from the decoded waveform and ends with its answer: features, encoder, reading. All take
language auto, no text normalisation, no dither and the same number of threads.

Contestants take turns batch by batch: clips are sorted by length and cut into batches of eight, and before the
next batch every contestant has recognised this one, one clip a call and all in one call. The order shifts
with each batch. A figure is the median over rounds, a ratio the median of the rounds' ratios to backend=onnx of the
same mode, fp32 for fp32 and bf16, int8 for int8 and uint8. Peers that are not installed are left out with a line.
With all of them some 7 GB of memory are in use; the peers' own forms of the model take 1.4 GB of disk.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import soundfile
from peers_contestants import BATCH, MAKERS, Contestant, Samples, Setting

from sv_eval.records import SAMPLE_RATE_HZ

ONE, TOGETHER = "one by one", f"batches of {BATCH}"
# Engines that keep threads spinning after a call are given this long to let the cores go, seconds.
PAUSE_S = 0.02
LONG_S = 10.0
# By how many places the order of turns moves on with each batch.
STEP = 7
NEEDED = ("model.pt", "model.onnx", "model_quant.onnx", "config.yaml", "am.mvn")
PACKAGES = ("torch", "funasr", "onnxruntime", "funasr-onnx", "sherpa-onnx", "kaldi-native-fbank", "numpy")
Key = tuple[str, str, str]
"""Name, form, mode."""


def main() -> None:
    options = parsed()
    if options.model is None:
        print("no --model, so nothing is measured; --help says how to make one")
        return
    absent = [name for name in NEEDED if not (options.model / name).is_file()]
    if absent:
        raise SystemExit(f"{options.model}: {', '.join(absent)} missing; --help says how to make the directory")
    waveforms = clips(options.emodb, options.clips or (8 if options.long else 24), options.long)
    lengths_s = [len(samples) / SAMPLE_RATE_HZ for samples in waveforms]
    print(
        f"{len(waveforms)} clips, {min(lengths_s):.1f} to {max(lengths_s):.1f} s, mean {np.mean(lengths_s):.2f} s"
    )
    print(f"{options.threads} thread(s), {options.rounds} rounds; {versions()}")
    work = options.work or options.model / "peers"
    work.mkdir(parents=True, exist_ok=True)
    setting = Setting(model=options.model, work=work, threads=options.threads)
    with asyncio.Runner() as runner:
        contestants = [c for c in entered(setting, runner) if chosen(c, options.only)]
        batches = [waveforms[i : i + BATCH] for i in range(0, len(waveforms), BATCH)]
        for contestant in contestants:
            contestant.recognise(batches[-1])
            contestant.recognise(batches[-1][:1])
        rounds = [one_round(contestants, batches, number * len(batches)) for number in range(options.rounds)]
        print(table(rounds))
        for contestant in contestants:
            if contestant.ours:
                compare_modes(contestant, batches)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="directory with model.pt, model.onnx and model_quant.onnx")
    parser.add_argument(
        "--emodb", type=Path, default=Path("../shared/data/emodb"), help="folder of EmoDB's wav files"
    )
    parser.add_argument(
        "--work", type=Path, help="where the peers' forms of the model are kept; default MODEL/peers"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clips", type=int, help="default 24, with --long 8")
    parser.add_argument(
        "--long", action="store_true", help=f"clips joined to {LONG_S:.0f} s instead of 1.5 to 2.5 s"
    )
    parser.add_argument(
        "--only", nargs="*", default=[], metavar="WORD", help="contestants whose name or form has it"
    )
    return parser.parse_args()


def clips(folder: Path, count: int, long: bool) -> list[Samples]:
    """Waveforms by length: recordings of 1.5 to 2.5 s spread over the corpus, or joined ones of LONG_S."""
    read = [soundfile.read(path, dtype="float32")[0] for path in sorted(folder.rglob("*.wav"))]
    if not read:
        raise SystemExit(f"{folder}: no wav files; give EmoDB's folder with --emodb")
    if long:
        size = round(LONG_S * SAMPLE_RATE_HZ)
        joined = np.concatenate(read)[: count * size]
        return [joined[i : i + size] for i in range(0, len(joined) - size + 1, size)]
    fitting = [samples for samples in read if 1.5 <= len(samples) / SAMPLE_RATE_HZ <= 2.5]
    spread = np.linspace(0, len(fitting) - 1, min(count, len(fitting))).round().astype(int)
    return sorted((fitting[i] for i in spread), key=len)


def entered(setting: Setting, runner: asyncio.Runner) -> Iterator[Contestant]:
    for needs, make in MAKERS.items():
        try:
            yield from make(setting, runner)
        except ImportError as error:
            print(f"left out: {needs} ({error})")


def chosen(contestant: Contestant, words: Sequence[str]) -> bool:
    return not words or any(word in f"{contestant.name} {contestant.form}" for word in words)


def one_round(
    contestants: Sequence[Contestant], batches: Sequence[Sequence[Samples]], first: int
) -> dict[Key, float]:
    """Milliseconds a clip of every contestant and mode; `first` is how many batches went before."""
    total_s: dict[Key, float] = defaultdict(float)
    turns = [(contestant, mode) for contestant in contestants for mode in (ONE, TOGETHER)]
    for number, batch in enumerate(batches, start=first):
        shift = number * STEP % len(turns)
        for contestant, mode in turns[shift:] + turns[:shift]:
            calls = [[samples] for samples in batch] if mode == ONE else [batch]
            time.sleep(PAUSE_S)
            begin = time.perf_counter()
            for call in calls:
                contestant.recognise(call)
            total_s[contestant.name, contestant.form, mode] += time.perf_counter() - begin
    count = sum(map(len, batches))
    return {key: 1000 * total_s[key] / count for key in ((c.name, c.form, mode) for c, mode in turns)}


def table(rounds: Sequence[dict[Key, float]]) -> str:
    lines = [
        "",
        "| contestant | weights | mode | ms a clip (range) | ratio to backend=onnx |",
        "|---|---|---|---|---|",
    ]
    for mode in (ONE, TOGETHER):
        for key in rounds[0]:
            if key[2] != mode:
                continue
            times = [one[key] for one in rounds]
            ours = ("backend=onnx", "int8" if key[1].endswith("int8") else "fp32", mode)
            ratio = f"{statistics.median(one[key] / one[ours] for one in rounds):.2f}" if ours in rounds[0] else ""
            figures = f"{statistics.median(times):.1f} ({min(times):.1f} to {max(times):.1f})"
            lines.append(f"| {key[0]} | {key[1]} | {mode} | {figures} | {ratio} |")
    return "\n".join([*lines, ""])


def compare_modes(contestant: Contestant, batches: Sequence[Sequence[Samples]]) -> None:
    """Whether a clip's answer depends on what it was batched with."""
    same, total, gap = 0, 0, 0.0
    for batch in batches:
        alone = [contestant.recognise([samples])[0] for samples in batch]
        for one, other in zip(alone, contestant.recognise(batch), strict=True):
            total += 1
            same += one.scores == other.scores and one.text == other.text
            gap = max(gap, *(abs(one.scores[name] - other.scores[name]) for name in one.scores))
    print(
        f"{contestant.name} {contestant.form}: {same} of {total} clips have bit-identical scores and the same "
        f"text in batches and one by one; largest difference of a posterior {gap:.1e}"
    )


def versions() -> str:
    found = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


if __name__ == "__main__":
    main()
