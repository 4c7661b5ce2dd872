"""Everything about a GPU in one command: python -m tests.gpu [--out runs/gpu] [--stand-in] [--only PART ...].

It finds the card, builds a model of SenseVoiceSmall's full size with random weights once, runs it as users would,
on clips of 3, 5 and 10 seconds, and writes a table (gpu.md, gpu.json) beside the figures that others published.
Each part is a command of its own whose result is kept: what is there is not done again, so that a run that was cut
off goes on. --stand-in has the CPU in the card's place, with the bundled model: all that can be tried without one,
and the page says so. It takes eight minutes at most on a card of 2020 or newer (--budget).
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
LENGTHS_S = (3, 5, 10)
CLIPS_OF_EACH = 44
"""Clips of each length: with 130 requests in all p95 has an upper bound."""
PUBLISHED_MS = {3: 63, 5: 67, 10: 70}
"""SenseVoice-Small on a GPU that is not named, by its authors."""
PUBLISHED_RTF = 0.0059
"""On an H100, by FunASR's benchmark page."""
BUDGET_S = 480


@dataclass(frozen=True, kw_only=True)
class Place:
    """What is measured, and where everything lies."""

    out: Path
    """Results, model and clips."""
    card: str | None
    """The card's name; None with the CPU in its place."""
    providers: tuple[str, ...]
    """What onnxruntime can use of cuda and tensorrt; cpu in their place."""
    torch: bool
    """Whether torch can use the card."""

    @property
    def model(self) -> str:
        """The model's directory."""
        return "bundled" if self.card is None else str(self.out / "model")


@dataclass(frozen=True, kw_only=True)
class Part:
    """A command whose result is kept."""

    name: str
    """Its name, which is its folder's."""
    words: Sequence[str]
    """What follows `python -m`."""
    read: Callable[[Path], dict[str, Any]]
    """What is kept of its folder."""


def card_here() -> str | None:
    """The first card that the driver lists; None without one."""
    if shutil.which("nvidia-smi") is None:
        return None
    words = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    done = subprocess.run(words, capture_output=True, text=True)
    return done.stdout.splitlines()[0] if done.returncode == 0 and done.stdout else None


def place_of(out: Path, *, stand_in: bool) -> Place:
    """What this machine has; ends the program where there is no card and none is to be stood in for."""
    if stand_in:
        return Place(out=out, card=None, providers=("cpu",), torch=False)
    card = card_here()
    if card is None:
        sys.exit("no NVIDIA card answers (nvidia-smi); --stand-in tries everything that can be tried on a CPU")
    import onnxruntime

    known = onnxruntime.get_available_providers()
    named = {"cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}
    probe = "import torch, sys; sys.exit(not torch.cuda.is_available())"
    torch = subprocess.run([sys.executable, "-c", probe], capture_output=True).returncode == 0
    return Place(
        out=out, card=card, providers=tuple(name for name, one in named.items() if one in known), torch=torch
    )


def clips(place: Place) -> Path:
    """Speech of each length, cut from the bundled clips one behind the other, and their list."""
    import numpy as np
    import soundfile

    from sv_eval.data.audio.decoding import decode

    listed = place.out / "clips" / "clips.csv"
    if listed.is_file():
        return listed
    listed.parent.mkdir(parents=True, exist_ok=True)
    sources = sorted((REPOSITORY / "datasets" / "demo" / "clips").glob("*.flac"))
    sound = np.concatenate([decode(path).samples for path in sources])
    rows, begin = [], 0
    for number in range(CLIPS_OF_EACH * len(LENGTHS_S)):
        samples = LENGTHS_S[number % len(LENGTHS_S)] * 16000
        begin = begin if begin + samples <= len(sound) else number * 37
        name = f"{LENGTHS_S[number % len(LENGTHS_S)]:02}s_{number:03}.wav"
        soundfile.write(listed.parent / name, sound[begin : begin + samples], 16000)
        rows.append((name, ("happy", "sad", "angry", "neutral")[number % 4], f"speaker_{number % 8}"))
        begin += samples
    with listed.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("path", "emotion", "speaker"), *rows])
    return listed


def parts_of(place: Place, corpus: Path) -> Iterator[Part]:
    """What is done, the most telling first, and TensorRT last: it builds an engine for every shape, for minutes."""
    yield from sorted(_parts(place, corpus), key=lambda part: "tensorrt" in part.name)


