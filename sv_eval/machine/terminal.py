"""What a person or a script reads of a command: its own output, what went wrong, and one result as JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TextIO

from sv_eval.foreign_text import visible

_IN_ASCII = str.maketrans({"✓": "+", "✗": "x", "•": "-", "–": "-"})
"""What stands for the signs of a verdict where they can't be written."""
_COLLECTED: ContextVar[dict[str, Any] | None] = ContextVar("collected", default=None)


def say(message: object) -> None:
    """Print a command's own output; a reader that has seen enough (`| head`) ends nothing.

    While a result is collected for `--json`, the output is for people and goes to stderr.
    """
    _write(message, sys.stdout if _COLLECTED.get() is None else sys.stderr)


def complain(message: object) -> None:
    """Print what went wrong on stderr, in one line."""
    line = " ".join(str(message).split())
    give(error=line)
    note(f"sv_eval: {line}")


def note(message: object) -> None:
    """Print a line beside a command's output, on stderr: how far it is, what it leaves out."""
    print(visible(message), file=sys.stderr, flush=True)


def give(**parts: Any) -> None:
    """Add to the result that a script asked for with `--json`; nothing happens where nobody did."""
    collected = _COLLECTED.get()
    if collected is not None:
        collected.update(parts)


@contextmanager
def collecting(collected: dict[str, Any]) -> Iterator[None]:
    """What is given meanwhile goes into `collected`, and stdout is left to it."""
    token = _COLLECTED.set(collected)
    try:
        yield
    finally:
        _COLLECTED.reset(token)


def print_json(document: Any) -> None:
    """One JSON document on stdout; numbers that JSON doesn't have become null."""
    _write(json.dumps(_plain(document), ensure_ascii=False, indent=2, default=str), sys.stdout)


def relative(path: Path) -> str:
    """The path from here where it lies below, else as it is."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _write(message: object, stream: TextIO) -> None:
    try:
        print(_writable(visible(message), stream), file=stream, flush=True)
    except BrokenPipeError:
        # The interpreter must not try to flush the rest when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _writable(text: str, stream: TextIO) -> str:
    """The text as a stream of a narrow encoding can take it, which is most often a pipe of an old system."""
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_IN_ASCII).encode(encoding, "replace").decode(encoding)
    return text


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_plain(value) for value in node]
    if isinstance(node, float) and (node != node or node in (float("inf"), float("-inf"))):
        return None
    return node
