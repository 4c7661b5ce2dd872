"""Thrift's compact protocol, as far as the headers of Parquet's pages and a footer for one of them need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, TypeVar, cast, get_origin

Kind = TypeVar("Kind")
I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12
_TRUE, _FALSE, _BYTE, _I16, _DOUBLE, _SET = 1, 2, 3, 4, 7, 10
_STOP = 0
_LONGEST_NUMBER = 10
_MOST_BYTES = 1 << 24
"""Of a text or a list: statistics in a header may hold values, and no more than two."""
_DEEPEST = 8


def read_struct(file: BinaryIO, depth: int = 0) -> dict[int, Any]:
    """The fields of a struct by their numbers; raises ValueError for what is none, EOFError for a part of one."""
    if depth > _DEEPEST:
        raise ValueError("no header is nested so deeply")
    fields: dict[int, Any] = {}
    number = 0
    while (head := _byte(file)) != _STOP:
        number = number + (head >> 4) if head >> 4 else _signed(file)
        fields[number] = _read(file, head & 15, depth)
    return fields


def number_in(fields: Mapping[int, Any], number: int, otherwise: int | None = None) -> int:
    """A struct's field that is a number; raises ValueError for anything else."""
    return _of_kind(int, fields.get(number, otherwise), "a number")


def struct_in(fields: Mapping[int, Any], number: int) -> Mapping[int, Any]:
    """A struct's field that is a struct; raises ValueError for anything else."""
    return _of_kind(dict[int, Any], fields.get(number), "a struct")


def list_in(fields: Mapping[int, Any], number: int) -> list[Any]:
    """A struct's field that is a list; raises ValueError for anything else."""
    return _of_kind(list[Any], fields.get(number), "a list")


def _of_kind(kind: type[Kind], found: object, what: str) -> Kind:
    if type(found) is not (get_origin(kind) or kind):
        raise ValueError(f"a header holds something else than {what}")
    return cast("Kind", found)


def _read(file: BinaryIO, kind: int, depth: int) -> Any:
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE
    if kind in (_I16, I32, I64):
        return _signed(file)
    if kind in (_BYTE, _DOUBLE):
        return _bytes(file, 1 if kind == _BYTE else 8)
    if kind == BINARY:
        return _bytes(file, _unsigned(file))
    if kind in (LIST, _SET):
        head = _byte(file)
        size = head >> 4 if head >> 4 < 15 else _unsigned(file)
        if size > _MOST_BYTES:
            raise ValueError(f"no header holds a list of {size}")
        if head & 15 in (_TRUE, _FALSE):
            # Outside of a list its type is a truth value's own byte.
            return [_byte(file) == _TRUE for _ in range(size)]
        return [_read(file, head & 15, depth) for _ in range(size)]
    if kind == STRUCT:
        return read_struct(file, depth + 1)
    raise ValueError(f"a header has no field of type {kind}")


def _byte(file: BinaryIO) -> int:
    return _bytes(file, 1)[0]


def _bytes(file: BinaryIO, size: int) -> bytes:
    if size > _MOST_BYTES:
        raise ValueError(f"no header holds {size} bytes of text")
    found = file.read(size)
    if len(found) < size:
        raise EOFError("the file ends within a header")
    return found


def _unsigned(file: BinaryIO) -> int:
    number = 0
    for place in range(_LONGEST_NUMBER):
        byte = _byte(file)
        number |= (byte & 127) << 7 * place
        if byte < 128:
            return number
    raise ValueError("a header holds a number without end")


def _signed(file: BinaryIO) -> int:
    number = _unsigned(file)
    return (number >> 1) ^ -(number & 1)


def written(*fields: tuple[int, int, Any]) -> bytes:
    """A struct of fields that are given as number, type and value, numbers ascending.

    The value of a STRUCT is what this gave for it; that of a LIST is the type of its items, and they.
    """
    out, last = bytearray(), 0
    for number, kind, value in fields:
        out.append((number - last) << 4 | kind)
        out += _written(kind, value)
        last = number
    out.append(_STOP)
    return bytes(out)


def _written(kind: int, value: Any) -> bytes:
    if kind == BINARY:
        return _number(len(value)) + bytes(value)
    if kind == STRUCT:
        return bytes(value)
    if kind == LIST:
        of, items = value
        return _list_head(of, items) + b"".join(_written(of, item) for item in items)
    return _number(value << 1)


def _list_head(of: int, items: Sequence[Any]) -> bytes:
    return bytes([len(items) << 4 | of]) if len(items) < 15 else bytes([15 << 4 | of]) + _number(len(items))


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
