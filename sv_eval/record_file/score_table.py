"""The scores of a run's answers, as a matrix: read apart from its records, of which they are most."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from sv_eval.errors import RunDirectoryError
from sv_eval.record_file.freed import give_back
from sv_eval.record_file.json_lines import no_collections, parse_line
from sv_eval.record_file.lines import RECORDS, Standing, check_repeat
from sv_eval.record_file.parts import PART_ROWS
from sv_eval.record_file.seal import own_lines
from sv_eval.record_file.texts import Texts, places_in, sorted_places

Lines = Iterable[Mapping[str, Any] | str | bytes]

_KEY = b'"scores"'


class _Clip(msgspec.Struct, gc=False):
    id: str


class _Prediction(msgspec.Struct, gc=False):
    scores: dict[str, float] | None = None
    cut_off: float | None = None


class _Scored(msgspec.Struct, gc=False):
    """Of a record what its scores are known by."""

    clip: _Clip
    prediction: _Prediction | None = None
    session: int = 0
    round: int = 0


_DECODER = msgspec.json.Decoder(_Scored)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreTable:
    """What the answers of the first round hold probable, a row for each clip that has scores."""

    clip_ids: Texts[str]
    """The clips, ascending."""
    names: tuple[str, ...]
    """What the columns are of: emotions and `unknown`, in the answers' own order, sorted where answers differ."""
    values: NDArray[np.float64]
    """Probabilities; 0 where an answer leaves a name out, NaN where it does as it is below a cut-off. Shape [clips,
    names]."""
    cut_off: NDArray[np.float64] | None = None
    """Below what each answer tells nothing; NaN for a posterior, which tells all. None where all are such."""

    def __len__(self) -> int:
        return len(self.clip_ids)

    @classmethod
    def read(cls, directory: Path, *, run_id: str | None = None) -> Self:
        """The scores in a run directory's records; empty where it has none.

        Raises RunDirectoryError for a line that is not of this run, as reading its records does.
        """
        return cls.of_lines(own_lines(directory, run_id), str(directory / RECORDS))

    @classmethod
    def of_lines(cls, lines: Lines, where: str = "records") -> Self:
        """The scores in lines of a `records.jsonl`, parsed or not; `where` begins errors.

        Of lines that are no records it says nothing: those who read the records do.
        """
        found = _Rows(where)
        with no_collections():
            for number, line in enumerate(lines, 1):
                one = _scored(line, where, number)
                if one is None or one.round or one.prediction is None or one.prediction.scores is None:
                    continue
                if not one.prediction.scores and one.prediction.cut_off is None:
                    continue
                found.add(one.clip.id, number, one.prediction.scores, one.prediction.cut_off)
        clip_ids, names, values, cut_off = found.in_order()
        if len(clip_ids) > PART_ROWS:
            give_back()
        return cls(clip_ids=clip_ids, names=names, values=values, cut_off=cut_off)

    def posteriors(self) -> Self:
        """The rows that tell all; the very same table where all do."""
        if self.cut_off is None:
            return self
        kept = np.flatnonzero(np.isnan(self.cut_off))
        return type(self)(clip_ids=self.clip_ids.at(kept), names=self.names, values=self.values[kept])

    def as_classes(self, class_of: Callable[[str], str]) -> Self:
        """The scores under a label map: those of names that are one class are added up."""
        of_name = [class_of(name) for name in self.names]
        classes = tuple(dict.fromkeys(of_name))
        if classes == self.names:
            return self
        values = np.zeros((len(self), len(classes)))
        for column, name in enumerate(of_name):
            values[:, classes.index(name)] += self.values[:, column]
        return type(self)(clip_ids=self.clip_ids, names=classes, values=values, cut_off=self.cut_off)

    def of_clips(self, clip_ids: Sequence[str]) -> NDArray[np.float64]:
        """A row for each of the clips, in their order; NaN for one without scores."""
        if self.clip_ids == clip_ids:
            return self.values
        rows = places_in(self.clip_ids, clip_ids)
        values = np.full((len(rows), len(self.names)), np.nan)
        values[rows >= 0] = self.values[rows[rows >= 0]]
        return values

    def cut_offs_of(self, clip_ids: Sequence[str]) -> NDArray[np.float64]:
        """Below what each clip's answer tells nothing; NaN for one that tells all, or has no scores."""
        found = np.full(len(clip_ids), np.nan)
        if self.cut_off is not None:
            rows = places_in(self.clip_ids, clip_ids)
            found[rows >= 0] = self.cut_off[rows[rows >= 0]]
        return found


