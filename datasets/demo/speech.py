"""From a speaker, a sentence and cues to 16 kHz samples: espeak-ng, then voice quality, level, room and noise."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import soundfile
from prosody import Cues, Speaker
from scipy.signal import fftconvolve, firwin2, resample_poly

SAMPLE_RATE_HZ = 16000
ESPEAK_RATE_HZ = 22050
SPEECH_DBFS = -33.0  # RMS of neutral speech before the speaker's and the emotion's level

# espeak-ng's pitch setting (50 = the voice's own) against the pitch that comes out, in semitones (measured).
PITCH_SETTING = np.array([0.0, 20.0, 40.0, 50.0, 65.0, 80.0, 99.0])
PITCH_ST = np.array([-4.5, -2.8, -1.2, 0.0, 2.6, 5.1, 8.8])

Samples = np.ndarray[tuple[int], np.dtype[np.float64]]


class Synthesiser:
    """espeak-ng with a data folder of our own, so that every clip can have its own voice definition."""

    def __init__(self, scratch: Path) -> None:
        program = shutil.which("espeak-ng")
        if program is None:
            raise SystemExit("espeak-ng is missing: install it first (Debian and Ubuntu: apt install espeak-ng).")
        banner = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        found = re.search(r"Data at: (.+)", banner)
        if found is None:
            raise SystemExit(f"espeak-ng does not say where its data is; it answered: {banner.strip()!r}")
        self.program = program
        self.version = banner.split("Data at")[0].strip()
        source = Path(found[1].strip())
        self.parent = scratch
        data = scratch / "espeak-ng-data"
        (data / "voices" / "!v").mkdir(parents=True, exist_ok=True)
        for entry in source.iterdir():
            link = data / entry.name
            if entry.name != "voices" and not link.exists():
                os.symlink(entry, link)
        self.variant = data / "voices" / "!v" / "clip"

    def speak(self, speaker: Speaker, phrases: tuple[str, ...], cues: Cues) -> Samples:
        """The sentence in the speaker's voice at 16 kHz, before any processing."""
        self.variant.write_text(voice_definition(speaker, cues), encoding="utf-8")
        rate = round(speaker.rate_wpm * cues.rate_x)
        command = [
            self.program,
            f"--path={self.parent}",
            "-v",
            f"{speaker.accent}+clip",
            "-s",
            str(rate),
            "-m",
        ]
        done = subprocess.run(
            [*command, "--stdout", "--stdin"],
            input=markup(speaker, phrases, cues).encode("utf-8"),
            capture_output=True,
            check=True,
        )
        # A pipe has no length, so espeak-ng's header is wrong: take what follows it.
        samples, rate_hz = soundfile.read(
            io.BytesIO(done.stdout[44:]),
            samplerate=ESPEAK_RATE_HZ,
            channels=1,
            format="RAW",
            subtype="PCM_16",
        )
        if rate_hz != ESPEAK_RATE_HZ or len(samples) < ESPEAK_RATE_HZ // 4:
            raise RuntimeError(f"espeak-ng said nothing for {phrases!r}: {done.stderr.decode()!r}")
        return trimmed(resample_poly(samples, 320, 441))


def voice_definition(speaker: Speaker, cues: Cues) -> str:
    """An espeak-ng voice variant for one clip."""
    centre_hz = speaker.pitch_hz * 2 ** (cues.pitch_st / 12)
    half_st = np.clip(speaker.span_st * cues.range_x / 2, 0.8, 11.0)
    low, high = centre_hz * 2 ** (-half_st / 12), centre_hz * 2 ** (half_st / 12)
    scale = 100 * speaker.tract_x * cues.smile_x
    one, two, three = (round(scale * x) for x in speaker.formant_x)
    breath = np.clip(speaker.breath + cues.breath, 0.0, 1.2)
    lines = [
        "language variant",
        "name clip",
        f"gender {speaker.sex}",
        f"pitch {low:.0f} {high:.0f}",
        f"flutter {1 + 9 * cues.tremor:.0f}",
        f"roughness {7 * cues.rough:.0f}",
        f"formant 0 {scale:.0f} 90 120",
        f"formant 1 {one} 90 120",
        f"formant 2 {two} 90 120",
        f"formant 3 {three} 90 120",
        *(f"formant {n} {scale:.0f} 85 130" for n in range(4, 9)),
        f"voicing {100 - 30 * breath:.0f}",
        "breath " + " ".join(f"{x * breath:.0f}" for x in (0, 6, 12, 12, 10, 8, 6, 4)),
        "echo 0 0",
    ]
    return "\n".join(lines) + "\n"


