"""Where a recogniser is, how it is reached, and the key that it wants.

The key comes from the environment or a file and stays in this process: it is no setting, so it can't get into the
configuration's dump, and messages are cleared of it before they are recorded.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit

from sv_eval.errors import ConfigError, nearest

SCHEMES = ("http", "https", "ws", "wss", "grpc", "grpcs")
_SECURE = ("https", "wss", "grpcs")
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "grpc": 80, "grpcs": 443}
_SECRET = re.compile(r"key|token|secret|passw|signature|credential", re.IGNORECASE)
KEY_PLACE = "{api_key}"
"""Stands for the key in a header that a configuration describes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How the endpoint is reached: what may differ between two starts of the same run."""

    api_key_env: str = "SV_EVAL_API_KEY"
    """The environment variable that holds the key; no key is sent where it is not set."""
    api_key_file: str | None = None
    """A file that holds the key instead."""
    ca_file: str | None = None
    """PEM certificates of authorities to trust, instead of the system's."""
    redirects_to: tuple[str, ...] = ()
    """Other origins that a redirect may lead recordings to, such as https://host:8443; the key never goes there."""
    proxy: str | None = None
    """The proxy on the way, such as http://proxy:3128, for HTTP, websockets and gRPC alike; that of the environment
    is not asked."""
    connect_s: float = 3.0
    """Seconds in which a connection must be made."""
    read_s: float = 30.0
    """The longest silence of the server, seconds."""
    total_s: float = 60.0
    """Seconds that one attempt may take."""
    attempts: int = 4
    """How often a clip is sent at most, where what went wrong may pass."""
    backoff_s: float = 0.2
    """The wait before the second attempt, seconds; it doubles from then on, and a random part of it is taken."""
    longest_backoff_s: float = 10.0
    """The longest such wait, and the longest `Retry-After` that is waited for, seconds."""
    lost_after: int = 8
    """So many clips in a row without any answer, and the endpoint counts as lost."""
    preflight: bool = True
    """Ask once before the run whether the endpoint answers and shows an emotion."""
    preflight_s: float = 4.0
    """Seconds that this may take."""
    probe_clip: str | None = None
    """A recording to ask with; bundled ones without it."""

    def __post_init__(self) -> None:
        if self.proxy is not None:
            _check_proxy(self.proxy)
        for name in ("connect_s", "read_s", "total_s", "preflight_s"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"backend.connection.{name} must be above 0")
        if self.backoff_s < 0 or self.longest_backoff_s < self.backoff_s:
            raise ConfigError("backend.connection: 0 <= backoff_s <= longest_backoff_s is needed")
        if self.attempts < 1 or self.lost_after < 1:
            raise ConfigError("backend.connection.attempts and backend.connection.lost_after must be at least 1")


class ApiKey:
    """A secret; printing it shows nothing."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The key itself, to be sent."""
        return self._value

    def __repr__(self) -> str:
        return "ApiKey(***)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An address with everything that is needed to talk to it."""

    url: str
    """Without anything secret."""
    scheme: str
    """One of SCHEMES."""
    host: str
    port: int
    prefix: str
    """What stands before the dialect's own path, without a slash at its end."""
    path: str
    """The dialect's own path."""
    query: str
    key: ApiKey | None
    connection: Connection

    @property
    def secure(self) -> bool:
        """Whether the way there is encrypted."""
        return self.scheme in _SECURE

    @property
    def here(self) -> bool:
        """Whether that is this very machine, by its name or address; names of others are not looked up."""
        return self.host in _own_names() or self.host.endswith(".localhost") or _loops_back(self.host)

    @property
    def target(self) -> str:
        """The URL that clips are sent to."""
        return self.beside(self.path) + (f"?{self.query}" if self.query else "")

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{bracketed(self.host)}:{self.port}"

    def beside(self, path: str) -> str:
        """The URL of another path of the same service."""
        return f"{self.scheme}://{self.address}{self.prefix}{path}"

    def cleared(self, message: str) -> str:
        """The message without the key."""
        return message if self.key is None else message.replace(self.key.reveal(), "***")

    def authorised(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers with the key in its place; one whose key is missing is left out."""
        found = {}
        for name, value in headers.items():
            if KEY_PLACE not in value:
                found[name] = value
            elif self.key is not None:
                found[name] = value.replace(KEY_PLACE, self.key.reveal())
        return found

    def tls_context(self, kind: type[ssl.SSLContext] = ssl.SSLContext) -> ssl.SSLContext:
        """A context that verifies the server; raises ConfigError for a file of authorities that can't be used."""
        context = kind(ssl.PROTOCOL_TLS_CLIENT)
        if self.connection.ca_file is None:
            context.load_default_certs()
            return context
        try:
            context.load_verify_locations(cafile=str(Path(self.connection.ca_file).expanduser()))
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"backend.connection.ca_file={self.connection.ca_file}: no PEM certificates can be read from it "
                f"({error.strerror or error})"
            ) from error
        return context


