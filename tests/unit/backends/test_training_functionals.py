"""Functionals of clips whose spectrum is known, and the linear model that learns from them."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch, which trains the bundled model, is not installed")

from sv_eval.backends.sensevoice.training import functionals as fn  # noqa: E402
from sv_eval.backends.sensevoice.training.augmentation import Augmentation  # noqa: E402
from sv_eval.backends.sensevoice.training.batches import whole  # noqa: E402
from sv_eval.backends.sensevoice.training.corpora import Example  # noqa: E402
from sv_eval.backends.sensevoice.training.teacher import Teacher  # noqa: E402

ALPHA, HAMMARBERG, SLOPES = fn.CEPSTRA, fn.CEPSTRA + 1, fn.CEPSTRA + 2
SPREADS, MOVEMENT = fn.A_FRAME, 2 * fn.A_FRAME
NATURAL = 1 / fn.DB  # what a decibel is on the axis of log mels


def noise(frames: int, seed: int = 0, level: float = 8.0) -> np.ndarray:
    """Log mels around a level, every frame loud."""
    return np.random.default_rng(seed).normal(level, 0.3, (frames, 80)).astype(np.float32)


def found(*clips: np.ndarray) -> np.ndarray:
    numbers: np.ndarray = fn.functionals(*whole([clip.astype(np.float32) for clip in clips])).numpy()
    return numbers


def test_a_clip_has_the_same_numbers_in_any_batch() -> None:
    short, long = noise(90, 1), noise(300, 2)

    together = found(short, long)

    assert together.shape == (2, fn.COUNT)
    assert np.isfinite(together).all()
    np.testing.assert_allclose(together, np.concatenate([found(short), found(long)]), rtol=1e-4, atol=1e-4)


def test_a_louder_recording_has_the_same_numbers() -> None:
    clip = noise(200)

    np.testing.assert_allclose(found(clip + 6 * NATURAL), found(clip), atol=2e-3)


def test_a_slope_is_found_in_decibels_a_kilohertz() -> None:
    clip = noise(200)
    steeper = clip - 3.0 * NATURAL * fn._HZ.numpy() / 1000

    change = (found(steeper) - found(clip))[0]

    np.testing.assert_allclose(change[SLOPES : SLOPES + len(fn.SLOPES_HZ)], -3.0, atol=1e-3)


def test_the_ratios_see_what_is_taken_from_the_upper_bands() -> None:
    clip, hz = noise(200), fn._HZ.numpy()
    duller = clip - np.where((hz >= 1000) & (hz < 5000), 10.0 * NATURAL, 0.0)
    darker = clip - np.where((hz >= 2000) & (hz < 5000), 10.0 * NATURAL, 0.0)

    assert (found(duller) - found(clip))[0][ALPHA] == pytest.approx(10.0, abs=1e-3)
    assert (found(darker) - found(clip))[0][HAMMARBERG] == pytest.approx(10.0, abs=1e-3)


def test_pauses_count_as_movement_and_not_as_sound() -> None:
    clip = noise(200)
    halting = clip.copy()
    halting[50:100] -= 60 * NATURAL

    before, after = found(clip)[0], found(halting)[0]

    # Three quarters are speech, with its spectrum as it was.
    assert after[MOVEMENT + 3] == pytest.approx(0.75)
    np.testing.assert_allclose(after[: fn.A_FRAME - 2], before[: fn.A_FRAME - 2], atol=0.3)
    assert after[MOVEMENT + 4] == pytest.approx(math.log(200))


def test_peaks_are_counted_a_second() -> None:
    swell = 10 * NATURAL * np.cos(2 * np.pi * 4 * np.arange(300) / 100)  # four a second

    steady = np.full((300, 80), 8.0) + swell[:, None]

    assert found(steady)[0][MOVEMENT + 2] == pytest.approx(4, abs=0.5)


def example(name: str, emotion: str, tilt_db: float, seed: int) -> Example:
    hz = np.linspace(0, 1, 80)
    mels = tuple(noise(120, seed + copy) + tilt_db * NATURAL * hz for copy in range(2))
    return Example(
        id=name, speaker="03", emotion=emotion, language="de", transcript=None,
        mels=tuple(one.astype(np.float32) for one in mels),
    )  # fmt: skip


def test_the_teacher_tells_clips_apart_by_their_sound() -> None:
    clips = [example(f"a{n}", "angry", 20.0, n) for n in range(0, 20, 2)]
    clips += [example(f"s{n}", "sad", -20.0, 100 + n) for n in range(0, 20, 2)]

    teacher = Teacher(clips, Augmentation(), strength=0.003, seed=1)
    again = Teacher(clips, Augmentation(), strength=0.003, seed=1)
    unseen = torch.from_numpy(found(*(example("", "", tilt, 900).mels[0] for tilt in (20.0, -20.0))))
    said = teacher.probabilities(unseen).numpy()

    assert teacher.emotions == ("angry", "sad")
    np.testing.assert_allclose(said.sum(1), 1.0, atol=1e-6)
    assert said[0, 0] > 0.75
    assert said[1, 1] > 0.75
    assert (again.probabilities(unseen).numpy() == said).all()
    assert teacher.standardised(unseen).abs().max() <= 4
