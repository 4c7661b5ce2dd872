"""All that the protocols in front share: the recogniser, its streams, its memory and its figures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from sv_eval.backend import Backend
from sv_eval.data.audio.digest import without_digests
from sv_eval.report.calibration_file import CalibrationFile
from sv_eval.report.thresholds_file import ThresholdsFile, digest_of
from sv_eval.serve.body import Buffered
from sv_eval.serve.config import ServeConfig
from sv_eval.serve.meters import ServiceMetrics
from sv_eval.serve.recognition import ADJUSTABLE, Recognition, Upload
from sv_eval.serve.streams import Streams
from sv_eval.serve.trace import Trace
from sv_eval.wire.messages import BatchItemAnswer, ModelCard, Options, Problem
from sv_eval.wire.problems import ServiceError, problem


class Service:
    """One recogniser, ready to be asked over any protocol."""

    def __init__(self, backend: Backend, config: ServeConfig) -> None:
        self.config = config
        self.meters = ServiceMetrics()
        self.recognition = Recognition(backend, config, self.meters)
        self.streams = Streams(self.recognition)
        self.buffered = Buffered(config.limits.max_buffered_bytes)
        self._created = int(time.time())

    async def many(
        self, asked: Sequence[tuple[str | None, Upload | ServiceError, Options]], trace: Trace
    ) -> list[BatchItemAnswer]:
        """What was heard in each of several recordings; one that fails does not spoil the others.

        No more of them are at the queue at once than fit into a call or two, so that one caller's batch does not
        push everybody else out.
        """
        places = asyncio.Semaphore(2 * self.recognition.batcher.rule.max_batch)

        async def one(item_id: str | None, upload: Upload | ServiceError, options: Options) -> BatchItemAnswer:
            own = Trace(request_id=trace.request_id, received_s=trace.received_s)
            try:
                if isinstance(upload, ServiceError):
                    raise upload
                async with places:
                    data = await self.recognition.recognise(upload, options, own)
            except ServiceError as error:
                own.code = error.code.word
                return BatchItemAnswer(
                    id=item_id, success=False, error=Problem.model_validate(problem(error, trace.request_id))
                )
            finally:
                _add(trace, own)
            return BatchItemAnswer(id=item_id, success=True, data=data)

        return list(await asyncio.gather(*(one(*item) for item in asked)))

    def card(self) -> ModelCard:
        """What is served; raises ServiceError `not_ready` before the model is there."""
        _ = self.recognition.batcher
        info, able = self.recognition.backend.info, self.recognition.backend.capabilities
        card = ModelCard(
            id=self.recognition.model_id,
            object="model",
            created=self._created,
            owned_by="sv_eval",
            aliases=list(self.config.model_aliases),
            title=info.model,
            backend=info.name,
            precision=info.precision,
            device=info.device,
            model_hash=info.model_hash,
            labels=list(self.recognition.naming.labels(able.labels)),
            languages=list(able.languages),
            parameters=[name for name in able.adjusts if name in ADJUSTABLE],
            streaming=able.streams,
        )
        if able.dimensions:
            card.dimensions = dict(able.dimensions)
        decisions = self.recognition.decisions
        if decisions.calibration is not None:
            card.calibration = calibration_told(decisions.calibration)
        if decisions.thresholds is not None:
            card.thresholds = thresholds_told(decisions.thresholds)
        return card

    def whole_card(self, name: str) -> ModelCard:
        """The same with the model card; raises ServiceError `model_not_found` for a name that is not served."""
        card = self.card()
        if name not in (card.id, *card.aliases):
            raise ServiceError("model_not_found", f"'{name}' is not served here; {card.id} is")
        card.card = without_digests(self.recognition.backend.info.card)
        return card


def calibration_told(file: CalibrationFile) -> dict[str, Any]:
    """What callers are told of a calibration."""
    fitted = file.fitted_on
    return {
        "method": file.method,
        "digest": digest_of(file),
        "dataset": fitted.dataset,
        "n_clips": fitted.n_clips,
        "n_speakers": len(fitted.speakers),
    }


def thresholds_told(file: ThresholdsFile) -> dict[str, Any]:
    """What callers are told of thresholds."""
    chosen = file.chosen_on
    return {
        "thresholds": dict(file.thresholds),
        "not_promised": list(file.not_promised),
        "precision": file.precision,
        "false_alarms_per_hour": file.false_alarms_per_hour,
        "dataset": chosen.dataset if chosen else None,
    }


def _add(trace: Trace, item: Trace) -> None:
    """Count one recording's work into its request's."""
    trace.audio_s += item.audio_s
    trace.add(item.stages_ms)
    if item.reason is not None:
        trace.reason = item.reason
