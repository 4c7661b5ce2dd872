"""Which page a browser's request comes from, and whether pages from there may call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from sv_eval.wire.problems import ServiceError

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class Origins:
    """The pages that may call: those of the service itself, and `named` ones."""

    named: frozenset[str]
    """Origins as browsers write them, such as `https://example.org`; `*` for every page."""

    @classmethod
    def of(cls, names: Iterable[str]) -> Origins:
        """From a configuration."""
        return cls(frozenset(name.rstrip("/").lower() for name in names))

    def check(self, headers: Callable[[str], str | None]) -> None:
        """Raise ServiceError `foreign_origin` for a page from elsewhere; programs name no origin and pass.

        headers: gives a header's value by its name in lower case.
        """
        origin = headers("origin")
        if origin is None or "*" in self.named or origin.lower() in self.named:
            return
        # A page can't set this header; behind a proxy that renames the host it is what tells.
        if headers("sec-fetch-site") == "same-origin" or _same(origin, headers("host") or ""):
            return
        raise ServiceError("foreign_origin", f"pages of {origin[:100]} may not call this service")


def _same(origin: str, host: str) -> bool:
    """Whether an origin is this host; the scheme may differ where a proxy ends the encryption."""
    try:
        page = urlsplit(origin)
        here = urlsplit(f"{page.scheme}://{host}")
        default = _PORTS[page.scheme]
        return bool(page.hostname) and (page.hostname, page.port or default) == (
            here.hostname,
            here.port or default,
        )
    except (ValueError, KeyError):
        return False
