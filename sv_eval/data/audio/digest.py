"""What tells a recording from all others, whatever its file is called: whether a model was taught it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.data.audio.level import sounding
from sv_eval.records import SAMPLE_RATE_HZ

_LOOKED_AT = SAMPLE_RATE_HZ
"""One second of sound, and the length of all of it: no two recordings share both, and it is soon looked at."""
_DIGEST_BYTES = 8


def sound_digest(samples: NDArray[np.float32]) -> str | None:
    """16 hex digits for a decoded clip, [n] at 16 kHz; None for digital silence.

    Digital silence at both ends is left out and samples are rounded to 16 bits, so that a recording is known in any
    lossless container. Another level, a lossy copy and a cut one are other recordings.
    """
    sound = sounding(samples)
    if not len(sound):
        return None
    rounded = np.clip(np.rint(sound[:_LOOKED_AT] * np.float32(32_768)), -32_768, 32_767).astype("<i2")
    digest = hashlib.blake2b(rounded.tobytes(), digest_size=_DIGEST_BYTES)
    digest.update(len(sound).to_bytes(8, "little"))
    return digest.hexdigest()


def taught_digests(card: Mapping[str, Any]) -> frozenset[str]:
    """The digests of what a model was trained on, by its card: `audio` of its `training` entries, where given.

    `audio` is a list of digests, or one text with blanks between them.
    """
    found: set[str] = set()
    for entry in _entries(card):
        audio = entry.get("audio") or ()
        words: Iterable[Any] = audio.split() if isinstance(audio, str) else audio
        found.update(str(word) for word in words)
    return frozenset(found)


def without_digests(card: Mapping[str, Any]) -> dict[str, Any]:
    """The card with the number of its digests in their place, for files that a person may read."""
    if not taught_digests(card):
        return dict(card)
    entries = [
        {key: value for key, value in entry.items() if key != "audio"}
        | ({"n_audio": len(taught_digests({"training": [entry]}))} if entry.get("audio") else {})
        for entry in _entries(card)
    ]
    return {**card, "training": entries}


def _entries(card: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    given = card.get("training")
    return [entry for entry in given if isinstance(entry, Mapping)] if isinstance(given, list | tuple) else []