def _parts(place: Place, corpus: Path) -> Iterator[Part]:
    about = [
        "dataset=manifest", f"dataset.manifest.file={corpus}", f"dataset.root={corpus.parent}",
        "scoring.duration_bins_s=[0,4,8]", "scoring.resamples=100", "report.page=false",
        f"backend.model={place.model}",
    ]  # fmt: skip

    def run(name: str, *words: str, read: Callable[[Path], dict[str, Any]] = figures) -> Part:
        folder = folder_of(place, name) / "run"
        return Part(name=name, words=["sv_eval", *words, *about, f"hydra.run.dir={folder}"], read=read)

    engines = {
        f"onnx {provider} {precision}": [
            "backend=onnx",
            f"backend.provider={provider}",
            f"backend.precision={precision}",
        ]
        for provider in place.providers
        for precision in (("fp32", "fp16", "int8") if place.card else ("fp32",))
    }
    if place.torch:
        local = ["backend=local", "backend.device=cuda:0"]
        engines |= {
            f"local {precision}": [*local, f"backend.precision={precision}"]
            for precision in ("fp32", "fp16", "bf16")
        }
        engines |= {
            f"local {precision} compiled": [*local, f"backend.precision={precision}", "backend.compile=true"]
            for precision in ("fp32", "fp16")
        }
    for name, words in engines.items():
        yield run(f"{name}, single", *words, "load=single_stream")
    for name, words in engines.items():
        for size in (8, 32):
            yield run(
                f"{name}, batches of {size}", *words, "load=offline", f"backend.batch_size={size}", "load.rounds=3"
            )
    for name, words in engines.items():
        if name.startswith("onnx"):
            given = ",".join(
                ["onnx", f"model={place.model}", *(word.removeprefix("backend.") for word in words[1:])]
            )
            out = folder_of(place, f"{name}, parity") / "parity"
            yield Part(
                name=f"{name}, parity",
                words=[
                    "sv_eval.parity", f"onnx,model={place.model}", given, *about[:3], "dataset.limit=30",
                    f"out={out}", "parity.invariance=false",
                ],
                read=agreement,
            )  # fmt: skip
    first = next(iter(engines.values()))
    for name, words in (
        ("closed", ["load=closed", "load.concurrency=8"]),
        ("multi_stream", ["load=multi_stream"]),
        ("poisson", ["load=poisson", "load.rate=20"]),
        ("stream", ["load=stream", "dataset.limit=20"]),
    ):
        yield run(f"{next(iter(engines))}, {name}", *first, *words)
    if place.card is not None:
        large = ["load=offline", "backend.batch_size=4096", "load.rounds=1", "run.max_failures=1.0"]
        yield run(f"{next(iter(engines))}, out of memory", *first, *large, read=failures)


def folder_of(place: Place, name: str) -> Path:
    """Where a part's files lie."""
    return place.out / "parts" / "_".join(name.replace(",", "").split())


def agreement(folder: Path) -> dict[str, Any]:
    """How far two sides of a comparison agree."""
    found = json.loads((folder / "parity" / "parity.json").read_text(encoding="utf-8"))
    return {
        "labels that differ": found["flips"]["count"],
        "of": found["n_compared"],
        "largest difference of a probability": found["dp"]["max"],
    }


def metrics(folder: Path) -> Any:
    """metrics.json of a run."""
    return json.loads((folder / "run" / "metrics.json").read_text(encoding="utf-8"))


def figures(folder: Path) -> dict[str, Any]:
    """A run's latency by length, pace and energy."""
    found = metrics(folder)
    lengths = {
        str(length): one["p50"]["value"]
        for length, one in zip(LENGTHS_S, found["latency_by_duration"], strict=False)
    }
    environment = json.loads((folder / "run" / "environment.json").read_text(encoding="utf-8"))
    telemetry = environment["sessions"][-1].get("telemetry") or {}
    cards = telemetry.get("gpus") or [{}]
    return {
        "p50_ms_by_length": lengths,
        "p50_ms": found["latency_ms"]["p50"]["value"],
        "p95_ms": found["latency_ms"]["p95"]["value"],
        "rtf": found["rtf"],
        "failed": found["run"]["n_failed"],
        "telemetry": cards[0],
    }


def failures(folder: Path) -> dict[str, Any]:
    """How a run ended whose batches don't fit."""
    found = metrics(folder)
    return {"failed": found["run"]["n_failed"], "kinds": sorted(one["kind"] for one in found["failures"])}