def markup(speaker: Speaker, phrases: tuple[str, ...], cues: Cues) -> str:
    """SSML that moves the pitch from phrase to phrase; rising clips are also marked as questions."""
    end = len(phrases) - 1
    parts = []
    for n, phrase in enumerate(phrases):
        place = n / end
        # The contour bends late: most of the movement is in the last phrase.
        shift_st = float(np.clip(cues.final_st * place**2, PITCH_ST[0], PITCH_ST[-1]))
        setting = float(np.interp(shift_st, PITCH_ST, PITCH_SETTING))
        parts.append(f'<prosody pitch="{2 * setting:.0f}%">{phrase}</prosody>')
    mark = ("?" if cues.final_st > 3.5 else ".") if speaker.language == "en" else "。"
    joined = (" " if speaker.language == "en" else "").join(parts)
    return f"<speak>{joined}{mark}</speak>"


def trimmed(samples: Samples, threshold: float = 0.01) -> Samples:
    """The samples without the silence around the speech, 40 ms kept on both sides."""
    loud = np.flatnonzero(np.abs(samples) > threshold * np.abs(samples).max())
    margin = int(0.04 * SAMPLE_RATE_HZ)
    return samples[max(0, loud[0] - margin) : loud[-1] + margin]


def coloured(samples: Samples, speaker: Speaker, cues: Cues) -> Samples:
    """Spectral tilt and, for pressed voices, the harmonics of a soft overload."""
    drive = 1.0 + 4.0 * cues.rough
    samples = samples / np.abs(samples).max()
    samples = np.tanh(drive * samples) / np.tanh(drive)
    tilt_db = np.clip(speaker.tilt_db + cues.tilt_db, -14.0, 14.0)
    hertz = [0, 500, 1000, 2000, 4000, SAMPLE_RATE_HZ / 2]
    gains = [10 ** (tilt_db * share / 20) for share in (0.0, 0.0, 0.6, 1.0, 1.25, 1.4)]
    return np.convolve(samples, firwin2(255, hertz, gains, fs=SAMPLE_RATE_HZ), mode="same")


def recorded(samples: Samples, speaker: Speaker, cues: Cues, rng: np.random.Generator) -> Samples:
    """The clip as a microphone in a small quiet room would have it, 0.08 to 0.2 s of pause at both ends."""
    lead, tail = (int(rng.uniform(0.08, 0.20) * SAMPLE_RATE_HZ) for _ in range(2))
    samples = np.concatenate([np.zeros(lead), samples, np.zeros(tail)])
    level_dbfs = SPEECH_DBFS + speaker.level_db + cues.level_db
    samples = samples * 10 ** (level_dbfs / 20) / np.sqrt(np.mean(samples**2))

    decay_s = rng.uniform(0.08, 0.30)  # reverberation time
    times = np.arange(int(decay_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    response = rng.normal(size=times.size) * np.exp(-6.9 * times / decay_s)
    response *= 10 ** (rng.uniform(-22.0, -12.0) / 20) / np.sqrt(np.sum(response**2))
    response[0] = 1.0
    samples = fftconvolve(samples, response)[: samples.size]

    noise = np.cumsum(rng.normal(size=samples.size + 64))[64:]  # brown: rooms hum low
    noise = noise - np.convolve(noise, np.ones(801) / 801, mode="same")
    noise *= 10 ** (rng.uniform(-77.0, -64.0) / 20) / np.sqrt(np.mean(noise**2))
    samples = samples + noise
    return np.asarray(samples * min(1.0, 0.95 / np.abs(samples).max()))
