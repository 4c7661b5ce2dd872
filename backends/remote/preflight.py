"""Looking before leaping: one clip asked before a run, to see whether the endpoint can be measured at all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sv_eval.backend import Adjustments
from sv_eval.backends.remote.answer_parsing import AnswerParser, ParsedAnswer
from sv_eval.backends.remote.dialect import Dialect, Transport
from sv_eval.backends.remote.endpoint import Endpoint
from sv_eval.backends.remote.errors import (
    CONNECT,
    NOT_FOUND,
    NOT_JSON,
    NOT_UNDERSTOOD,
    RESET,
    TIMEOUT,
    TLS,
    TRUNCATED,
    UNAUTHORIZED,
    WRONG_TYPE,
    EndpointError,
    RemoteError,
)
from sv_eval.backends.remote.sound import ORIGINAL, Sound
from sv_eval.backends.remote.timeline import Timeline
from sv_eval.config.places import cards_dir
from sv_eval.data.audio.decoding import decode
from sv_eval.errors import AudioError, BackendLost, ConfigError, SvEvalError
from sv_eval.records import Prediction

_CLIPS = ("en_f1_happy_01", "en_f1_angry_01", "en_f1_sad_01")
_NOT_THIS_DIALECT = frozenset({NOT_FOUND, WRONG_TYPE, NOT_JSON, NOT_UNDERSTOOD, RESET, TRUNCATED})


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightResult:
    """What the first look found."""

    model: str | None
    """The model that answered, where it said."""
    where: str
    """Which part of the answer holds the emotion."""
    excerpt: str
    """That part."""
    label: str
    """The emotion that was seen."""
    by_emoji: bool
    """Whether nothing but an emoji tells the emotion."""
    stages_ms: dict[str, float]
    """The first answer's time, taken apart; the connection's making is in it."""

    @property
    def details(self) -> dict[str, Any]:
        """For a report."""
        making = [
            f"{name} {self.stages_ms[name]:.1f} ms" for name in ("dns", "connect", "tls") if name in self.stages_ms
        ]
        return {"emotion read from": self.where} | ({"first connection": ", ".join(making)} if making else {})


async def look(
    transport: Transport, dialect: Dialect, endpoint: Endpoint, parser: AnswerParser, form: str, asked: Adjustments
) -> PreflightResult:
    """Ask until an emotion is seen, a few clips at most.

    Raises BackendLost when nobody answers in time, EndpointError when the answer is none that can be measured, each
    with what to do.
    """
    limit_s = endpoint.connection.preflight_s
    timeline, parsed = Timeline(), ParsedAnswer()
    silent = 0
    try:
        async with asyncio.timeout(limit_s):
            await dialect.prepare(transport)
            for count, sound in enumerate(_sounds(endpoint, form), 1):
                timeline = Timeline()
                parsed = await _asked(transport, dialect.message(sound, asked), timeline)
                prediction = parser.prediction(parsed, {})
                silent += prediction.no_speech
                if prediction.raw_label is not None or prediction.dimensions:
                    first = {} if count > 1 else timeline.stages_ms()
                    return PreflightResult(
                        model=parsed.model,
                        where=parsed.where,
                        excerpt=parsed.excerpt,
                        label=_named(prediction),
                        by_emoji=parser.by_emoji(parsed),
                        stages_ms=first,
                    )
    except TimeoutError as error:
        raise BackendLost(
            f"{endpoint.url}: no answer within {limit_s:g} s; is this the right port? A service that has to wake "
            "up needs a larger backend.connection.preflight_s"
        ) from error
    except RemoteError as error:
        raise _explained(error, endpoint, dialect) from error
    raise EndpointError(_nothing_seen(endpoint, parsed, silent=silent == count))


def _named(prediction: Prediction) -> str:
    """The service's word and, where that is another, the emotion that it leads to."""
    raw, label = prediction.raw_label or "", prediction.label
    if not raw and prediction.dimensions:
        return ", ".join(f"{name} {value:.3g}" for name, value in prediction.dimensions.items())
    if label is None:
        return f"{raw} (in no map)"
    return label if raw.casefold() == label else f"{raw} ({label})"


