"""The one place where text from outside is made fit to be shown: on a terminal, in Markdown, in a spreadsheet.

Words of a corpus, a service, a model or a file name may hold anything: sequences that move a terminal's cursor or
rename its window, links and tags that a viewer of Markdown fetches, formulas that a spreadsheet computes. Here they
become characters that are seen and do nothing. HTML has `html.escape`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

_DIRECTIONS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Marks that turn the direction of writing, and so show another text than there is."""
_UNSEEN = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff{_DIRECTIONS}]")
_IN_MARKDOWN = str.maketrans({"|": "\\|", "<": "&lt;", ">": "&gt;", "`": "'"})
_ANYWHERE = str.maketrans({"<": "&lt;", ">": "&gt;", "`": "'"})
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def visible(text: object) -> str:
    r"""The text with control characters, marks of direction and lone surrogates as escapes; lines and tabs stay.

    >>> visible("\x1b]0;owned\x07 a\u202eb")
    '\\x1b]0;owned\\x07 a\\u202eb'
    """
    return _UNSEEN.sub(lambda found: _escaped(found.group()), str(text))


def cell(text: object) -> str:
    r"""The text on one line, safe inside a Markdown table: no code, tag, link or picture comes of it.

    >>> cell("![p](http://t)\n<b>|`x`"), cell("\x1b[31m")
    ("![p] (http://t) &lt;b&gt;\\|'x'", '\\x1b[31m')
    """
    return visible(" ".join(str(text).translate(_IN_MARKDOWN).split())).replace("](", "] (")


def inert(text: str) -> str:
    r"""The text on one line, of which Markdown makes nothing; once more it stays as it is, also through `cell`.

    >>> inert("![p](http://t)\n<b>`x`")
    "![p] (http://t) &lt;b&gt;'x'"
    """
    return visible(" ".join(text.translate(_ANYWHERE).split())).replace("](", "] (")


def each_text(node: Any, clean: Callable[[str], str]) -> Any:
    """The same with every text in it cleaned, names of entries included; itself where nothing was to be done.

    For reports over what was found elsewhere: whichever of its words is a stranger's, it is cleaned.
    """
    if type(node) is str:
        return clean(node)
    if isinstance(node, Mapping):
        cleaned = {each_text(key, clean): each_text(value, clean) for key, value in node.items()}
        return node if cleaned == node else cleaned
    if type(node) in (list, tuple):
        return type(node)(each_text(one, clean) for one in node)
    if is_dataclass(node) and not isinstance(node, type):
        held = {field.name: getattr(node, field.name) for field in fields(node) if field.init}
        changed = {name: new for name, one in held.items() if (new := each_text(one, clean)) is not one}
        return replace(node, **changed) if changed else node
    return node


def spreadsheet_cell(value: object) -> object:
    """A value for a CSV file: text that a spreadsheet would compute stands behind an apostrophe; numbers stay.

    >>> spreadsheet_cell("=1+1"), spreadsheet_cell(-1.5), spreadsheet_cell("-1.5"), spreadsheet_cell("a")
    ("'=1+1", -1.5, '-1.5', 'a')
    """
    if not isinstance(value, str):
        return value
    return f"'{value}" if value.startswith(_FORMULA) and not is_number(value) else value


def _escaped(letter: str) -> str:
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def is_number(text: str) -> bool:
    """Whether Python reads the text as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
