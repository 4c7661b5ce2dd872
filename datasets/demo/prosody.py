"""How an emotion sounds: mean shifts of a speaker's own voice, and how far single clips stray from them.

The directions follow the reviews of vocal emotion (Murray & Arnott 1993; Banse & Scherer 1996; Scherer 2003;
Juslin & Laukka 2003) and the synthesis experiments of Burkhardt & Sendlmeier 2000; README.md has the table.
The sizes are ours, chosen so that the emotions overlap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Cues:
    """Shifts of one clip against the speaker's neutral voice."""

    pitch_st: float  # pitch level, semitones
    range_x: float  # pitch range, factor
    rate_x: float  # speaking rate, factor
    level_db: float  # loudness, dB
    tilt_db: float  # energy above 1 kHz, dB
    breath: float  # aspiration, 0 to 1
    rough: float  # harshness, 0 to 1
    tremor: float  # slow and fast wavering of the pitch, 0 to 1
    final_st: float  # pitch of the last phrase against the first, semitones
    smile_x: float  # formant frequencies, factor (spread lips shorten the tract)


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """One synthetic voice: an espeak-ng accent with a pitch, a tract length and habits of its own."""

    name: str
    sex: str  # female or male
    language: str  # en or zh
    accent: str  # espeak-ng voice
    pitch_hz: float  # resting pitch
    span_st: float  # neutral pitch range, semitones
    tract_x: float  # formant frequencies, factor
    formant_x: tuple[float, float, float]  # further factors of the first three formants
    rate_wpm: float  # neutral rate, espeak-ng words a minute
    level_db: float  # neutral loudness, dB
    tilt_db: float  # neutral energy above 1 kHz, dB
    breath: float  # 0 to 1
    expression: float  # how strongly this person shows emotion, factor


PROFILES: dict[str, Cues] = {
    "neutral": Cues(pitch_st=0.0, range_x=1.0, rate_x=1.0, level_db=0.0, tilt_db=0.0, breath=0.0, rough=0.0,
                    tremor=0.0, final_st=-1.0, smile_x=1.0),
    "happy": Cues(pitch_st=6.0, range_x=1.9, rate_x=1.15, level_db=4.0, tilt_db=3.0, breath=0.0, rough=0.0,
                  tremor=0.1, final_st=0.0, smile_x=1.1),
    "angry": Cues(pitch_st=2.5, range_x=1.4, rate_x=1.16, level_db=7.0, tilt_db=7.0, breath=0.0, rough=0.8,
                  tremor=0.2, final_st=-3.0, smile_x=1.0),
    "sad": Cues(pitch_st=-2.0, range_x=0.5, rate_x=0.76, level_db=-6.0, tilt_db=-7.5, breath=0.8, rough=0.0,
                tremor=0.5, final_st=-2.5, smile_x=0.98),
    "surprised": Cues(pitch_st=8.5, range_x=2.2, rate_x=0.9, level_db=2.0, tilt_db=0.0, breath=0.3,
                      rough=0.0, tremor=0.0, final_st=9.0, smile_x=0.98),
}  # fmt: skip


def clip_cues(emotion: str, speaker: Speaker, rng: np.random.Generator, spread: float) -> Cues:
    """One clip's cues: the profile at a random strength, each cue with an error of its own.

    `spread` scales the errors; 1.0 is the corpus's setting.
    """
    mean = PROFILES[emotion]
    strength = speaker.expression * float(np.clip(rng.normal(1.12, 0.20), 0.55, 1.6))

    def shift(value: float, sd: float) -> float:
        return value * strength + float(rng.normal(0.0, sd * spread))

    def factor(value: float, sd: float) -> float:
        return float(np.exp(shift(float(np.log(value)), sd)))

    return Cues(
        pitch_st=shift(mean.pitch_st, 1.3),
        range_x=factor(mean.range_x, 0.22),
        rate_x=factor(mean.rate_x, 0.08),
        level_db=shift(mean.level_db, 2.5),
        tilt_db=shift(mean.tilt_db, 1.8),
        breath=float(np.clip(shift(mean.breath, 0.15), 0.0, 1.0)),
        rough=float(np.clip(shift(mean.rough, 0.2), 0.0, 1.0)),
        tremor=float(np.clip(shift(mean.tremor, 0.2), 0.0, 1.0)),
        final_st=shift(mean.final_st, 1.2),
        smile_x=factor(mean.smile_x, 0.012),
    )


ACCENTS: dict[str, tuple[str, ...]] = {
    "en": ("en-us", "en-gb", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-scotland", "en-gb-x-gbcwmd"),
    "zh": ("cmn",),
}


def draw_speaker(name: str, sex: str, language: str, rng: np.random.Generator) -> Speaker:
    """A speaker drawn at random; the distribution is the same for training and demo voices."""
    female = sex == "female"
    accents = ACCENTS[language]
    return Speaker(
        name=name,
        sex=sex,
        language=language,
        accent=accents[int(rng.integers(len(accents)))],
        pitch_hz=float((195.0 if female else 108.0) * 2 ** (rng.normal(0.0, 1.6) / 12)),
        span_st=float(np.clip(rng.normal(5.5, 1.0), 3.5, 8.0)),
        tract_x=float((1.13 if female else 0.99) * np.exp(rng.normal(0.0, 0.035))),
        formant_x=(float(rng.normal(1, 0.03)), float(rng.normal(1, 0.03)), float(rng.normal(1, 0.03))),
        rate_wpm=float((208.0 if language == "en" else 320.0) * np.exp(rng.normal(0.0, 0.07))),
        level_db=float(rng.normal(0.0, 1.5)),
        tilt_db=float(rng.normal(0.0, 1.3)),
        breath=float(rng.uniform(0.0, 0.3)),
        expression=float(np.clip(rng.normal(1.0, 0.1), 0.8, 1.25)),
    )