def done(part: Part, place: Place, limit_s: float) -> dict[str, Any]:
    """The part's result: the one that is kept, or a new one."""
    folder = folder_of(place, part.name)
    kept = folder / "result.json"
    if kept.is_file():
        found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        return found
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    begun = time.monotonic()
    with (folder / "log.txt").open("w") as log:
        try:
            code = subprocess.run(
                [sys.executable, "-m", *part.words], stdout=log, stderr=log, timeout=limit_s, cwd=REPOSITORY
            ).returncode
        except subprocess.TimeoutExpired:
            return {"ended": f"cut off after {limit_s:.0f} s"}
    said = (folder / "log.txt").read_text(encoding="utf-8").splitlines()
    try:
        result = part.read(folder)
    except (OSError, KeyError, ValueError) as error:
        # Not kept: the same command tries it again.
        return {"ended": f"exit {code}: {said[-1] if said else ''} ({error!r})"[:300]}
    result |= {"seconds": round(time.monotonic() - begun, 1)}
    kept.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def build(place: Place) -> None:
    """The model, and its graphs of every precision, once."""
    model = place.out / "model"
    if place.card is None or (model / "model_quant.onnx").is_file():
        return
    for words in (["build", "small", f"out={model}"], ["export", str(model), f"out={model}"]):
        subprocess.run([sys.executable, "-m", "sv_eval.models", *words], check=True, cwd=REPOSITORY)


def table(place: Place, found: dict[str, dict[str, Any]]) -> str:
    """The page."""
    none = "**No card was seen: the CPU stood in for it, with the bundled model.**"
    where = f"On {place.card}." if place.card else none
    lines = ["# SenseVoice on a GPU", "", where, "", "Latency of single clips, p50 in ms, by length:", ""]
    lines += ["| | 3 s | 5 s | 10 s | p95 | RTF | Wh an hour of audio |", "|---|---:|---:|---:|---:|---:|---:|"]
    published = " | ".join(str(PUBLISHED_MS[length]) for length in LENGTHS_S)
    lines.append(f"| published, card not named; RTF: an H100 | {published} | | {PUBLISHED_RTF} | |")
    for name, one in found.items():
        if ", single" in name or ", batches" in name:
            lines.append(f"| {name} | {_row(one)} |")
    lines += ["", "| part | what was seen |", "|---|---|"]
    for name, one in found.items():
        if ", single" not in name and ", batches" not in name:
            told = ", ".join(f"{key} {value}" for key, value in one.items() if not isinstance(value, dict))
            lines.append(f"| {name} | {told} |")
    return "\n".join(lines) + "\n"


def _row(one: dict[str, Any]) -> str:
    if "ended" in one:
        return f"{one['ended']} | | | | |"
    lengths = [one["p50_ms_by_length"].get(str(length)) for length in LENGTHS_S]
    cells = ["–" if value is None else f"{value:.1f}" for value in (*lengths, one["p95_ms"])]
    energy = one["telemetry"].get("energy_wh_per_audio_hour")
    rtf = "–" if one["rtf"] is None else f"{one['rtf']:.4f}"
    return " | ".join([*cells, rtf, "–" if energy is None else f"{energy:.2f}"])


def main(words: Sequence[str] | None = None) -> None:
    """Do what the words say."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/gpu"))
    parser.add_argument("--stand-in", action="store_true", help="the CPU in the card's place")
    parser.add_argument("--only", nargs="*", help="parts whose names hold one of these words")
    parser.add_argument("--budget", type=float, default=BUDGET_S, help="seconds for all parts")
    asked = parser.parse_args(words)
    place = replace(place_of(asked.out.resolve(), stand_in=asked.stand_in))
    place.out.mkdir(parents=True, exist_ok=True)
    sys.stdout.write(f"{place.card or 'no card: the CPU stands in'}\n")
    corpus = clips(place)
    build(place)
    found, begun = {}, time.monotonic()
    for part in parts_of(place, corpus):
        if asked.only and not any(word in part.name for word in asked.only):
            continue
        left = asked.budget - (time.monotonic() - begun)
        if left <= 0 and not (folder_of(place, part.name) / "result.json").is_file():
            found[part.name] = {"ended": "not begun: the budget was spent; the same command goes on"}
            continue
        found[part.name] = done(part, place, left)
        sys.stdout.write(f"{part.name}: {json.dumps(found[part.name])[:200]}\n")
        sys.stdout.flush()
    (place.out / "gpu.json").write_text(
        json.dumps({"card": place.card, "parts": found}, indent=1) + "\n", encoding="utf-8"
    )
    (place.out / "gpu.md").write_text(table(place, found), encoding="utf-8")
    sys.stdout.write(f"written: {place.out / 'gpu.md'}\n")


if __name__ == "__main__":
    main()
