"""Work on a clip's audio that need not be done again for another setting: where speech is, what a stretch says.

Settings of a sweep that differ in thresholds and lengths only hear the same waveforms with the same model. The
detector's track of a waveform is the same for all of them, and so is what is said about a stretch from one sample
to another.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from sv_eval.backend import Store
from sv_eval.backends.frontend import Float32
from sv_eval.backends.segmentation.segmenter import Segmenter
from sv_eval.backends.segmentation.spans import Span
from sv_eval.backends.sensevoice.listening import Prompts
from sv_eval.records import Prediction

_PREDICTION_BYTES = 1500
"""About what one takes, with eight scores; a transcript comes on top."""

Say = Callable[[Sequence[Span]], list[Prediction]]


class InferenceCache:
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

    @property
    def alone(self) -> bool:
        """Whether a stretch gets the same answer in any batch, so that each can be known by itself."""
        return self._batching is None

    def found(self, audio: str, spans: Sequence[Span], prompts: Prompts) -> dict[int, Prediction]:
        """What is known about stretches, by their place; only where they are known by themselves."""
        known = {place: self._store.get(self._stretch(audio, span, prompts)) for place, span in enumerate(spans)}
        return {place: said for place, said in known.items() if said is not None}

    def keep(self, audio: str, span: Span, prompts: Prompts, said: Prediction) -> None:
        """Know from now on what was said about a stretch."""
        self._store.put(self._stretch(audio, span, prompts), said, _size(said))

    def said_together(self, audio: str, spans: Sequence[Span], prompts: Prompts, say: Say) -> list[Prediction]:
        """What is said about all stretches of a clip in batches of their own; `say` is asked if that is new."""
        key = ("clip", self._engine, self._batching, audio, tuple(spans), prompts)
        known: list[Prediction] | None = self._store.get(key)
        if known is None:
            known = say(spans)
            self._store.put(key, known, sum(map(_size, known)))
        return known

    def _stretch(self, audio: str, span: Span, prompts: Prompts) -> Hashable:
        return ("stretch", self._engine, audio, span, prompts)


def _size(said: Prediction) -> int:
    return _PREDICTION_BYTES + 4 * len(said.text or "")
