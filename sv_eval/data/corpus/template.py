"""Texts with names in braces, such as `{session}{who}`, filled from a mapping."""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = re.compile(r"\{([^{}]+)\}")


def template_names(template: str) -> tuple[str, ...]:
    """The names in a template's braces; raises ValueError for a brace without its partner.

    >>> template_names("{session}-{who}")
    ('session', 'who')
    """
    rest = _NAME.sub("", template)
    if "{" in rest or "}" in rest:
        raise ValueError("a brace lacks its partner")
    return tuple(_NAME.findall(template))


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with every name replaced by its value, nothing for one that has none.

    >>> filled("{session}-{who}", {"session": "01"})
    '01-'
    """
    return _NAME.sub(lambda found: values.get(found[1], ""), template)


def without_capitals(template: str) -> str:
    """The template with the capitals taken out of its names, and of them only.

    >>> without_capitals("Say {Word}")
    'Say {word}'
    """
    return _NAME.sub(lambda found: found[0].casefold(), template)
