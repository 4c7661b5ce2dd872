"""`backend=remote`: any endpoint that answers clips with emotions, in the dialect that it speaks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sv_eval.backend import NO_ADJUSTMENTS, Adjustments, Answer, BackendInfo, Capabilities, Request, StreamUpdate
from sv_eval.backends.remote.answer_parsing import answer_parser, understood
from sv_eval.backends.remote.delivery import Delivery
from sv_eval.backends.remote.dialect import NOTHING_SAID, Dialect, ServedModel, Transport
from sv_eval.backends.remote.endpoint import Connection, Endpoint, endpoint_of
from sv_eval.backends.remote.errors import UNREACHABLE, RemoteError
from sv_eval.backends.remote.preflight import PreflightResult, look, prepared
from sv_eval.backends.remote.sound import ORIGINAL, Sound, chosen_form
from sv_eval.backends.remote.throttle import RateLimiter, Throttle
from sv_eval.backends.remote.timeline import Timeline
from sv_eval.config.structure import structure
from sv_eval.dimensions import ranges_from
from sv_eval.errors import BackendLost, ConfigError, InferenceError
from sv_eval.records import Failure, Passage, Prediction

_LONG_S = 0.002
"""What takes longer to encode is followed by a turn for everybody else."""


class RemoteBackend:
    """A recogniser behind an address.

    url: where it is. dialect: how it is spoken to.
    language, use_itn, vad_threshold, chunk_size: what the service is asked for; None leaves its own setting. A
        dialect that can't ask for one refuses it.
    audio: `original` sends files as the corpus has them, `wav` sends 16 kHz mono with 16 bits; `auto` is what suits
        the dialect.
    concurrency: the most clips under way at once (load=offline). adaptive: use as much of it as the server bears.
    rate_limit: the most clips begun in a second.
    labels: what words of the service mean: raw word to an emotion, `other`, `unknown`, a finer word, or `own`.
    cut_off: from what score on the service names an emotion, where it scores each by itself; None where its scores
        are a posterior.
    dimensions: the range of each emotional dimension that the service tells, where it doesn't say itself.
    name, version: what reports call the model, where the service does not say or says something else.
    connection: the settings of `Connection`; a run may be resumed with others.

    Raises ConfigError for a value that can't be.
    """

    def __init__(
        self,
        *,
        url: str,
        dialect: Dialect,
        language: str | None = None,
        use_itn: bool | None = None,
        vad_threshold: float | None = None,
        chunk_size: float | None = None,
        audio: str = "auto",
        concurrency: int = 16,
        adaptive: bool = True,
        rate_limit: float | None = None,
        labels: Mapping[str, str] | None = None,
        cut_off: float | None = None,
        dimensions: Mapping[str, Any] | None = None,
        name: str | None = None,
        version: str | None = None,
        connection: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(dialect, Dialect):
            raise ConfigError("backend.dialect: not a dialect (sv_eval.backends.remote.dialect.Dialect)")
        traits = dialect.traits
        self._dialect = dialect
        self._asked = _asked(
            dialect,
            Adjustments(language=language, use_itn=use_itn, vad_threshold=vad_threshold, chunk_size=chunk_size),
        )
        if concurrency < 1:
            raise ConfigError(f"backend.concurrency={concurrency}: at least 1 is needed")
        if rate_limit is not None and not rate_limit > 0:
            raise ConfigError(f"backend.rate_limit={rate_limit}: give clips a second above 0, or null")
        try:
            self._ranges = ranges_from("backend.dimensions", dimensions or {})
        except ValueError as error:
            raise ConfigError(str(error)) from error
        self._name, self._version = name, None if version is None else str(version)
        self._concurrency, self._adaptive, self._rate = concurrency, adaptive, rate_limit
        self._form = chosen_form(audio, traits.forms, traits.name)
        if cut_off is not None and not 0 <= cut_off < 1:
            raise ConfigError(
                f"backend.cut_off={cut_off}: give the score from which the service names an emotion, 0 to below 1"
            )
        self._parser = replace(answer_parser(labels, emoji=traits.emoji), cut_off=cut_off)
        settings = structure(Connection, connection or {}, "backend.connection", ConfigError)
        self._endpoint: Endpoint = endpoint_of(url, settings, traits.schemes, traits.path)
        self._served: ServedModel = NOTHING_SAID
        self._seen: PreflightResult | None = None
        self._transport: Transport | None = None
        self._unanswered = 0

    @property
    def capabilities(self) -> Capabilities:
        """Single clips, many at once."""
        traits = self._dialect.traits
        labels = traits.labels if self._served.labels is None else self._served.labels
        labels = tuple(label for label in labels if label != "neutral" or self._lossy != "emoji")
        return Capabilities(
            labels=tuple(dict.fromkeys([*labels, *self._parser.further])),
            max_in_flight=self._concurrency,
            parallel=self._concurrency,
            deterministic=traits.deterministic,
            needs_encoded=self._form == ORIGINAL,
            streams=traits.streams,
            dimensions={**self._served.dimensions, **self._ranges},
        )

    @property
    def info(self) -> BackendInfo:
        """Where it is and what it said of itself."""
        traits, served, words = self._dialect.traits, self._served, self._parser.words
        seen = {} if self._seen is None else self._seen.details
        asked = {name: getattr(self._asked, name) for name in self._asked.asked}
        return BackendInfo(
            name="remote",
            model=self._name
            or served.model
            or (self._seen.model if self._seen else None)
            or f"unnamed model at {self._endpoint.address}",
            model_hash=served.model_hash,
            precision=served.precision,
            device=f"remote, {served.device}" if served.device else "remote",
            in_process=False,
            served_here=self._endpoint.here,
            details={
                "endpoint": self._endpoint.url,
                **({} if self._version is None else {"version": self._version}),
                "dialect": traits.name,
                **asked,
                "audio sent": self._form if traits.forms else "samples",
                "concurrency": f"up to {self._concurrency}" if self._adaptive else self._concurrency,
                **({} if self._endpoint.connection.proxy is None else {"proxy": self._endpoint.connection.proxy}),
                **({} if self._rate is None else {"rate limit": f"{self._rate:g} clips/s"}),
                "service's words": f"{words.name} v{words.version} {words.hash}",
                **seen,
            },
            words=words,
            card={**served.card, **({"lossy": self._lossy} if self._lossy else {})},
        )

    async def __aenter__(self) -> Self:
        """Connect, ask what is served, and look whether an emotion can be seen.

        Raises BackendLost when nobody answers, EndpointError when something else does.
        """
        self._transport = self._dialect.open(self._endpoint)
        self._unanswered = 0
        try:
            if self._endpoint.connection.preflight:
                self._seen = await look(
                    self._transport, self._dialect, self._endpoint, self._parser, self._form, self._asked
                )
                self._served = await self._transport.served()
            else:
                await prepared(self._transport, self._dialect, self._endpoint)
            self._encoding = asyncio.Lock()
            self._delivery = Delivery(
                self._transport,
                self._parser,
                self._endpoint,
                Throttle(self._concurrency, adaptive=self._adaptive),
                RateLimiter(self._rate),
                model=None if self._seen is None else self._seen.model,
            )
        except BaseException:
            await self._transport.close()
            raise
        return self

    async def __aexit__(self, *reason: object) -> None:
        """Hang up."""
        if self._transport is not None:
            await self._transport.close()

    async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """One answer for each request, each timed by itself."""
        return [await self._one(request) for request in requests]

    async def stream(
        self,
        chunks: AsyncIterator[NDArray[np.float32]],
        *,
        chunk_size: float,
        callback: Callable[[StreamUpdate], None],
        adjustments: Adjustments = NO_ADJUSTMENTS,
    ) -> Prediction:
        """Give audio as it comes; an update's `compute_ms` is the service's time as seen from here."""
        timeline = Timeline()
        try:
            parsed = await self._dialect.stream(
                self._transport,
                chunks,
                chunk_size=chunk_size,
                asked=self._asked,
                callback=callback,
                timeline=timeline,
            )
            with understood():
                prediction = self._parser.prediction(parsed, timeline.stages_ms())
        except RemoteError as error:
            message = self._endpoint.cleared(str(error))
            self._count(Failure(kind=error.kind, message=message))
            raise RemoteError(error.kind, message) from error
        self._count(prediction)
        if timeline.received_s is None:
            return prediction
        # Closing the connection is no part of what a caller waits for.
        took_ms = (timeline.received_s - timeline.start_s) * 1000
        return replace(prediction, passage=Passage(begin_s=timeline.start_s, latency_ms=took_ms))

    async def _one(self, request: Request) -> Answer:
        try:
            message, encode_ms = await self._encoded(request)
        except InferenceError as error:
            return Failure(kind=error.kind, message=str(error))
        answer = await self._delivery.deliver(
            message, encode_ms=encode_ms, planned_s=request.planned_s, from_sending=request.from_sending
        )
        self._count(answer)
        return answer

    async def _encoded(self, request: Request) -> tuple[Any, float]:
        """The message for a clip, and the milliseconds that making it took.

        Long ones are made one by one, with a turn of the event loop in between: connections and answers that came
        would else lie unattended until every clip that is due has been encoded, and run into their limits.
        """
        async with self._encoding:
            begin = time.perf_counter()
            sound = Sound(request.waveform, self._form)
            message = self._dialect.message_about(request.clip_id, sound, self._asked_of(request))
            encode_s = time.perf_counter() - begin
            if encode_s > _LONG_S:
                await asyncio.sleep(0)
        return message, encode_s * 1000

    def _asked_of(self, request: Request) -> Adjustments:
        """What a request asks for, over what every one does."""
        own = request.adjustments
        return (
            replace(self._asked, **{name: getattr(own, name) for name in own.asked}) if own.asked else self._asked
        )

    @property
    def _lossy(self) -> str | None:
        """What the answers can't tell apart; emoji have none for neutral, wherever they turn up."""
        return "emoji" if self._seen is not None and self._seen.by_emoji else self._dialect.traits.lossy

    def _count(self, answer: Answer) -> None:
        """Raise BackendLost when clip after clip got no answer for reasons that are not the clip's."""
        if not isinstance(answer, Failure) or answer.kind not in UNREACHABLE:
            self._unanswered = 0
            return
        self._unanswered += 1
        if self._unanswered >= self._endpoint.connection.lost_after:
            raise BackendLost(
                f"{self._endpoint.url} has not answered {self._unanswered} clips in a row ({answer.kind}: "
                f"{answer.message})"
            )


def _asked(dialect: Dialect, asked: Adjustments) -> Adjustments:
    for name in asked.asked:
        if name not in dialect.traits.asks:
            can = ", ".join(dialect.traits.asks) or "nothing"
            raise ConfigError(
                f"backend.{name}: {dialect.traits.name} has no way to ask for it, only for {can}; leave it out"
            )
    return asked
