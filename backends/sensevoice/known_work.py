"""Work on a clip's audio that need not be done again for another setting: where speech is, what a stretch says.

Settings of a sweep that differ in thresholds and lengths only hear the same waveforms with the same model. The
detector's track of a waveform is the same for all of them, and so is what is said about a stretch from one sample
to another.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from backends.segmentation.segmenter import Segmenter
from backends.segmentation.spans import Span
from backends.sensevoice.frontend import Float32
from backends.sensevoice.listening import Prompts
from sv_eval.backend import Store
from sv_eval.records import Prediction

_PREDICTION_BYTES = 1500
"""About what one takes, with eight scores; a transcript comes on top."""

Say = Callable[[Sequence[Span]], list[Prediction]]


class KnownWork:
    """Looks work up in a store, and has it done and kept where it is not there.

    engine: equal for two models that say the same about the same stretch. batching: what stretches are batched by,
    where an answer depends on that; None where a stretch gets the same answer in any batch.
    """

    def __init__(self, store: Store, *, engine: Hashable, batching: Hashable | None) -> None:
        self._store, self._engine, self._batching = store, engine, batching

    def stretches(self, audio: str, samples: Float32, segmenter: Segmenter) -> list[Span]:
        """The stretches of the waveform that `audio` stands for."""
        if segmenter.settings.whole:
            return segmenter.stretches(len(samples), None)
        key = ("track", audio, segmenter.track_id)
        track = self._store.get(key)
        if track is None:
            track = segmenter.track(samples)
            self._store.put(key, track, track.nbytes)
        return segmenter.stretches(len(samples), track)

    def said(self, audio: str, spans: Sequence[Span], prompts: Prompts, say: Say) -> list[Prediction]:
        """What is said about each stretch, in order; `say` is asked about those that are new."""
        if self._batching is not None:
            return self._said_together(
                ("clip", self._engine, self._batching, audio, tuple(spans), prompts), spans, say
            )
        keys = [("stretch", self._engine, audio, span, prompts) for span in spans]
        found: dict[int, Prediction] = {}
        for place, key in enumerate(keys):
            known = self._store.get(key)
            if known is not None:
                found[place] = known
        missing = [place for place in range(len(spans)) if place not in found]
        if missing:
            for place, new in zip(missing, say([spans[place] for place in missing]), strict=True):
                found[place] = new
                self._store.put(keys[place], new, _size(new))
        return [found[place] for place in range(len(spans))]

    def _said_together(self, key: Hashable, spans: Sequence[Span], say: Say) -> list[Prediction]:
        known: list[Prediction] | None = self._store.get(key)
        if known is None:
            known = say(spans)
            self._store.put(key, known, sum(map(_size, known)))
        return known


def _size(said: Prediction) -> int:
    return _PREDICTION_BYTES + 4 * len(said.text or "")
