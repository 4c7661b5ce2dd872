"""What the eGeMAPS baselines have in common: they are fitted when they are opened, and judge functionals."""

from __future__ import annotations

import asyncio
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from sv_eval.backend import Answer, BackendInfo, Request
from sv_eval.backends.baselines.egemaps import Functionals
from sv_eval.backends.baselines.folds import WHOLE, Folds, folds_setting
from sv_eval.backends.baselines.training import CorpusSettings
from sv_eval.backends.model_thread import ModelThread
from sv_eval.records import Prediction


class Fitted(Protocol):
    """All that answering needs."""

    @property
    def functionals(self) -> Functionals:
        """Extracts features."""

    @property
    def folds(self) -> Folds:
        """Which model answers for which clip."""

    @property
    def models(self) -> Mapping[int, Any]:
        """By part."""

    @property
    def info(self) -> BackendInfo:
        """What a report says of them."""


Held = TypeVar("Held", bound=Fitted)


class EgemapsBackend(ABC, Generic[Held]):
    """openSMILE's eGeMAPSv02 functionals, and models that were fitted on other speakers."""

    def __init__(
        self, corpus: CorpusSettings | None, train: CorpusSettings | None, folds: str | int, unfitted: BackendInfo
    ) -> None:
        self._corpus, self._train = corpus, train
        self._folds = folds_setting(folds)
        self._fitted: Held | None = None
        self._unfitted = unfitted

    @property
    def info(self) -> BackendInfo:
        """What was fitted on what."""
        return self._unfitted if self._fitted is None else self._fitted.info

    async def __aenter__(self) -> Self:
        """Read the corpus, extract the training clips' features and fit the models, beside the event loop."""
        given_up = threading.Event()
        try:
            self._fitted = await asyncio.to_thread(self._fit, given_up)
        except asyncio.CancelledError:
            given_up.set()
            raise
        self._thread = ModelThread(self._unfitted.name)
        return self

    async def __aexit__(self, *reason: object) -> None:
        """End the thread."""
        self._thread.close()

    async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """What the models say that have not heard the clip's speaker."""
        return [await self._thread.run(partial(self._judge, request)) for request in requests]

    @abstractmethod
    def _fit(self, given_up: threading.Event) -> Held:
        """The models; raises CorpusError, also where fitting is given up."""

    @abstractmethod
    def _said(self, model: Any, features: NDArray[np.float64]) -> Mapping[str, Any]:
        """The fields of the answer to a clip of these features."""

    def _judge(self, request: Request) -> Answer:
        fitted = self._fitted
        assert fitted is not None
        begin = time.perf_counter()
        features = fitted.functionals.of(request.waveform.samples)
        extracted = time.perf_counter()
        if features is None:
            # Too short for any of its measures: there was nothing to judge.
            return Prediction(no_speech=True, stages_ms={"features": 1000 * (extracted - begin)})
        said = self._said(fitted.models[fitted.folds.part_of_clip.get(request.clip_id, WHOLE)], features)
        stages_ms = {
            "features": 1000 * (extracted - begin),
            "inference": 1000 * (time.perf_counter() - extracted),
        }
        return Prediction(**said, stages_ms=stages_ms)
