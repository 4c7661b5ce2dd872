"""Damage: values that are changed, left out or put elsewhere, bytes that are flipped, doubled or gone."""

from __future__ import annotations

import copy
import json
import random
import struct
from collections.abc import Iterator
from typing import Any

from sv_eval.record_file.seal import Seal

KINDS = frozenset(("not_audio", "truncated", "empty", "too_short", "too_long", "too_large", "wrong_scale"))
"""What damaged audio may be called."""
_DEEP = "@deep@"
_DEPTH = 20_000
_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 2**70, -(2**70), 1e308, float("nan"), float("inf"), "", "x", "\ud800", "\x00",
    "0.5", "happy", [], {}, [1], {"a": 1}, [[]], [None], {"": None}, _DEEP, "9" * 5000, 93, 10**400, "0.93", "0.0",
    "😊😔", "<|" * 3000, {"happy": "0.9"}, {"happy": float("nan")}, [{"start": "0.0"}], [[{}]],
)  # fmt: skip


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every dictionary and list in it, with each of its keys or places."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield node, key
        yield from places(child)


def changed(data: Any, drawn: random.Random) -> Any:
    """The data with one to three of its values changed, wrapped, left out, or put elsewhere."""
    data = copy.deepcopy(data)
    for _ in range(drawn.choice((1, 1, 1, 2, 3))):
        found = list(places(data))
        if not found:
            return drawn.choice(_ODD)
        holder, last = drawn.choice(found)
        act = drawn.random()
        if act < 0.3:
            del holder[last]
        elif act < 0.7:
            holder[last] = drawn.choice(_ODD)
        elif act < 0.8:
            holder[last] = drawn.choice(([holder[last]], {"value": holder[last]}))
        elif act < 0.9:
            other, key = drawn.choice(found)
            holder[last] = copy.deepcopy(other[key])
        elif isinstance(holder, dict):
            holder[str(drawn.choice(("x", "", "\ud800", "classes", last)))] = holder.pop(last)
        else:
            holder.insert(0, copy.deepcopy(holder[last]))
    return data if drawn.random() > 0.01 else drawn.choice(_ODD)


def as_text(data: Any) -> str:
    """JSON, with what is to be deep made so."""
    return json.dumps(data).replace(f'"{_DEEP}"', "[" * _DEPTH + "]" * _DEPTH)


def with_bytes_changed(content: bytes, drawn: random.Random) -> bytes:
    """A few bytes put in, taken out, doubled or replaced."""
    held = bytearray(content)
    for _ in range(drawn.choice((1, 1, 2, 5, 20))):
        place, act = drawn.randrange(len(held) + 1), drawn.random()
        if act < 0.3:
            held[place : place + 1] = bytes((drawn.randrange(256),))
        elif act < 0.5:
            held[place:place] = drawn.choice(
                (b"{", b"]", b'"', b"\n", b"\xff", b"\x00", b"\xed\xa0\x80", b"-", b"9")
            )
        elif act < 0.7:
            del held[place : place + drawn.choice((1, 1, 3, 40))]
        elif act < 0.8:
            held[place:place] = held[place : place + drawn.choice((1, 10, 300))]
        elif act < 0.85:
            del held[place:]
        else:
            held[place : place + 4] = drawn.choice((b"null", b"true", b"1e99", b"NaN ", b"\\ud8"))
    return bytes(held)


def with_a_part_changed(content: bytes, drawn: random.Random) -> bytes:
    """Bytes changed at the beginning, at the end or anywhere: what is large is weights, and what matters is not."""
    size = 4096
    place = drawn.choice((0, max(0, len(content) - size), drawn.randrange(len(content))))
    part = with_bytes_changed(content[place : place + size], drawn)
    return content[:place] + part + (content[place + size :] if drawn.random() > 0.1 else b"")


def mutated(content: bytes, form: str, drawn: random.Random, seal: Seal | None) -> bytes:
    """The file's content, damaged."""
    if form == "bytes":
        return with_a_part_changed(content, drawn)
    if form == "text" or drawn.random() < 0.25:
        return with_bytes_changed(content, drawn)
    if form == "json":
        return as_text(changed(json.loads(content), drawn)).encode()
    if form == "yaml":
        import yaml

        text = yaml.safe_dump(changed(yaml.safe_load(content), drawn), allow_unicode=False)
        return text.replace(_DEEP, "[" * 500 + "]" * 500).encode(errors="backslashreplace")
    lines = content.splitlines()
    for place in drawn.sample(range(len(lines)), min(len(lines), drawn.choice((1, 1, 3)))):
        data = json.loads(lines[place])
        data = data if seal is None else {key: value for key, value in data.items() if key != "seal"}
        line = as_text(changed(data, drawn)).encode()
        # Sealed anew, so that more than the seal is looked at.
        lines[place] = seal.sealed(line) if seal is not None and line.endswith(b"}") and len(line) > 2 else line
    return b"\n".join(lines) + b"\n"


def damaged(data: bytes, drawn: random.Random) -> bytes:
    """A damaged copy of audio: cut, flipped, overwritten, grown, with a lying header, or without its middle."""
    held = bytearray(data)
    for _ in range(drawn.choice((1, 1, 2, 5, 20))):
        if len(held) < 8:
            break
        way, near = drawn.randrange(8), drawn.random() < 0.5
        at = drawn.randrange(min(128, len(held))) if near else drawn.randrange(len(held))
        if way == 0 and drawn.random() < 0.4:
            del held[max(at, 1) :]
        elif way == 1:
            held[at] ^= 1 << drawn.randrange(8)
        elif way == 2:
            value = drawn.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, drawn.getrandbits(32)))
            held[at : at + 4] = struct.pack(drawn.choice("<>") + "I", value)
        elif way == 3:
            held[at:at] = drawn.randbytes(drawn.randrange(1, 200))
        elif way == 4:
            del held[at : at + drawn.randrange(1, 100)]
        elif way == 5:
            other = drawn.randrange(len(held))
            held[at : at + 32] = held[other : other + 32]
        elif way == 6:
            held[at] = drawn.choice((0, 1, 0x7F, 0x80, 0xFF))
        else:
            held[at : at + 2] = struct.pack(drawn.choice("<>") + "H", drawn.choice((0, 1, 0xFFFF, 0x8000, 255)))
    return bytes(held) or b"\0"