def endpoint_of(url: str, connection: Connection, schemes: tuple[str, ...], path: str = "") -> Endpoint:
    """The endpoint at `url`; raises ConfigError for an address that can't be used, or is for another dialect.

    schemes: those that the dialect is spoken over. path: the dialect's own path; an address may hold all of it, its
    beginning, something in front of it, or nothing.
    """
    parts = _parts(url)
    if parts.scheme not in schemes:
        hint = f"this dialect is spoken over {' or '.join(schemes)}"
        if parts.scheme not in SCHEMES:
            hint += f"; {nearest(parts.scheme, SCHEMES)}"
        raise ConfigError(f"backend.url={_shown(parts)}: {hint}")
    given = parts.path.rstrip("/")
    prefix = given if path else ""
    return Endpoint(
        url=_shown(parts),
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=parts.port or _PORTS[parts.scheme],
        prefix=without_overlap(prefix, path),
        path=path or given,
        query=parts.query,
        key=read_key(connection),
        connection=connection,
    )


def _check_proxy(proxy: str) -> None:
    try:
        parts = urlsplit(proxy)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port is not None
    except ValueError:
        good = False
    if not good:
        raise ConfigError(f"backend.connection.proxy={proxy}: write it as http://host:port")
    if parts.username is not None or parts.password is not None:
        raise ConfigError("backend.connection.proxy must not hold a name or password: settings are recorded")


def read_key(connection: Connection) -> ApiKey | None:
    """The key from the file or the environment; None where there is none. Raises ConfigError for a file without."""
    if connection.api_key_file is None:
        value = os.environ.get(connection.api_key_env, "").strip()
        return _checked(value, f"the environment variable {connection.api_key_env}") if value else None
    name = f"backend.connection.api_key_file={connection.api_key_file}"
    try:
        value = Path(connection.api_key_file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise ConfigError(f"{name}: can't be read ({reason})") from error
    if not value:
        raise ConfigError(f"{name}: the file is empty; put the key into it")
    return _checked(value, name)


def without_overlap(prefix: str, path: str) -> str:
    """The prefix without the part at its end that `path` begins with.

    >>> without_overlap("/proxy/v1", "/v1/audio"), without_overlap("/v1", "/v1"), without_overlap("/x", "/v1")
    ('/proxy', '', '/x')
    """
    segments = path.split("/")
    for count in range(len(segments), 1, -1):
        head = "/".join(segments[:count])
        if prefix.endswith(head):
            return prefix.removesuffix(head)
    return prefix


def bracketed(host: str) -> str:
    """The host as it stands in a URL.

    >>> bracketed("::1"), bracketed("example.org")
    ('[::1]', 'example.org')
    """
    return f"[{host}]" if ":" in host else host


def _own_names() -> set[str]:
    """What this machine is called: its name, and the addresses of its interfaces."""
    import psutil

    addresses = (one.address for each in psutil.net_if_addrs().values() for one in each)
    # An address of a link alone names its interface, too.
    return {"localhost", socket.gethostname().lower(), *(address.partition("%")[0] for address in addresses)}


def _loops_back(host: str) -> bool:
    """Whether it is an address of the machine itself.

    >>> [_loops_back(host) for host in ("127.0.1.1", "::1", "0.0.0.0", "10.0.0.7", "gpu")]
    [True, True, True, False, False]
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _checked(value: str, where: str) -> ApiKey:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ConfigError(f"{where} holds something that is no key: one line of printable characters is expected")
    return ApiKey(value)


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ConfigError(f"backend.url={url}: not an address ({error})") from error
    if parts.username is not None or parts.password is not None:
        raise ConfigError(
            "backend.url must not hold a name or password: addresses are recorded. Put the key into an environment "
            "variable (backend.connection.api_key_env) or a file (backend.connection.api_key_file)"
        )
    secret = next(
        (name for name, _ in parse_qsl(parts.query, keep_blank_values=True) if _SECRET.search(name)), None
    )
    if secret is not None:
        raise ConfigError(
            f"backend.url must not hold a secret ('{secret}'): addresses are recorded. Send it in a header "
            "(backend=remote/generic, dialect.headers) with the key in an environment variable"
        )
    if not parts.hostname:
        raise ConfigError(f"backend.url={url}: write it with its scheme, such as http://host:8000")
    return parts


def _shown(parts: Any) -> str:
    shown: str = urlunsplit((parts.scheme, parts.netloc, parts.path, parts.query, ""))
    return shown
