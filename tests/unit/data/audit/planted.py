"""A small corpus of noises without a defect, and defects to plant in it that say what an audit must find."""

from __future__ import annotations

import csv
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from sv_eval.data.corpus.config import DatasetConfig
from sv_eval.data.corpus.reading import dataset_config_from

RATE_HZ = 16_000
EMOTIONS = {"happy": "HAP", "sad": "SAD", "angry": "ANG", "neutral": "NEU"}
TRAIN, TEST = tuple(f"s{n}" for n in range(1, 7)), ("s7", "s8", "s9")
TAKES = 4
WORDS = (
    *("amber", "birch", "cedar", "delta", "ember", "flint", "grove", "heath"),
    *("inlet", "jetty", "knoll", "larch", "marsh", "north", "ocean", "plain"),
)
COLUMNS = ("id", "path", "emotion", "speaker", "split", "transcript")
Row = dict[str, str]


def noise(seed: int, seconds: float = 0.5) -> np.ndarray:
    """Noise that no other seed gives, after a pause that is forty decibels softer, as speech has them."""
    found = np.random.default_rng(seed).uniform(-0.3, 0.3, round(seconds * RATE_HZ)).astype(np.float32)
    found[: round(0.2 * len(found))] *= 0.01
    return found


@dataclass
class Planted:
    """The corpus on its way to the disk, and what an audit must find in it."""

    root: Path
    rows: list[Row] = field(default_factory=list)
    expected: dict[str, set[str]] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)

    def row(self, speaker: str, emotion: str, take: int = 0) -> Row:
        return next(r for r in self.rows if r["id"] == f"{speaker}_{EMOTIONS[emotion]}_{take}")

    def file(self, row: Row) -> Path:
        return self.root / row["path"]

    def expect(self, code: str, *names: str) -> None:
        self.expected.setdefault(code, set()).update(names)

    def config(self, **more: object) -> DatasetConfig:
        """Writes the manifest and the card; the configuration that reads them."""
        with (self.root / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            writer.writerows(self.rows)
        speakers = "".join(f"  {name}: {{sex: female}}\n" for name in TRAIN + TEST)
        counts = ", ".join(f"{emotion}: {len(TRAIN + TEST) * TAKES}" for emotion in EMOTIONS)
        words = ", ".join(f"{emotion}: {emotion}" for emotion in EMOTIONS)
        (self.root / "dataset.yaml").write_text(
            "schema_version: 1\nname: planted\ntitle: Planted\nlicence: {id: CC0-1.0}\nsource: {how: Made here.}\n"
            f"layout: {{kind: manifest}}\nlabels: {{map: {{{words}}}}}\nspeakers:\n{speakers}"
            f"expected: {{{counts}}}\n",
            encoding="utf-8",
        )
        given = {"name": "planted", "card": str(self.root), "root": str(self.root), "limits": self.limits}
        return dataset_config_from({**given, **more})


def clean(root: Path) -> Planted:
    """Nine speakers, six to train on; four emotions in equal shares; no sentence is said twice."""
    corpus = Planted(root)
    for number, speaker in enumerate(TRAIN + TEST):
        for place, (emotion, code) in enumerate(EMOTIONS.items()):
            for take in range(TAKES):
                seed = (number * len(EMOTIONS) + place) * TAKES + take
                path = f"wav/{emotion}/{speaker}_{code}_{take}.wav"
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(root / path, noise(seed), RATE_HZ)
                words = (WORDS[seed % 16], WORDS[seed // 16], speaker, code, str(take))
                split = "train" if speaker in TRAIN else "test"
                cells = (f"{speaker}_{code}_{take}", path, emotion, speaker, split, " ".join(words))
                corpus.rows.append(dict(zip(COLUMNS, cells, strict=True)))
    return corpus


def duplicate(corpus: Planted) -> None:
    """The same samples in a file with another header, in the place of another clip."""
    original, copy = corpus.row("s1", "happy", 0), corpus.row("s1", "happy", 1)
    data = corpus.file(original).read_bytes()
    listed = b"LIST" + struct.pack("<I", 4) + b"INFO"
    corpus.file(copy).write_bytes(data[:36] + listed + data[36:])
    corpus.expect("duplicate", original["id"], copy["id"])


def duplicate_of_another_emotion(corpus: Planted) -> None:
    original, copy = corpus.row("s2", "happy", 0), corpus.row("s2", "sad", 0)
    corpus.file(copy).write_bytes(corpus.file(original).read_bytes())
    corpus.expect("duplicate_conflict", original["id"], copy["id"])


def speaker_in_two_splits(corpus: Planted) -> None:
    corpus.row("s3", "neutral")["split"] = "test"
    corpus.expect("speaker_leak", "s3")


def silent(corpus: Planted) -> None:
    row = corpus.row("s1", "sad", 2)
    soundfile.write(corpus.file(row), np.zeros(RATE_HZ // 2), RATE_HZ)
    corpus.expect("silent", row["id"])


def hissing(corpus: Planted) -> None:
    """Two clips with nothing but faint hiss around a constant offset."""
    for take in (0, 1):
        row = corpus.row("s4", "sad", take)
        soundfile.write(corpus.file(row), 0.2 + 1e-4 * noise(900 + take), RATE_HZ, subtype="PCM_16")
        corpus.expect("silent", row["id"])


def truncated(corpus: Planted) -> None:
    row = corpus.row("s1", "sad", 3)
    data = corpus.file(row).read_bytes()
    corpus.file(row).write_bytes(data[: len(data) // 2])
    corpus.expect("truncated", row["id"])


def mislabelled_folder(corpus: Planted) -> None:
    """Clips told to be sad, by manifest and name, that lie among the happy ones."""
    for take in (0, 1):
        row = corpus.row("s5", "sad", take)
        target = row["path"].replace("/sad/", "/happy/")
        corpus.file(row).rename(corpus.root / target)
        row["path"] = target
        corpus.expect("label_contradicts_path", row["id"])


def unknown_labels(corpus: Planted) -> None:
    for emotion, label in (("happy", "hapy"), ("angry", "grumpy")):
        row = corpus.row("s6", emotion)
        row["emotion"] = label
        corpus.expect("unknown_label", label)
        # The card counts them as missing.
        corpus.expect("counts_differ", emotion)


def clipped(corpus: Planted) -> None:
    row = corpus.row("s2", "angry", 1)
    soundfile.write(corpus.file(row), np.clip(np.repeat(8 * noise(901, 0.1), 5), -1, 1), RATE_HZ)
    corpus.expect("clipped", row["id"])


def over_long(corpus: Planted) -> None:
    row = corpus.row("s2", "angry", 2)
    soundfile.write(corpus.file(row), noise(902, 31.0), RATE_HZ)
    corpus.expect("too_long", row["id"])


def nearly_empty(corpus: Planted) -> None:
    row = corpus.row("s2", "angry", 3)
    soundfile.write(corpus.file(row), noise(903, 0.1), RATE_HZ)
    corpus.expect("too_short", row["id"])


def lying_header(corpus: Planted) -> None:
    """A header that was made to say 8 kHz, its bytes a second forgotten."""
    row = corpus.row("s3", "happy", 1)
    data = bytearray(corpus.file(row).read_bytes())
    data[24:28] = struct.pack("<I", 8_000)
    corpus.file(row).write_bytes(bytes(data))
    corpus.expect("header_lies", row["id"])


def same_text(corpus: Planted) -> None:
    corpus.row("s7", "sad")["transcript"] = corpus.row("s1", "happy", 3)["transcript"].upper() + "!"
    corpus.expect("text_leak", corpus.row("s1", "happy", 3)["transcript"])


def other_extension(corpus: Planted) -> None:
    row = corpus.row("s3", "happy", 2)
    soundfile.write(corpus.file(row), noise(904), RATE_HZ, format="FLAC")
    corpus.expect("wrong_extension", row["id"])


def other_rate(corpus: Planted) -> None:
    row = corpus.row("s3", "happy", 3)
    soundfile.write(corpus.file(row), noise(905), 22_050)
    corpus.expect("odd_format", row["id"])


def no_audio(corpus: Planted) -> None:
    """A web page, and a file that isn't there."""
    page, absent = corpus.row("s4", "happy", 1), corpus.row("s4", "happy", 2)
    corpus.file(page).write_text("<!DOCTYPE html><title>403</title>")
    corpus.file(absent).unlink()
    corpus.expect("unreadable", page["id"], absent["id"])


def empty(corpus: Planted) -> None:
    hollow, header = corpus.row("s4", "happy", 3), corpus.row("s4", "neutral", 3)
    corpus.file(hollow).write_bytes(b"")
    soundfile.write(corpus.file(header), np.zeros(0), RATE_HZ)
    corpus.expect("empty", hollow["id"], header["id"])


def beyond_limits(corpus: Planted) -> None:
    row = corpus.row("s4", "angry", 1)
    soundfile.write(corpus.file(row), noise(906, 41.0), RATE_HZ)
    corpus.limits["max_duration_s"] = 40.0
    corpus.expect("beyond_limits", row["id"])


def same_id(corpus: Planted) -> None:
    corpus.row("s5", "angry", 0)["id"] = "s5_ANG_1"
    corpus.expect("same_id", "s5_ANG_1")


def stranger(corpus: Planted) -> None:
    corpus.row("s5", "angry", 2)["speaker"] = "s77"
    corpus.expect("unlisted_speaker", "s77")


def unlabelled(corpus: Planted) -> None:
    row = corpus.row("s5", "angry", 3)
    row["emotion"] = ""
    corpus.expect("unlabelled", row["id"])
    corpus.expect("counts_differ", "angry")


def drifting_labels(corpus: Planted) -> None:
    """Those who are trained on are hardly ever neutral, those who are tested hardly ever sad."""
    rare = {("train", "neutral"): ("s1_NEU_0", "s2_NEU_0", "s4_NEU_3"), ("test", "sad"): ("s7_SAD_0", "s8_SAD_1")}
    corpus.rows[:] = [
        row for row in corpus.rows if row["id"] in rare.get((row["split"], row["emotion"]), (row["id"],))
    ]
    corpus.expect("label_drift", *EMOTIONS)
    corpus.expect("counts_differ", "neutral", "sad")


DEFECTS: tuple[Callable[[Planted], None], ...] = (
    duplicate, duplicate_of_another_emotion, speaker_in_two_splits, silent, hissing, truncated, mislabelled_folder,
    unknown_labels, clipped, over_long, nearly_empty, lying_header, same_text, other_extension, other_rate,
    no_audio, empty, beyond_limits, same_id, stranger, unlabelled, drifting_labels,
)  # fmt: skip
