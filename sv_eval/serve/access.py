"""Who may ask, and how often."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path

from sv_eval.errors import ConfigError
from sv_eval.wire.problems import ServiceError

KEYS_VARIABLE = "SV_EVAL_API_KEYS"
_MOST_CALLERS = 10_000


def read_keys(file: str | None) -> tuple[str, ...]:
    """The API keys of a file, one a line, and of the environment, separated by commas; none means open to all."""
    keys = os.environ.get(KEYS_VARIABLE, "").split(",")
    if file is not None:
        try:
            keys += Path(file).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"serve.api_keys_file={file}: can't be read ({error})") from error
    found = tuple(key for key in (line.strip() for line in keys) if key and not key.startswith("#"))
    if file is not None and not found:
        raise ConfigError(f"serve.api_keys_file={file}: holds no key; without keys leave the setting out")
    return found


class Keyring:
    """The keys that open the service; only their digests are kept."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = tuple(_digest(key) for key in keys)

    def __bool__(self) -> bool:
        return bool(self._digests)

    def holder(self, key: str | None) -> str | None:
        """A name for the holder of a key, or None when it opens nothing.

        Every key is compared, each in constant time, so that the time tells nothing about them.
        """
        if key is None:
            return None
        given = _digest(key)
        found = [hmac.compare_digest(given, known) for known in self._digests]
        return given.hex()[:8] if any(found) else None


def key_in(headers: Callable[[str], str | None]) -> str | None:
    """The key that a request carries; headers: gives a header's value by its name in lower case."""
    scheme, _, bearer = (headers("authorization") or "").partition(" ")
    if scheme.lower() == "bearer" and bearer:
        return bearer.strip()
    return headers("x-api-key")


class RateLimiter:
    """A token bucket for each caller.

    rate: tokens a second; None for no limit. burst: what a bucket holds. now: the clock, seconds.
    """

    def __init__(self, rate: float | None, burst: int, *, now: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._now = rate, float(burst), now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> None:
        """Take a token; raises ServiceError `rate_limited` when there is none."""
        if self._rate is None:
            return
        now = self._now()
        tokens, since = self._buckets.pop(caller, (self._burst, now))
        tokens = min(self._burst, tokens + (now - since) * self._rate)
        self._buckets[caller] = (max(tokens - 1, 0.0) if tokens >= 1 else tokens, now)
        if len(self._buckets) > _MOST_CALLERS:
            # The caller that was away longest has, if anybody, a full bucket.
            self._buckets.popitem(last=False)
        if tokens < 1:
            wait_s = (1 - tokens) / self._rate
            raise ServiceError("rate_limited", f"more than {self._rate:g} requests a second", retry_after_s=wait_s)


def neighbourhood(address: str) -> str:
    """What rates are counted by: an address, of IPv6 the network that one customer has to choose addresses from.

    >>> neighbourhood("192.0.2.7"), neighbourhood("::ffff:192.0.2.7"), neighbourhood("2001:db8:1:2:3::4")
    ('192.0.2.7', '192.0.2.7', '2001:db8:1:2::/64')
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0].strip("[]"))
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="surrogateescape")).digest()
