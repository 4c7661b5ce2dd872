"""Records as columns that a page carries, and back again without loss.

A column is one of `{"c": value}`, the same everywhere; `{"k": decimals, "v": [...]}`, numbers times 10^k, or as
they are without a `k`; `{"w": words, "v": [...]}`, words by code, -1 for none; `{"t": [...]}`, texts; and
`{"s": {place: value}}`, what only some records have, or of any other kind. A group of columns is `{"of": {...}}`.
Texts are cleaned as they go in; what cleaning changed stands beside them in `raw`, as ASCII JSON, so that whoever
scores the records again has the very same.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.foreign_text import each_text, visible
from sv_eval.record_file.json_lines import no_collections, parse_line

_GROUPS: Mapping[str, Any] = {
    "clip": {"dimensions": {}},
    "prediction": {"scores": {}, "stages_ms": {}, "dimensions": {}},
    "failure": {},
    "sound": {},
}
"""The parts of a record whose entries are columns of their own."""
_LEFT_OUT = ("seal",)
"""Of no use without the line that it seals."""
_FEW_WORDS = 64
_EXACT = 2.0**53
_DECIMALS = (0, 1, 2, 3, 4, 5, 6, 9)
_NONE = -1

Column = dict[str, Any]


def columns_of(lines: Iterable[bytes]) -> Column:
    """The group of all columns of the lines of a `records.jsonl`."""
    held: dict[str, Any] = {}
    n = 0
    with no_collections():
        for line in lines:
            if line.strip():
                data = parse_line(line)
                for name in _LEFT_OUT:
                    data.pop(name, None)
                _take(data, held, _GROUPS, n)
                n += 1
        return _group(held, n)


def _take(data: Mapping[str, Any], held: dict[str, Any], groups: Mapping[str, Any], n: int) -> None:
    """Put the values of one record, the `n`th, into lists."""
    for name, value in data.items():
        values = held.get(name)
        # Most of what comes; for each value of each record.
        if type(values) is list:
            if len(values) != n:
                values.extend([None] * (n - len(values)))
            values.append(value)
        elif value is None:
            continue
        elif name in groups:
            if isinstance(value, Mapping):
                _take(value, held.setdefault(name, {}), groups[name], n)
        else:
            held[name] = [*([None] * n), value]


def _group(held: Mapping[str, Any], n: int) -> Column:
    found = {}
    for name, values in held.items():
        if isinstance(values, list):
            values.extend([None] * (n - len(values)))
            found[visible(name)] = _column(values) | ({"name": json.dumps(name)} if visible(name) != name else {})
        else:
            found[name] = _group(values, n)
    return {"of": found}


def _column(values: Sequence[Any]) -> Column:
    kinds = {type(value) for value in values} - {type(None)}
    if kinds <= {int, float}:
        return _numbers(values) or _sparse(values)
    if kinds == {str}:
        return _texts(values)
    return _sparse(values)


def _numbers(values: Sequence[Any]) -> Column | None:
    """Numbers, exactly; None where JSON has no such number."""
    first = values[0]
    try:
        found = np.array([math.nan if value is None else value for value in values], dtype=np.float64)
    except OverflowError:
        return None
    known = ~np.isnan(found)
    if first is not None and known.all() and (found == found[0]).all():
        return {"c": first} if math.isfinite(first) else None
    if not np.isfinite(found[known]).all():
        return None
    for decimals in _DECIMALS:
        scaled = np.rint(found * 10.0**decimals)
        if (np.abs(scaled[known]) >= _EXACT).any():
            break
        if (scaled[known] / 10.0**decimals == found[known]).all():
            return {"k": decimals, "v": _whole(scaled, known)}
    return {"v": [None if value is None or value != value else value for value in values]}


def _whole(scaled: NDArray[np.float64], known: NDArray[np.bool_]) -> list[int | None]:
    whole: list[int | None] = np.where(known, scaled, 0).astype(np.int64).tolist()
    for place in np.flatnonzero(~known).tolist():
        whole[place] = None
    return whole


def _texts(values: Sequence[str | None]) -> Column:
    names = list(dict.fromkeys(value for value in values if value is not None))
    if len(names) == 1 and None not in values:
        text = visible(names[0])
        return {"c": text} | ({"raw": {"c": json.dumps(names[0])}} if text != names[0] else {})
    if len(names) <= max(_FEW_WORDS, len(values) // 3):
        code: dict[str | None, int] = {name: place for place, name in enumerate(names)} | {None: _NONE}
        return {"w": [visible(name) for name in names], "v": [code[value] for value in values]} | _raw(names)
    return {"t": [None if value is None else visible(value) for value in values]} | _raw(values)


def _raw(values: Sequence[str | None]) -> Column:
    """What cleaning changes, as it came, by place."""
    changed = {
        str(place): json.dumps(value)
        for place, value in enumerate(values)
        if value is not None and visible(value) != value
    }
    return {"raw": changed} if changed else {}


def _sparse(values: Sequence[Any]) -> Column:
    shown, raw = {}, {}
    for place, value in enumerate(values):
        if value is None:
            continue
        clean = each_text(value, visible)
        odd = type(value) in (int, float) and (not math.isfinite(value) or abs(value) >= _EXACT)
        shown[str(place)] = str(value) if odd else clean
        if odd or clean is not value:
            raw[str(place)] = json.dumps(value)
    return {"s": shown} | ({"raw": raw} if raw else {})


def records_in(group: Column, n: int) -> Iterator[dict[str, Any]]:
    """The `n` records that the columns were made of, as parsed JSON without what was null."""
    columns = list(_unfolded(group, ()))
    for place in range(n):
        record: dict[str, Any] = {"clip": {}}
        for path, values in columns:
            value = values[place]
            if value is not None:
                node = record
                for name in path[:-1]:
                    node = node.setdefault(name, {})
                node[path[-1]] = value
        yield record


def _unfolded(group: Column, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, node in group["of"].items():
        if "of" in node:
            yield from _unfolded(node, (*path, name))
        else:
            yield (*path, json.loads(node["name"]) if "name" in node else name), _values(node)


class _Same:
    """A column of one value."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __getitem__(self, place: int) -> Any:
        return self._value


def _values(column: Column) -> Any:
    """What gives a column's value at a place."""
    raw = {place: json.loads(text) for place, text in column.get("raw", {}).items()}
    if "c" in column:
        return _Same(raw.get("c", column["c"]))
    if "w" in column:
        words = [raw.get(str(code), word) for code, word in enumerate(column["w"])]
        return [None if code == _NONE else words[code] for code in column["v"]]
    if "t" in column:
        return [raw.get(str(place), text) for place, text in enumerate(column["t"])] if raw else column["t"]
    if "s" in column:
        return _Sparse(column["s"], raw)
    if column.get("k"):
        scale = 10.0 ** column["k"]
        return [None if value is None else value / scale for value in column["v"]]
    return column["v"]


class _Sparse:
    """A column that most records have nothing in."""

    def __init__(self, shown: Mapping[str, Any], raw: Mapping[str, Any]) -> None:
        self._shown, self._raw = shown, raw

    def __getitem__(self, place: int) -> Any:
        return self._raw.get(str(place), self._shown.get(str(place)))
