"""Words of strangers, as they might stand in a corpus, a service's answer or a file's name."""

from __future__ import annotations

import re

HOSTILE = "\x1b]0;owned\x07\x1b[2J![p](http://tracker.example/x)<script>alert(1)</script>`|\u202e=1+1\r\nx\ud800"
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal or a reader would obey, or no file can hold."""


def obeyed(text: str, *, links: bool = True) -> list[str]:
    """Lines of a report that do what a stranger's words say; in the command at its end they stand as typed."""
    lines = text.partition("```")[0].splitlines()
    return [line for line in lines if (links and "](http://tracker" in line) or "<script>" in line]
