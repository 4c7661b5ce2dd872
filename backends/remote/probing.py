"""Finding out what is spoken at an address.

An address with a path is asked first of all exactly as it was given, in the dialects that lie there and in every
way in which a service that nobody has described may be asked. Then every dialect that fits is asked the same clip.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sv_eval.backend import NO_ADJUSTMENTS
from sv_eval.backends.remote.answer_parsing import answer_parser
from sv_eval.backends.remote.dialect import Dialect
from sv_eval.backends.remote.dialects.api4sensevoice import Api4SenseVoice
from sv_eval.backends.remote.dialects.dashscope import DashScope
from sv_eval.backends.remote.dialects.flat import FlatDialect
from sv_eval.backends.remote.dialects.funasr_websocket import FunAsrWebsocket
from sv_eval.backends.remote.dialects.kserve import KServe
from sv_eval.backends.remote.dialects.openai import OpenAiTranscriptions
from sv_eval.backends.remote.dialects.sensevoice_api import SenseVoiceApi
from sv_eval.backends.remote.dialects.service import FormDialect, JsonDialect
from sv_eval.backends.remote.dialects.service_grpc import GrpcDialect
from sv_eval.backends.remote.dialects.service_websocket import StreamDialect
from sv_eval.backends.remote.dialects.sherpa_websocket import SherpaWebsocket
from sv_eval.backends.remote.discovery import Discovery, discover, name_of, unknown_word, write_description
from sv_eval.backends.remote.endpoint import SCHEMES, Connection, endpoint_of
from sv_eval.backends.remote.errors import EndpointError, RemoteError
from sv_eval.backends.remote.preflight import PreflightResult, look, probe_sound
from sv_eval.backends.remote.sound import chosen_form
from sv_eval.backends.remote.timeline import Timeline
from sv_eval.config.overrides import typed
from sv_eval.errors import BackendLost, ConfigError, SvEvalError, nearest

DIALECTS: Mapping[str, Callable[[], Dialect]] = {
    "service": JsonDialect,
    "service_form": FormDialect,
    "service_grpc": GrpcDialect,
    "service_flat": FlatDialect,
    "service_websocket": StreamDialect,
    "sensevoice_api": SenseVoiceApi,
    "openai": OpenAiTranscriptions,
    "funasr_websocket": FunAsrWebsocket,
    "sherpa_websocket": SherpaWebsocket,
    "api4sensevoice": Api4SenseVoice,
    "kserve": KServe,
    "dashscope": DashScope,
}
"""In the order in which they are preferred; `generic` needs a description, which `discovery` writes."""


_GENERIC = "generic"
_NAME = re.compile(r"\w{1,64}")
_LONGEST_SHOWN = 300


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

    url: the address. only: the dialects to try, `generic` among them. timeout_s: for each. name, out: what a
    description is called that is written, and the folder below which it goes. The others are as in `Connection`.
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
        name: str | None = None,
        out: str = "endpoints",
    ) -> None:
        for one in only or ():
            if one not in (*DIALECTS, _GENERIC):
                raise ConfigError(f"only={one}: there is no such dialect; {nearest(one, [*DIALECTS, _GENERIC])}")
        if name is not None and not _NAME.fullmatch(name):
            raise ConfigError(f"name={name}: give letters, digits and underscores")
        if not timeout_s > 0:
            raise ConfigError(f"timeout_s={timeout_s}: give seconds above 0")
        self._url, self._names = url, tuple(only or (*DIALECTS, _GENERIC))
        self._name, self._out = name or name_of(url), Path(out)
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
        generic = _GENERIC in self._names and scheme in ("http", "https")
        fitting = [one for one in self._names if one in DIALECTS and scheme in DIALECTS[one]().traits.schemes]
        if not fitting and not generic:
            raise ConfigError(f"url={self._url}: none of the dialects that are to be tried is spoken over {scheme}")
        try:
            found, discovery = await self._looked(fitting, generic=generic)
        except ConfigError as error:
            raise ConfigError(_own_words(str(error))) from error
        if discovery is None or discovery.described is None:
            _refuse_silence(found)
        found = [await self._timed(tried) for tried in found]
        say(self._url)
        for tried in found:
            say(f"  {tried.name:18} {_line(tried, self._url)}")
        described = self._describe(discovery, say) if discovery is not None else None
        best = next((tried for tried in found if tried.seen is not None), None)
        if best is None and described is None:
            raise EndpointError(_nothing_found(found, self._url))
        commands = [] if described is None else [self._command_of(described)]
        if best is not None:
            known = f"python -m sv_eval backend={_option(best.name)} backend.url={self._url}{self._settings()}"
            commands.insert(0, known)
        for command in commands:
            say(f"measure it: {command}")
        return {
            "url": self._url,
            "measure": commands[0],
            "described": None if described is None else str(described),
            "dialects": [_told(tried) for tried in found],
        }

    async def _looked(self, fitting: Sequence[str], *, generic: bool) -> tuple[list[ProbeResult], Discovery | None]:
        """What the dialects found, and what the address; no other is guessed at where an emotion was seen."""
        exact = urlsplit(self._url).path.strip("/") != ""
        here = [one for one in fitting if exact and self._lies_there(one)]
        found = await self._all(here)
        discovery = await self._discovered() if generic and exact else None
        if _any_tells(found) or _tells(discovery):
            return found, discovery
        found += await self._all([one for one in fitting if one not in here])
        if generic and not exact and not _any_tells(found) and not _all_lost(found):
            discovery = await self._discovered()
        return found, discovery

    async def _all(self, names: Sequence[str]) -> list[ProbeResult]:
        """All at once; those that had no answer in time again, alone: another may have kept the service."""
        found = list(await asyncio.gather(*(self._try(name) for name in names)))
        if len(found) > 1 and not _all_lost(found):
            for place, tried in enumerate(found):
                if isinstance(tried.problem, BackendLost):
                    found[place] = await self._try(tried.name)
        return found

    def _lies_there(self, name: str) -> bool:
        """Whether the dialect asks exactly the address that was given."""
        traits = DIALECTS[name]().traits
        endpoint = endpoint_of(self._url, self._connection, traits.schemes, traits.path)
        path = urlsplit(self._url).path.rstrip("/")
        return endpoint.prefix + endpoint.path == path

    async def _discovered(self) -> Discovery | None:
        try:
            return await discover(self._url, self._connection)
        except RemoteError:
            # Nobody is there, which the dialects say better.
            return None

    def _describe(self, discovery: Discovery, say: Callable[[object], None]) -> Path | None:
        """Say what came of asking the address itself, and write it down; None where no emotion was seen."""
        described = discovery.described
        if described is None:
            said = discovery.refusals[0] if discovery.refusals else "no answer"
            say(f"  {'generic':18} no way of asking was understood at this address; it said: {_cut(said)}")
            return None
        say(
            f"  {'generic':18} answers to {described.how}: {_cut(json.dumps(described.answer, ensure_ascii=False))}"
        )
        shape = described.shape
        for part, path in (*shape.paths.items(), *((("duration", shape.duration),) if shape.duration else ())):
            say(f"  {'':18} {part}: {path}")
        if not shape.tells_emotions:
            say(f"  {'':18} no emotion is seen in it")
            return None
        word = unknown_word(described, answer_parser(None).words)
        if word is not None:
            say(f"  {'':18} its word '{word}' is in no map; +labels.words.EMOTION=[WORD] says what it means")
        written = write_description(described, self._url, self._out, self._name)
        say(f"written: {written}")
        return written

    def _command_of(self, written: Path) -> str:
        folder = written.parent.parent.absolute()
        place = typed("hydra.searchpath", [f"file://{folder}"])
        return f"python -m sv_eval {place} backend={self._name}{self._settings()}"

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
    if found and _all_lost(found):
        raise BackendLost(_own_words(str(found[0].problem)))


def _all_lost(found: Sequence[ProbeResult]) -> bool:
    return all(isinstance(tried.problem, BackendLost) for tried in found)


def _any_tells(found: Sequence[ProbeResult]) -> bool:
    return any(tried.seen is not None for tried in found)


def _tells(discovery: Discovery | None) -> bool:
    described = None if discovery is None else discovery.described
    return described is not None and described.shape.tells_emotions


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"


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
