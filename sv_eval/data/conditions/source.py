"""A corpus's audio under a condition: changed as it is decoded, never on disk."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from sv_eval.data.conditions.condition import Condition, rng_of
from sv_eval.data.conditions.step import Float32
from sv_eval.data.corpus.source import AudioSource
from sv_eval.errors import AudioError
from sv_eval.records import Clip, Waveform

_MOST_KEPT = 64
_OTHERS = "others"


class ConditionedSource:
    """Gives what the condition leaves of each clip.

    clips: those of the corpus, of whom some babble in the background of others.
    """

    def __init__(self, source: AudioSource, condition: Condition, clips: Sequence[Clip]) -> None:
        self._source, self._condition = source, condition
        self._clips = sorted(clips, key=lambda clip: clip.id)
        self._kept: dict[str, Float32] = {}
        self._keys: dict[str, str] = {}
        self._lock = threading.Lock()

    def fetch(self, clip: Clip) -> None:
        """Has a clip that will be asked for soon fetched, where it lies elsewhere."""
        if (fetch := getattr(self._source, "fetch", None)) is not None:
            fetch(clip)

    def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:  # noqa: ARG002 - there is no file of it
        """The clip's changed audio; raises AudioError. Its file's bytes are of another sound, and left out."""
        waveform = self._source.load(clip)
        samples = self._condition(waveform.samples, clip, self._others_than(clip))
        if not len(samples):
            raise AudioError("empty", f"nothing of {clip.id} is left under the condition {self._condition.name}")
        with self._lock:
            self._keys[clip.id] = hashlib.blake2b(samples.tobytes(), digest_size=16).hexdigest()
        return replace(waveform, samples=samples, encoded=None)

    def key(self, clip: Clip) -> str | None:
        """What stands for the clip's changed samples, by their content; None before they were made."""
        with self._lock:
            return self._keys.get(clip.id)

    def _others_than(self, clip: Clip) -> Callable[[int], Sequence[Float32]]:
        def others(n: int) -> Sequence[Float32]:
            among = [one for one in self._clips if one.id != clip.id]
            strangers = [one for one in among if one.speaker is None or one.speaker != clip.speaker]
            among = strangers or among
            order = rng_of(self._condition.seed, _OTHERS, clip.id).permutation(len(among))
            found: list[Float32] = []
            for place in order.tolist():
                if len(found) == n:
                    break
                if (sound := self._sound(among[place])) is not None:
                    found.append(sound)
            return found

        return others

    def _sound(self, clip: Clip) -> Float32 | None:
        """Another clip's own sound; None where it can't be decoded."""
        with self._lock:
            kept = self._kept.get(clip.id)
        if kept is not None:
            return kept
        try:
            sound = self._source.load(clip).samples
        except AudioError:
            return None
        with self._lock:
            if len(self._kept) >= _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[clip.id] = sound
        return sound
