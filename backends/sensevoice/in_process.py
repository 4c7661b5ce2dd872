"""What every backend does that runs SenseVoice in this process, once its model is open."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Hashable, Mapping, Sequence
from typing import Any, Unpack

from numpy.typing import NDArray

from sv_eval.backend import (
    NO_ADJUSTMENTS,
    Adjustments,
    Answer,
    BackendInfo,
    Capabilities,
    Opened,
    Request,
    Store,
    StreamUpdate,
)
from sv_eval.backends.frontend import Float32
from sv_eval.backends.segmentation.segmenter import refuse_missing
from sv_eval.backends.sensevoice.describing import ADJUSTS, TRACED
from sv_eval.backends.sensevoice.inference_cache import InferenceCache
from sv_eval.backends.sensevoice.listening import LANGUAGES, Listening, ListeningSettings
from sv_eval.backends.sensevoice.recogniser import Recogniser
from sv_eval.backends.sensevoice.streaming import stream
from sv_eval.emotions import EMOTIONS
from sv_eval.records import Prediction


class InProcess:
    """The half of the backend protocol that needs only a recogniser; opening it is the backend's own.

    Raises ConfigError for a setting that can't be, ModelError for a speech detector that is not there.
    """

    _recogniser: Recogniser
    _info: BackendInfo
    _store: Store | None = None

    def __init__(self, **listening: Unpack[ListeningSettings]) -> None:
        self._listening = Listening(**listening)
        refuse_missing(self._listening)
        # What the model was trained to say is known once it is open.
        self._labels: tuple[str, ...] = EMOTIONS

    def _able(self, *, max_in_flight: int, batch_invariant: bool, parallel: int = 1) -> Capabilities:
        """What SenseVoice can do, with what depends on the engine."""
        return Capabilities(
            labels=self._labels,
            max_batch=self._listening.batch_size,
            max_in_flight=max_in_flight,
            parallel=parallel,
            batch_invariant=batch_invariant,
            traces=TRACED,
            streams=True,
            adjusts=ADJUSTS,
            languages=LANGUAGES,
            detects_speech=True,
            shares_work=True,
        )

    def share(self, store: Store) -> None:
        """Keep the model and what was found out about audio in this store, and look there before working."""
        self._store = store

    def _kept_open(self, identity: Hashable, open_it: Callable[[], Opened]) -> Opened:
        """What `open_it` gives, or gave to the backend before this one where work is shared.

        identity: equal for two backends that would open the very same.
        """
        return open_it() if self._store is None else self._store.opened(identity, open_it)

    def _inference_cache(self, engine: Hashable, *, alone: bool) -> InferenceCache | None:
        """What may be looked up instead of being done again; None without a store.

        engine: equal for two backends that say the same about the same stretch. alone: whether that holds whatever
        a stretch is batched with.
        """
        if self._store is None:
            return None
        batching = None if alone else (self._listening.batch_size, self._listening.batch_s)
        return InferenceCache(self._store, engine=engine, batching=batching)

    @property
    def info(self) -> BackendInfo:
        """Valid once entered."""
        return self._info

    async def __aexit__(self, *reason: object) -> None:
        """End the threads and, where nobody else keeps it open, drop the model."""
        self._recogniser.close()
        del self._recogniser

    async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """Answers for one call."""
        return await self._recogniser.recognize(requests)

    async def trace(self, request: Request) -> Mapping[str, NDArray[Any]]:
        """The stages of one clip: waveform, features, logits."""
        return await self._recogniser.trace(request)

    async def stream(
        self,
        chunks: AsyncIterator[Float32],
        *,
        chunk_size: float,
        callback: Callable[[StreamUpdate], None],
        adjustments: Adjustments = NO_ADJUSTMENTS,
    ) -> Prediction:
        """The answer to audio that is still coming, with an update for every `chunk_size` seconds of it."""
        return await stream(
            self._recogniser, chunks, chunk_size=chunk_size, callback=callback, adjustments=adjustments
        )

    async def detect(self, request: Request) -> Sequence[tuple[float, float]]:
        """Where in a clip somebody speaks: beginnings and ends in seconds."""
        return [(span.start_s, span.end_s) for span in await self._recogniser.detect(request)]
