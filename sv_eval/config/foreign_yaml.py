"""YAML that somebody else may have written: plain data, and never more of it than its text can mean honestly."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MOST_CHARACTERS = 4 << 20
MOST_NODES = 200_000
"""With what aliases repeat: ten lines of aliases can stand for more than memory holds."""
MOST_DEPTH = 50


def read_yaml(text: str) -> Any:
    """The plain data of a text. Raises yaml.YAMLError, for a text that is too much before anything is built of it.

    >>> read_yaml("a: [1, b]")
    {'a': [1, 'b']}
    """
    import yaml

    _check(text)
    try:
        return yaml.load(text, Loader=_loader())
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        # Of a tag or a date that says what can't be, such as 2024-13-45.
        raise yaml.YAMLError(str(error)) from error


def compose_yaml(text: str) -> Any:
    """The nodes of a text, with their lines; None of an empty one. Raises yaml.YAMLError likewise."""
    import yaml

    _check(text)
    return yaml.compose(text, Loader=_loader())


def _loader() -> Any:
    """The reader of plain data, in C where PyYAML has it."""
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class _Open:
    """A collection that has begun."""

    anchor: str | None
    nodes: int = 1


@dataclass(slots=True)
class _Tally:
    """What a text's events come to."""

    stack: list[_Open] = field(default_factory=lambda: [_Open(None, 0)])
    sizes: dict[str, int] = field(default_factory=dict)
    """The nodes below each anchor, aliases in it counted as what they repeat."""

    def count(self, event: Any) -> str | None:
        """Count an event; what is too much, if anything."""
        import yaml

        if isinstance(event, yaml.CollectionStartEvent):
            self.stack.append(_Open(event.anchor))
        elif isinstance(event, yaml.CollectionEndEvent):
            self._add(self.stack.pop())
        elif isinstance(event, yaml.ScalarEvent):
            self._add(_Open(event.anchor))
        elif isinstance(event, yaml.AliasEvent):
            if any(one.anchor == event.anchor for one in self.stack):
                return f"'*{event.anchor}' stands within what it repeats"
            # An alias of nothing is for the reader itself to refuse.
            self._add(_Open(None, self.sizes.get(str(event.anchor), 1)))
        if len(self.stack) > MOST_DEPTH:
            return f"it nests more than {MOST_DEPTH} deep"
        return f"it holds more than {MOST_NODES} values" if self.stack[-1].nodes > MOST_NODES else None

    def _add(self, done: _Open) -> None:
        if done.anchor is not None:
            self.sizes[done.anchor] = done.nodes
        self.stack[-1].nodes += done.nodes


def _check(text: str) -> None:
    import yaml

    if len(text) > MOST_CHARACTERS:
        raise yaml.YAMLError(f"it has more than {MOST_CHARACTERS} characters")
    tally = _Tally()
    for event in yaml.parse(text, Loader=_loader()):
        wrong = tally.count(event)
        if wrong is not None:
            line = event.start_mark.line + 1 if event.start_mark is not None else 1
            raise yaml.YAMLError(f"line {line}: {wrong}")
