"""Finding out which dialect is spoken at an address: every one that fits is asked the same clip."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from sv_eval.backend import NO_ADJUSTMENTS
from sv_eval.backends.remote.answer_parsing import answer_parser
from sv_eval.backends.remote.dialect import Dialect
from sv_eval.backends.remote.dialects.api4sensevoice import Api4SenseVoice
from sv_eval.backends.remote.dialects.dashscope import DashScope
from sv_eval.backends.remote.dialects.funasr_websocket import FunAsrWebsocket
from sv_eval.backends.remote.dialects.kserve import KServe
from sv_eval.backends.remote.dialects.openai import OpenAiTranscriptions
from sv_eval.backends.remote.dialects.sensevoice_api import SenseVoiceApi
from sv_eval.backends.remote.dialects.service import FormDialect, JsonDialect
from sv_eval.backends.remote.dialects.service_grpc import GrpcDialect
from sv_eval.backends.remote.dialects.service_websocket import StreamDialect
from sv_eval.backends.remote.dialects.sherpa_websocket import SherpaWebsocket
from sv_eval.backends.remote.endpoint import SCHEMES, Connection, endpoint_of
from sv_eval.backends.remote.errors import EndpointError
from sv_eval.backends.remote.preflight import PreflightResult, look, probe_sound
from sv_eval.backends.remote.sound import chosen_form
from sv_eval.backends.remote.timeline import Timeline
from sv_eval.errors import BackendLost, ConfigError, SvEvalError, nearest

DIALECTS: Mapping[str, Callable[[], Dialect]] = {
    "service": JsonDialect,
    "service_form": FormDialect,
    "service_grpc": GrpcDialect,
    "service_websocket": StreamDialect,
    "sensevoice_api": SenseVoiceApi,
    "openai": OpenAiTranscriptions,
    "funasr_websocket": FunAsrWebsocket,
    "sherpa_websocket": SherpaWebsocket,
    "api4sensevoice": Api4SenseVoice,
    "kserve": KServe,
    "dashscope": DashScope,
}
"""In the order in which they are preferred; `generic` needs a description and can't be tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What one dialect found."""

    name: str
    seen: PreflightResult | None = None
    """The emotion, if one was seen."""
    model: str | None = None
    """What the service calls its model."""
    stages_ms: Mapping[str, float] = field(default_factory=dict)
    """A request's time, taken apart, with that of making the connection."""
    total_ms: float | None = None
    """From sending to the answer, the connection being there."""
    problem: SvEvalError | None = None
    """Why no emotion was seen."""


