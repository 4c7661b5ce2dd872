"""From where on a clip's sound is not what speech models are made for: in runs, audits and the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sv_eval.sound_facts import SOUND_FACTS, SoundFacts

Floats = NDArray[np.float64]

WORTH_TELLING = 0.05
"""The share of clips from which on a caveat speaks of a limit; fewer are odd clips, which figures hardly feel."""


@dataclass(frozen=True, slots=True)
class Limit:
    """From where on a fact of the sound is not what speech models are made for; docs/audio.md has the reasons."""

    fact: str
    side: Literal["below", "above"]
    value: float
    of_the_median: bool = False
    """Whether single clips may well be beyond it, and only the corpus's median tells."""

    def beyond(self, values: Floats) -> NDArray[np.bool_]:
        """Which values are; NaN is not."""
        with np.errstate(invalid="ignore"):
            return values < self.value if self.side == "below" else values > self.value


LIMITS: Mapping[str, Limit] = {
    "narrow": Limit("band_hz", "below", 7_000.0),
    "fast": Limit("pitch_hz", "above", 300.0, of_the_median=True),
    "noisy": Limit("snr_db", "below", 15.0),
    "background": Limit("snr_db", "below", 25.0, of_the_median=True),
    "quiet": Limit("level_dbfs", "below", -40.0),
    "silent": Limit("silence", "above", 0.999),
    "padded": Limit("padding_s", "above", 1.0),
    "clipped": Limit("clipped", "above", 0.001),
    "offset": Limit("dc", "above", 0.01),
}
"""The limits by the word of their caveat, `sound_narrow` and so on, the gravest first."""
_SAID_BY = {"background": "noisy"}
"""What another limit says as well, and more plainly."""


def columns_of(sound: Mapping[str, Floats]) -> dict[str, Floats]:
    """The facts of many clips, NaN where unknown, with what limits are about: `padding_s`, the longer of both
    paddings, and an offset without its sign."""
    found = dict(sound)
    if "dc" in found:
        found["dc"] = np.abs(found["dc"])
    if "lead_s" in found and "tail_s" in found:
        found["padding_s"] = np.fmax(found["lead_s"], found["tail_s"])
    return found


def clips_beyond(columns: Mapping[str, Floats]) -> dict[str, NDArray[np.bool_]]:
    """Which clips are beyond each limit, by its word; limits that none is beyond are left out.

    columns: as `columns_of` gives them.

    >>> {word: mask.tolist() for word, mask in clips_beyond({"band_hz": np.array([3900.0, 7800.0])}).items()}
    {'narrow': [True, False]}
    """
    found = {}
    for word, limit in LIMITS.items():
        column = columns.get(limit.fact)
        if column is None or not (there := limit.beyond(column)).any():
            continue
        if limit.of_the_median and not limit.beyond(np.array([np.nanmedian(column)]))[0]:
            continue
        found[word] = there
    return found


def worth_telling(beyond: Mapping[str, tuple[int, int]]) -> list[str]:
    """The words that are to be told, of how many clips are beyond each limit and of how many.

    >>> worth_telling({"noisy": (9, 10), "background": (10, 10), "quiet": (1, 100)})
    ['noisy']
    """
    words = [word for word, (n, of) in beyond.items() if n >= WORTH_TELLING * of]
    return [word for word in words if _SAID_BY.get(word) not in words]


def concerns_of(facts: SoundFacts) -> tuple[str, ...]:
    """The limits that one clip is beyond, by their words; without those that only a corpus's median can tell.

    >>> concerns_of(SoundFacts(band_hz=3900.0, snr_db=12.0, tail_s=0.2))
    ('narrow', 'noisy')
    """
    single = {
        name: np.array([np.nan if (value := getattr(facts, name)) is None else value]) for name in SOUND_FACTS
    }
    return tuple(word for word in clips_beyond(columns_of(single)) if not LIMITS[word].of_the_median)