class _Rows:
    """Rows as they come: numbers one behind another, since a hundred thousand dictionaries take much room."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._clip_ids: list[str] = []
        self._earlier: list[Texts[str]] = []
        self._lines = array("q")
        self._names: tuple[str, ...] = ()
        self._numbers = array("d")
        # Rows of other names than the first one's, by their place.
        self._others: dict[int, dict[str, float]] = {}
        # What is known of a row's scores only from there on.
        self._cut_offs: dict[int, float] = {}

    def add(self, clip_id: str, line: int, scores: dict[str, float], cut_off: float | None = None) -> None:
        """Take the row of a clip."""
        names, place = tuple(scores), len(self._lines)
        self._names = self._names or names
        if cut_off is not None:
            self._cut_offs[place] = cut_off
        if names == self._names and cut_off is None:
            self._numbers.extend(scores.values())
        else:
            self._others[place] = scores
        self._lines.append(line)
        self._clip_ids.append(clip_id)
        if len(self._clip_ids) >= PART_ROWS:
            self._earlier.append(Texts.of(self._clip_ids))
            self._clip_ids = []

    def in_order(
        self,
    ) -> tuple[Texts[str], tuple[str, ...], NDArray[np.float64], NDArray[np.float64] | None]:
        """Clips ascending, names in an order that does not depend on theirs, the rows, and their cut-offs.

        Raises RunDirectoryError for a clip with scores of two lines: only a failure gives way to another record of
        its clip, and has none.
        """
        clip_ids = Texts.joined([*self._earlier, Texts.of(self._clip_ids)])
        n = len(clip_ids)
        cut_off = np.array([self._cut_offs.get(place, np.nan) for place in range(n)]) if self._cut_offs else None
        names, values = self._by_name(n)
        order = self._order(clip_ids)
        if order is None:
            return clip_ids, names, values, cut_off
        return clip_ids.at(order), names, values[order], None if cut_off is None else cut_off[order]

    def _by_name(self, n: int) -> tuple[tuple[str, ...], NDArray[np.float64]]:
        held = np.frombuffer(self._numbers) if self._numbers else np.zeros(0)
        alike = held.reshape(-1, len(self._names)) if self._names else np.zeros((n - len(self._others), 0))
        if not self._others:
            return self._names, alike
        more = {name for scores in self._others.values() for name in scores} - {*self._names}
        names = (*self._names, *sorted(more))
        values, there = np.zeros((n, len(names))), np.ones(n, dtype=np.bool_)
        there[list(self._others)] = False
        values[there, : len(self._names)] = alike
        for place, scores in self._others.items():
            lacking = np.nan if place in self._cut_offs else 0.0
            values[place] = [scores.get(name, lacking) for name in names]
        columns = sorted(range(len(names)), key=names.__getitem__)
        return tuple(names[column] for column in columns), values[:, columns]

    def _order(self, clip_ids: Texts[str]) -> NDArray[np.int64] | None:
        """The places by clip; None where they ascend already."""
        if all(one < other for one, other in pairwise(clip_ids)):
            return None
        order = sorted_places(clip_ids)
        for number, (one, other) in enumerate(pairwise(clip_ids.at(order))):
            if one == other:
                earlier, later = (
                    Standing(self._lines[place], 0, failed=False) for place in order[number : number + 2].tolist()
                )
                check_repeat(self._where, (one, 0), earlier, later)
        return order


def _scored(line: Mapping[str, Any] | str | bytes, where: str, number: int) -> _Scored | None:
    """What the line has of scores; None where it has none, or is no record."""
    if isinstance(line, bytes):
        if _KEY not in line:
            return None
        try:
            return _DECODER.decode(line)
        except (msgspec.DecodeError, RecursionError):
            pass
    elif isinstance(line, str):
        line = line.encode("utf-8", errors="surrogatepass")
    try:
        data = parse_line(line) if isinstance(line, bytes) else line
    except ValueError:
        return None
    if not isinstance(data, Mapping):
        return None
    try:
        found = msgspec.convert(dict(data), _Scored, strict=True)
    except msgspec.ValidationError as error:
        raise RunDirectoryError(
            f"{where}, line {number}: its scores are no numbers by name ({error}); mend or delete the line"
        ) from None
    return found