class Probe:
    """Asks an address in every dialect that fits.

    url: the address. only: the dialects to try. timeout_s: for each. The others are as in `Connection`.
    """

    def __init__(
        self,
        *,
        url: str,
        only: Sequence[str] | None = None,
        timeout_s: float = 4.0,
        api_key_env: str = "SV_EVAL_API_KEY",
        api_key_file: str | None = None,
        ca_file: str | None = None,
        probe_clip: str | None = None,
    ) -> None:
        for name in only or ():
            if name not in DIALECTS:
                raise ConfigError(f"only={name}: there is no such dialect; {nearest(name, DIALECTS)}")
        if not timeout_s > 0:
            raise ConfigError(f"timeout_s={timeout_s}: give seconds above 0")
        self._url, self._names = url, tuple(only or DIALECTS)
        self._connection = Connection(
            api_key_env=api_key_env,
            api_key_file=api_key_file,
            ca_file=ca_file,
            preflight_s=timeout_s,
            probe_clip=probe_clip,
        )

    async def run(self, say: Callable[[object], None]) -> dict[str, Any]:
        """Try, and say what was found; it comes back, for scripts.

        Raises EndpointError when no emotion was seen, BackendLost when nobody answers.
        """
        scheme = urlsplit(self._url).scheme
        if "://" not in self._url or scheme not in SCHEMES:
            raise ConfigError(f"url={self._url}: write it with its scheme: {', '.join(SCHEMES)}")
        fitting = [name for name in self._names if scheme in DIALECTS[name]().traits.schemes]
        if not fitting:
            raise ConfigError(f"url={self._url}: none of the dialects that are to be tried is spoken over {scheme}")
        try:
            found = await asyncio.gather(*(self._try(name) for name in fitting))
        except ConfigError as error:
            raise ConfigError(_own_words(str(error))) from error
        _refuse_silence(found)
        found = [await self._timed(tried) for tried in found]
        say(self._url)
        for tried in found:
            say(f"  {tried.name:18} {_line(tried, self._url)}")
        best = next((tried for tried in found if tried.seen is not None), None)
        if best is None:
            raise EndpointError(_nothing_found(found, self._url))
        command = f"python -m sv_eval backend={_option(best.name)} backend.url={self._url}{self._settings()}"
        say(f"measure it: {command}")
        return {"url": self._url, "measure": command, "dialects": [_told(tried) for tried in found]}

    async def _try(self, name: str) -> ProbeResult:
        dialect = DIALECTS[name]()
        traits = dialect.traits
        endpoint = endpoint_of(self._url, self._connection, traits.schemes, traits.path)
        form, parser = chosen_form("auto", traits.forms, traits.name), answer_parser(None, emoji=traits.emoji)
        transport = dialect.open(endpoint)
        try:
            seen = await look(transport, dialect, endpoint, parser, form, NO_ADJUSTMENTS)
            served = await transport.served()
        except ConfigError:
            raise
        except SvEvalError as error:
            return ProbeResult(name=name, problem=error)
        finally:
            await transport.close()
        return ProbeResult(name=name, seen=seen, model=served.model or seen.model)

    async def _timed(self, tried: ProbeResult) -> ProbeResult:
        """With the times of a request that nothing else was under way with; the first one makes the connection."""
        if tried.seen is None:
            return tried
        dialect = DIALECTS[tried.name]()
        traits = dialect.traits
        endpoint = endpoint_of(self._url, self._connection, traits.schemes, traits.path)
        sound = probe_sound(endpoint, chosen_form("auto", traits.forms, traits.name))
        message = dialect.message(sound, NO_ADJUSTMENTS)
        transport = dialect.open(endpoint)
        first, second = Timeline(), Timeline()
        try:
            async with asyncio.timeout(self._connection.preflight_s):
                await transport.ask(message, first)
                second = Timeline()
                await transport.ask(message, second)
        except (SvEvalError, TimeoutError):
            return tried
        finally:
            await transport.close()
        total_ms = (time.perf_counter() - second.start_s) * 1000
        connecting = {name: ms for name, ms in first.stages_ms().items() if name in ("dns", "connect", "tls")}
        return replace(tried, stages_ms={**connecting, **second.stages_ms()}, total_ms=total_ms)

    def _settings(self) -> str:
        """What the command needs beside the address."""
        usual, own = Connection(), self._connection
        names = ("api_key_env", "api_key_file", "ca_file")
        return "".join(
            f" backend.connection.{name}={getattr(own, name)}"
            for name in names
            if getattr(own, name) != getattr(usual, name)
        )


def _told(tried: ProbeResult) -> dict[str, Any]:
    return {
        "dialect": tried.name,
        "tells_emotions": tried.seen is not None,
        "read_from": None if tried.seen is None else tried.seen.where,
        "model": tried.model,
        "total_ms": tried.total_ms,
        "stages_ms": dict(tried.stages_ms),
        "problem": None if tried.problem is None else str(tried.problem),
    }


def _refuse_silence(found: Sequence[ProbeResult]) -> None:
    """Raise the first one's error when nobody answered any of them."""
    lost = [tried.problem for tried in found if isinstance(tried.problem, BackendLost)]
    if len(lost) == len(found):
        raise BackendLost(_own_words(str(lost[0])))


def _line(tried: ProbeResult, url: str) -> str:
    seen = tried.seen
    if seen is None:
        return _own_words(_short(str(tried.problem), url))
    times = ", ".join(f"{name} {value:.1f}" for name, value in tried.stages_ms.items())
    model = f", model: {tried.model}" if tried.model else ""
    took = "" if tried.total_ms is None else f"; {tried.total_ms:.1f} ms ({times})"
    return f"tells emotions: {seen.label} (read from {seen.where}){model}{took}"


def _short(problem: str, url: str) -> str:
    """A problem without what stands above it or below it already."""
    text = problem.partition("; `python -m")[0].removeprefix(url).lstrip(": ")
    return text.partition(": ")[2] if text.startswith("does not answer as") else text


def _nothing_found(found: Sequence[ProbeResult], url: str) -> str:
    silent = next((tried for tried in found if "shows no emotion" in str(tried.problem)), None)
    if silent is not None:
        return f"{url} speaks {silent.name}, and no emotion can be seen in its answers"
    return (
        f"{url}: no dialect was understood. If it is an HTTP service, describe it with backend=remote/generic; see "
        "docs/remote.md"
    )


def _own_words(message: str) -> str:
    """The keys of a backend's configuration as this command has them."""
    return (
        message.replace("backend.connection.preflight_s", "timeout_s")
        .replace("backend.connection.", "")
        .replace("backend.url", "url")
    )


def _option(name: str) -> str:
    return "remote" if name == "service" else f"remote/{name}"
