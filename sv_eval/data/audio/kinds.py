"""What kind of audio file some bytes begin, by the bytes alone."""

from __future__ import annotations

import re

_HEADERS = (
    ("wav", rb"RI(?:FF|FX)....WAVE|RF64....WAVE"),
    ("avi", rb"RIFF....AVI "),
    ("aiff", rb"FORM....AIF[FC]"),
    ("flac", rb"fLaC"),
    ("ogg", rb"OggS"),
    ("mp3", rb"ID3"),
    ("au", rb"\.snd"),
    ("caf", rb"caff"),
    ("w64", rb"riff\x2e\x91\xcf\x11"),
    ("mp4", rb"....ftyp"),
    ("webm", rb"\x1aE\xdf\xa3"),
    ("amr", rb"#!AMR"),
    ("sph", rb"NIST_1A"),
    ("silk", rb".?#!SILK"),
)
_FRAMES = (("mp3", rb"\xff[\xe2-\xe7\xf2-\xf7\xfa\xfb]"), ("aac", rb"\xff[\xf0\xf1\xf8\xf9]"))
_WITH_HEADER = tuple((re.compile(pattern, re.DOTALL), name) for name, pattern in _HEADERS)
_WITHOUT = tuple((re.compile(pattern, re.DOTALL), name) for name, pattern in _FRAMES)


def kind_by_header(head: bytes) -> str | None:
    """The kind of file whose header these bytes are, twelve or more: `wav`, `flac`, ...; None for no such header.

    >>> kind_by_header(b"RIFF\\0\\0\\0\\0WAVEfmt "), kind_by_header(b"\\xff\\xfb\\x90\\x00" * 3)
    ('wav', None)
    """
    return next((name for magic, name in _WITH_HEADER if magic.match(head)), None)


def kind_of(head: bytes) -> str | None:
    """The same, also for what begins with a frame at once; any samples may look like one.

    >>> kind_of(b"\\xff\\xfb\\x90\\x00" * 3), kind_of(b"1,0.5\\n2,0.25")
    ('mp3', None)
    """
    return kind_by_header(head) or next((name for magic, name in _WITHOUT if magic.match(head)), None)