async def prepared(transport: Transport, dialect: Dialect, endpoint: Endpoint) -> None:
    """What a dialect has to find out, where no clip is asked beforehand; raises as `look` does."""
    try:
        async with asyncio.timeout(endpoint.connection.preflight_s):
            await dialect.prepare(transport)
    except TimeoutError as error:
        raise BackendLost(f"{endpoint.url}: no answer within {endpoint.connection.preflight_s:g} s") from error
    except RemoteError as error:
        raise _explained(error, endpoint, dialect) from error


async def _asked(transport: Transport, message: Any, timeline: Timeline) -> ParsedAnswer:
    """The answer; a service that is just starting is asked again until the time is up."""
    while True:
        try:
            return await transport.ask(message, timeline)
        except RemoteError as error:
            if not error.transient or error.kind in _NOT_THIS_DIALECT or error.kind in (CONNECT, TIMEOUT):
                raise
            last = error
        await asyncio.sleep(min(last.retry_after_s or 0.5, 2.0))


def probe_sound(endpoint: Endpoint, form: str) -> Sound:
    """The first clip to ask with."""
    return next(_sounds(endpoint, form))


def _sounds(endpoint: Endpoint, form: str) -> Iterator[Sound]:
    """The clips to ask with."""
    own = endpoint.connection.probe_clip
    paths = (
        [cards_dir() / "demo" / "clips" / f"{name}.flac" for name in _CLIPS]
        if own is None
        else [Path(own).expanduser()]
    )
    for path in paths:
        try:
            yield Sound(decode(path, keep_encoded=form == ORIGINAL), form)
        except AudioError as error:
            raise ConfigError(f"backend.connection.probe_clip: {error}") from error


def _explained(error: RemoteError, endpoint: Endpoint, dialect: Dialect) -> SvEvalError:
    said = endpoint.cleared(str(error))
    find_out = f"`python -m sv_eval.probe url={endpoint.url}` finds out what is spoken there"
    if error.kind == UNAUTHORIZED:
        return EndpointError(f"{endpoint.url}: {said}; {_about_the_key(endpoint)}")
    if error.kind == CONNECT:
        return BackendLost(f"{endpoint.url}: {said}; is the service running, and is that its port?")
    if error.kind == TLS:
        return EndpointError(f"{endpoint.url}: {said}")
    if error.kind == TIMEOUT:
        return BackendLost(f"{endpoint.url}: {said}")
    if error.kind in _NOT_THIS_DIALECT:
        return EndpointError(f"{endpoint.url} does not answer as {dialect.traits.name}: {said}; {find_out}")
    if error.transient:
        return BackendLost(f"{endpoint.url}: {error.kind}, {said}; try again later")
    return EndpointError(f"{endpoint.url} refuses a test clip: {error.kind}, {said}")


def _about_the_key(endpoint: Endpoint) -> str:
    limits = endpoint.connection
    place = (
        f"the environment variable {limits.api_key_env} (backend.connection.api_key_env names another)"
        if limits.api_key_file is None
        else f"the file {limits.api_key_file}"
    )
    return f"no key was sent; put it into {place}" if endpoint.key is None else f"check the key in {place}"


def _nothing_seen(endpoint: Endpoint, parsed: ParsedAnswer, *, silent: bool) -> str:
    if silent:
        return (
            f"{endpoint.url} answers, and hears no speech in the test clips (looked at {parsed.where}); give a "
            "recording of yours with backend.connection.probe_clip=FILE"
        )
    return (
        f"{endpoint.url} answers, and shows no emotion: looked at {parsed.where}, found {parsed.excerpt!r}. "
        "If the service does tell emotions, say where (backend=remote/generic), or give a recording in which the "
        "emotion is plain: backend.connection.probe_clip=FILE"
    )
