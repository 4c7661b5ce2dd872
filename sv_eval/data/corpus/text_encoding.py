"""Text files that don't say how they are encoded."""

from __future__ import annotations

import codecs
import os
import re
import unicodedata

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_HAS_BYTES = re.compile("[\udc80-\udcff]")
_CHINESE = re.compile(rb"(?:[\x00-\x7f]|[\xa1-\xa9\xb0-\xf7][\xa1-\xfe])+")
"""A name of ASCII and of the characters and signs that GB2312 has, two bytes each."""
_UNSEEN = dict.fromkeys(map(ord, "\ufeff\u200e\u200f"))
"""Marks for byte order and direction, which are no words."""
_C1 = {code: bytes([code]).decode("cp1252", errors="ignore") for code in range(0x80, 0xA0)}
"""Windows' quotation marks and dashes that were taken for Latin-1's control characters."""


def decoded(data: bytes, fallback: str | None = None) -> str:
    """The text, whatever its encoding; raises UnicodeDecodeError where it is neither UTF nor `fallback`.

    UTF-16 is known by its mark or by zero bytes, which no other text has.
    """
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    if encoding is None and b"\0" in data:
        odd, even = data[1::2].count(0), data[0::2].count(0)
        encoding = "utf-16-le" if odd >= even else "utf-16-be"
        data = data[: len(data) // 2 * 2]
    try:
        return data.decode(encoding or "utf-8").translate(_UNSEEN)
    except UnicodeDecodeError:
        if fallback is None or encoding is not None:
            raise
        return data.decode(fallback).translate(_UNSEEN)


def readable(path: str) -> str:
    """A path whose names may be bytes of GB2312, as Chinese Windows packs them, in their own letters.

    Only runs of whole Chinese characters are taken for such: one accented letter of Latin-1 is none. What can't
    be told stays as it is, bytes as surrogates.

    >>> readable("a/" + "\u5f00\u5fc3".encode("gb18030").decode(errors="surrogateescape")) == "a/\u5f00\u5fc3"
    True
    """
    if path.isascii() or not _HAS_BYTES.search(path):
        return path
    return "/".join(_readable(name) for name in path.split("/"))


def _readable(name: str) -> str:
    # Some of the bytes may make UTF-8 by chance, so the whole name is looked at.
    content = os.fsencode(name)
    if _HAS_BYTES.search(name) is None or _CHINESE.fullmatch(content) is None:
        return name
    return content.decode("gb18030")


def composed(text: str) -> str:
    """The text with letters and their accents in one character each, as tables have them and macOS's names don't.

    >>> composed("Cole\u0300re") == "Col\u00e8re"
    True
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def cell_text(text: str) -> str:
    """A cell's words on one line, without blanks around them, and with Windows' punctuation mended."""
    return " ".join(text.translate(_C1).split())
