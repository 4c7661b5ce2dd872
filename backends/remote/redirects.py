"""Where an answer leads, and whether what was asked may go there: origins compared as they are connected to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from yarl import URL

from sv_eval.backends.remote.errors import REDIRECTED, RemoteError
from sv_eval.errors import ConfigError

_AS_HTTP = {"ws": "http", "wss": "https"}
_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """What a key or a recording may be meant for: the same place in all three (RFC 6454)."""

    scheme: str
    """http or https; websockets count as these."""
    host: str
    port: int

    def __str__(self) -> str:
        """As in an address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def origin_of(url: str) -> Origin:
    """The origin of an absolute address, as the client that connects reads it; raises ValueError.

    >>> origin_of("wss://Example.org/a") == origin_of("https://example.org:443")
    True
    """
    return _origin(URL(url))


def destination(url: str, location: str) -> str:
    """Where a Location leads from `url`. Raises RemoteError for one that can be read in two ways or in none."""
    try:
        # A backslash is a slash to some and a letter to others; so is a name in front of a host to people.
        if "\\" in location or not location.isprintable():
            raise ValueError("odd characters")
        there = URL(url).join(URL(location)).with_fragment(None)
        if there.user is not None or there.password is not None:
            raise ValueError("a name or password in it")
        _origin(there)
    except ValueError as error:
        shown = "".join(one if one.isprintable() else "?" for one in location[:100])
        raise RemoteError(REDIRECTED, f"the answer leads to '{shown}', which is no address ({error})") from error
    return str(there)


def allowed(origins: Iterable[str]) -> frozenset[Origin]:
    """The origins that a configuration names; raises ConfigError."""
    found = []
    for one in origins:
        try:
            found.append(origin_of(one))
        except ValueError as error:
            raise ConfigError(
                f"backend.connection.redirects_to: '{one}' is no origin ({error}); write https://host:port"
            ) from error
    return frozenset(found)


def _origin(url: URL) -> Origin:
    scheme = _AS_HTTP.get(url.scheme, url.scheme)
    if scheme not in _PORTS or not url.raw_host or url.port is None:
        raise ValueError("an address begins with http:// or https:// and names a host")
    return Origin(scheme, url.raw_host.lower(), url.port)
