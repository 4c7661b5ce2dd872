"""Compressed answers, inflated no further than an answer may be long."""

from __future__ import annotations

import zlib

from sv_eval.backends.remote.errors import TRUNCATED, WRONG_TYPE, RemoteError

ACCEPTED = "gzip, deflate"
"""The value of Accept-Encoding."""
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


def inflated(body: bytes, encoding: str, most_bytes: int) -> bytes:
    """The body as it was before its Content-Encoding. Raises RemoteError for one too long, damaged or unknown.

    >>> inflated(b"as it is", "identity", 100)
    b'as it is'
    """
    coding = encoding.strip().lower()
    if coding in ("", "identity"):
        return body
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise RemoteError(WRONG_TYPE, f"the answer is coded as '{coding[:40]}', which was not asked for")
    # Some servers send deflate without zlib's frame.
    bare = coding == "deflate" and body[:1] and body[0] & 0x0F != zlib.DEFLATED
    reader = zlib.decompressobj(-zlib.MAX_WBITS if bare else _GZIP_OR_ZLIB)
    try:
        found = reader.decompress(body, most_bytes + 1)
    except zlib.error as error:
        raise RemoteError(TRUNCATED, f"the answer can't be inflated ({error})") from error
    if len(found) > most_bytes:
        raise RemoteError(WRONG_TYPE, f"the answer inflates to more than {most_bytes >> 20} MiB")
    if not reader.eof:
        raise RemoteError(TRUNCATED, "the compressed answer broke off")
    return found
