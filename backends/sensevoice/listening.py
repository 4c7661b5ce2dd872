"""The settings of SenseVoice that do not depend on what runs it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypedDict

from sv_eval.backends.segmentation.segmenter import Segmentation
from sv_eval.backends.sensevoice.combining import RULES
from sv_eval.backends.sensevoice.tokens import LANGUAGE_PROMPTS, TEXTNORM_PROMPTS
from sv_eval.errors import ConfigError, nearest

_FRAME_S = 0.06
"""Seconds of audio in one of the encoder's input frames."""


LANGUAGES = tuple(word for word in LANGUAGE_PROMPTS if word != "nospeech")
"""The languages that a request may ask for; that there is no speech is nothing to ask for."""


class Prompts(NamedTuple):
    """What one stretch is asked with: rows of the model's query embedding."""

    language: int
    textnorm: int


class ListeningSettings(TypedDict, total=False):
    """The settings of `Listening` as keywords of a backend's constructor; what is left out has its default."""

    language: str
    use_itn: bool
    batch_size: int
    batch_s: float | None
    vad: str
    vad_model: str | None
    vad_threshold: float | None
    min_speech_ms: float
    min_silence_ms: float
    pad_ms: float
    chunk_size: float | None
    combine: str
    return_all_emotions: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening(Segmentation):
    """What a user may choose about how SenseVoice hears a clip: its stretches, inference, and combining answers.

    The names are those of a backend's settings.
    """

    language: str = "auto"
    """The language prompt; a word that is not known is refused, where upstream takes it for `auto`."""
    use_itn: bool = False
    """Ask for inverse text normalisation in the transcript."""
    batch_size: int = 8
    """The most stretches in one inference."""
    batch_s: float | None = None
    """The most seconds of audio in one inference, padding included; None for no limit."""
    combine: str = "mean"
    """How the posteriors of a clip's stretches are combined: `mean` (by duration), `max` or `vote`."""
    return_all_emotions: bool = True
    """Give every emotion's probability; without it only the label's."""

    def __post_init__(self) -> None:
        if self.language not in LANGUAGE_PROMPTS:
            raise ConfigError(
                f"backend.language={self.language} is not known; {nearest(self.language, LANGUAGE_PROMPTS)}"
            )
        if self.batch_size < 1:
            raise ConfigError(f"backend.batch_size={self.batch_size}: at least 1 is needed")
        if self.batch_s is not None and not 0 < self.batch_s < math.inf:
            raise ConfigError(f"backend.batch_s={self.batch_s}: a positive number of seconds is needed")
        if self.combine not in RULES:
            raise ConfigError(f"backend.combine={self.combine} is not known; {nearest(self.combine, RULES)}")
        # By name: a dataclass with slots is not the class that a bare `super()` was compiled for.
        Segmentation.__post_init__(self)

    @property
    def prompts(self) -> Prompts:
        """The rows of the query embedding that ask for the language and for the text's form."""
        return Prompts(LANGUAGE_PROMPTS[self.language], TEXTNORM_PROMPTS[self.use_itn])

    def batches(self, frames: Sequence[int]) -> list[list[int]]:
        """Which stretches go into one inference together, given each one's length in input frames.

        Stretches of similar length are put together, and which they are depends on the lengths alone. A
        stretch that is longer than `batch_s` by itself makes a batch of its own.

        >>> Listening(batch_size=2).batches([30, 10, 20])
        [[1, 2], [0]]
        """
        most = float("inf") if self.batch_s is None else self.batch_s / _FRAME_S
        batches: list[list[int]] = []
        for index in sorted(range(len(frames)), key=lambda index: (frames[index], index)):
            last = batches[-1] if batches else []
            if last and len(last) < self.batch_size and (len(last) + 1) * frames[index] <= most:
                last.append(index)
            else:
                batches.append([index])
        return batches
