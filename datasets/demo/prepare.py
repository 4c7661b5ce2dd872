"""Makes the synthetic emotional speech: the bundled demo clips, or the material that the tiny model trains on.

    python datasets/demo/prepare.py --part demo
    python datasets/demo/prepare.py --part train --out DIR

Needs espeak-ng (Debian and Ubuntu: apt install espeak-ng), numpy, scipy and soundfile. Both parts come from
fixed seeds; voices and sentences of the two never meet. README.md is the data card.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from prosody import PROFILES, Speaker, clip_cues, draw_speaker
from sentences import sentences, transcript
from speech import SAMPLE_RATE_HZ, Synthesiser, coloured, recorded

HERE = Path(__file__).resolve().parent
COLUMNS = ("id", "path", "emotion", "speaker", "sex", "language", "transcript")
EMOTIONS = tuple(PROFILES)
SHORTEST_S, LONGEST_S = 1.0, 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """How much of what a part holds."""

    seed: int
    speakers_per_sex: int  # for each language
    clips_per_emotion: int  # for each speaker
    spread: float  # scale of the cues' errors
    prefix: str  # of the speakers' names


PARTS = {
    "train": Part(seed=20260101, speakers_per_sex=20, clips_per_emotion=6, spread=0.6, prefix="train_"),
    "demo": Part(seed=20260202, speakers_per_sex=5, clips_per_emotion=2, spread=0.6, prefix=""),
}


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(description="Synthesises the demo corpus or the tiny model's training speech.")
    parser.add_argument("--part", choices=sorted(PARTS), required=True)
    parser.add_argument("--out", type=Path, help="folder for the part; the demo's default is this script's folder")
    options = parser.parse_args(arguments)
    if options.part == "train" and options.out is None:
        parser.error("--part train needs --out DIR: the training speech does not belong in the repository")
    folder = options.out or HERE
    (folder / "clips").mkdir(parents=True, exist_ok=True)
    for stale in (folder / "clips").glob("*.flac"):
        stale.unlink()
    with tempfile.TemporaryDirectory() as scratch:
        synthesiser = Synthesiser(Path(scratch))
        rows = list(make(PARTS[options.part], options.part, folder, synthesiser))
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    size_mb = sum(path.stat().st_size for path in (folder / "clips").iterdir()) / 1e6
    print(f"{len(rows)} clips, {size_mb:.2f} MB, in {folder} ({synthesiser.version})")
    return 0


def make(part: Part, name: str, folder: Path, synthesiser: Synthesiser) -> Iterator[dict[str, str]]:
    """Writes the part's clips and gives their manifest rows."""
    for speaker, seed in speakers(part):
        rng = np.random.default_rng(seed)
        said = sentences(speaker.language, name)
        for emotion in EMOTIONS:
            for n in range(1, part.clips_per_emotion + 1):
                phrases = said[int(rng.integers(len(said)))]
                clip_id = f"{speaker.name}_{emotion}_{n:02d}"
                samples = clip(speaker, emotion, phrases, part.spread, rng, synthesiser)
                path = f"clips/{clip_id}.flac"
                # 16-bit steps without dither: the same samples give the same file.
                soundfile.write(folder / path, samples, SAMPLE_RATE_HZ, subtype="PCM_16", compression_level=1.0)
                yield {
                    "id": clip_id,
                    "path": path,
                    "emotion": emotion,
                    "speaker": speaker.name,
                    "sex": speaker.sex,
                    "language": speaker.language,
                    "transcript": transcript(speaker.language, phrases),
                }


def speakers(part: Part) -> Iterator[tuple[Speaker, int]]:
    """The part's speakers, each with the seed of their clips."""
    rng = np.random.default_rng(part.seed)
    for language in ("en", "zh"):
        for sex in ("female", "male"):
            for n in range(1, part.speakers_per_sex + 1):
                name = f"{part.prefix}{language}_{sex[0]}{n}"
                yield draw_speaker(name, sex, language, rng), int(rng.integers(2**31))


def clip(
    speaker: Speaker,
    emotion: str,
    phrases: tuple[str, ...],
    spread: float,
    rng: np.random.Generator,
    synthesiser: Synthesiser,
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """One clip's samples; draws again, with the same rng, should a draw be too short or too long."""
    for _ in range(20):
        cues = clip_cues(emotion, speaker, rng, spread)
        dry = coloured(synthesiser.speak(speaker, phrases, cues), speaker, cues)
        samples = recorded(dry, speaker, cues, rng)
        if SHORTEST_S <= samples.size / SAMPLE_RATE_HZ <= LONGEST_S:
            return samples
    raise RuntimeError(f"{speaker.name} cannot say {phrases!r} in {SHORTEST_S} to {LONGEST_S} s")


if __name__ == "__main__":
    sys.exit(main())
