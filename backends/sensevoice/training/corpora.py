"""What the model is trained and tested on: synthetic clips, EmoDB recordings, and sounds that are not speech."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import lfilter, resample_poly

from sv_eval.backends.sensevoice.training.features import SAMPLE_RATE_HZ, Array, filterbank
from sv_eval.data.audio.decoding import decode
from sv_eval.data.audio.digest import sound_digest
from sv_eval.data.corpus.reading import dataset_config_from, read_corpus
from sv_eval.errors import CorpusError

EMODB_TRAIN_SPEAKERS = ("03", "08", "09", "10", "11", "13")
EMODB_TEST_SPEAKERS = ("12", "14", "15", "16")
EMODB_EMOTIONS = ("angry", "neutral", "happy", "sad")
# Resampling factors of extra copies, in percent of the original rate. Pitch, formants and tempo move together, as
# between people; more than this would turn one emotion into another.
EMODB_SPEEDS = (92, 96, 100, 104, 108)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One clip as filterbanks, with what the model should say."""

    id: str
    speaker: str
    emotion: str  # one of the vocabulary's emotions
    language: str  # of the speech: en, zh, de, or nospeech
    transcript: str | None  # None: unknown, nothing to learn from
    mels: tuple[Array, ...]  # [frames, 80]; the first is the clip itself, further ones are resampled copies
    digest: str | None = None  # of its sound, so that a run can tell whether it is judged on it


def synthetic(folder: Path) -> list[Example]:
    """The clips of a manifest that datasets/demo/prepare.py wrote, in its order, which seeds depend on."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Example(
            id=row["id"],
            speaker=row["speaker"],
            emotion=row["emotion"],
            language=row["language"],
            transcript=row["transcript"],
            mels=(filterbank(decode(folder / row["path"]).samples),),
        )
        for row in rows
    ]


def emodb(folder: Path, speakers: tuple[str, ...], *, copies: bool) -> list[Example]:
    """EmoDB's angry, neutral, happy and sad clips of some speakers; `copies` adds the resampled ones."""
    corpus = read_corpus(dataset_config_from({"name": "emodb", "card": "emodb", "root": str(folder)}))
    chosen = [clip for clip in corpus.clips if clip.speaker in speakers and clip.reference in EMODB_EMOTIONS]
    if not chosen:
        raise CorpusError(f"{folder}: no EmoDB recordings of speakers {', '.join(speakers)}; give EmoDB's folder")
    speeds = [100, *(s for s in EMODB_SPEEDS if s != 100)] if copies else [100]
    found = []
    for clip in chosen:
        samples = corpus.source.load(clip).samples
        mels = tuple(filterbank(resample_poly(samples, 100, speed).astype(np.float32)) for speed in speeds)
        found.append(
            Example(
                id=clip.id,
                speaker=str(clip.speaker),
                emotion=str(clip.reference),
                language="de",
                transcript=None,
                mels=mels,
                digest=sound_digest(samples),
            )
        )
    return found


def nonspeech(count: int, seed: int) -> list[Example]:
    """Silence, noises, hums, tones and clicks: the model should answer unknown."""
    rng = np.random.default_rng(seed)
    made = []
    for n in range(count):
        size = int(rng.uniform(0.5, 4.0) * SAMPLE_RATE_HZ)
        times = np.arange(size) / SAMPLE_RATE_HZ
        kind = n % 6
        if kind == 0:
            samples = np.zeros(size)
        elif kind == 1:  # white to brown noise
            samples = lfilter([1.0], [1.0, -rng.uniform(0.0, 0.99)], rng.normal(size=size))
        elif kind == 2:  # mains hum
            base = rng.choice([50.0, 60.0])
            samples = sum(np.sin(2 * np.pi * base * k * times) / k ** rng.uniform(0.5, 2) for k in range(1, 12))
        elif kind == 3:  # a steady or gliding tone
            glide = rng.uniform(-300, 300) * times
            samples = np.sin(2 * np.pi * (rng.uniform(200, 3000) + glide) * times)
        elif kind == 4:  # clicks
            samples = lfilter([1.0], [1.0, -0.9], (rng.random(size) < rng.uniform(1, 12) / SAMPLE_RATE_HZ) * 1.0)
        else:  # band noise that swells
            swell = 1 + 0.9 * np.sin(2 * np.pi * rng.uniform(0.1, 1.0) * times)
            pole = rng.uniform(0.8, 0.97)
            angle = rng.uniform(0.1, 2.5)
            samples = swell * lfilter([1.0], [1.0, -2 * pole * np.cos(angle), pole**2], rng.normal(size=size))
        peak = max(float(np.abs(samples).max()), 1e-9)
        level = 10 ** (rng.uniform(-70.0, -6.0) / 20)
        samples = np.asarray(samples) / peak * level + (kind > 0) * rng.normal(size=size) * 10**-4.5
        mels = (filterbank(samples.astype(np.float32)),)
        made.append(
            Example(
                id=f"nonspeech_{n}",
                speaker="-",
                emotion="unknown",
                language="nospeech",
                transcript="",
                mels=mels,
            )
        )
    return made
