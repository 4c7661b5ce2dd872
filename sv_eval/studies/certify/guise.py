"""A clip in a guise: what is to be heard, how it travels, and what it is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sv_eval.backend import Answer
from sv_eval.data.conditions.step import Float32


@dataclass(frozen=True, slots=True, kw_only=True)
class Guise:
    """A sound as it is given to a backend."""

    samples: Float32
    """What is to be heard, mono, 16 kHz: what a backend in this process is given."""
    file: bytes | None = None
    """The file that a backend is sent that takes files; None for a wav of 16 bits of the samples."""
    form: str = "wav"
    """The file's ending."""
    name: str | None = None
    """What the file is called; None for a name that no other guise has."""
    pieces: int | None = None
    """Samples of a piece where it is given as a stream; None where it is given whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One clip in two guises, and for a difference that must be heard the same difference at another place."""

    clip: int
    """Which clip it is."""
    guise: Guise
    """The guise."""
    reference: Guise | None = None
    """What it is compared with; None for the clip itself as it was asked first."""
    control: tuple[Guise, Guise] | None = None
    """Two guises that differ as these two do, at a place that every recogniser hears; None where none is needed."""


@dataclass(frozen=True, slots=True)
class Material:
    """The clips, and what was answered to them as they are."""

    sounds: Sequence[Float32]
    """Mono, 16 kHz, on the grid of 16 bits, with peaks of at most 0.9 of full scale."""
    answers: Sequence[Answer]
    """The first answer to each."""
    others: Sequence[int]
    """For each another clip, of another label where there is one."""
    long_s: float
    """How long a long clip is, seconds."""

    @property
    def count(self) -> int:
        """How many clips there are."""
        return len(self.sounds)

    def other(self, clip: int) -> Float32:
        """The sound of another clip, of another label where there is one."""
        return self.sounds[self.others[clip]]
