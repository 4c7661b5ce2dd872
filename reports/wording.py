"""The sentences of a report, in one language, with their numbers set in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import yaml

from sv_eval.foreign_text import cell
from sv_eval.report.context import Mismatch, PublishedComparison
from sv_eval.report.interval import Interval
from sv_eval.report.reasons import Coded, Why, english

_DASH = "–"


class Wording:
    """Looks sentences up by dotted key and fills in values."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._words = _read(language)

    def __call__(self, key: str, **values: Any) -> str:
        """The words at `key`; values are set into their braces."""
        node: Any = self._words
        for part in key.split("."):
            node = node[part]
        return str(node).format(**values) if values else str(node)

    def has(self, key: str) -> bool:
        """Whether there are words at `key`."""
        node: Any = self._words
        for part in key.split("."):
            if not isinstance(node, Mapping) or part not in node:
                return False
            node = node[part]
        return True

    def table(self, key: str) -> dict[str, str]:
        """All words below `key`, by name."""
        node: Any = self._words
        for part in key.split("."):
            node = node[part]
        return dict(node)

    def joined(self, parts: Iterable[str]) -> str:
        """A list of words."""
        return ("、" if self.language == "zh" else ", ").join(parts)

    def emotion(self, name: str) -> str:
        """An emotion's or an answer's name."""
        known = self._words["emotions"].get(name)
        return cell(name) if known is None else str(known)

    def emotions(self, names: Sequence[str]) -> str:
        """A list of emotions."""
        return ("、" if self.language == "zh" else ", ").join(self.emotion(name) for name in names)

    def counted(self, counts: Mapping[str, int | str]) -> str:
        """Names with their numbers, or words: `de (362), fr (3)`."""
        return ("、" if self.language == "zh" else ", ").join(
            f"{cell(name)} ({n if isinstance(n, int) else cell(n)})" for name, n in counts.items()
        )

    def milliseconds(self, figure: Interval | None) -> str:
        """A latency with its bounds: `12.3 ms [12.0, 12.8]`; the reason where it is refused."""
        if figure is None:
            return _DASH
        if figure.value is None:
            return f"{_DASH} ({self.why(figure.reason)})" if figure.reason else _DASH
        digits = 1 if figure.value >= 10 else 2
        return f"{figure.value:.{digits}f} ms {bounds(figure, 1, digits)}{self._of_these(figure)}".rstrip()

    def seconds(self, figure: Interval) -> str:
        """A duration with its bounds: `1.03 s [1.01, 1.05]`; the reason where it is refused."""
        if figure.value is None:
            return f"{_DASH} ({self.why(figure.reason) if figure.reason else _DASH})"
        return f"{figure.value:.2f} s {bounds(figure, 1, 2)}{self._of_these(figure)}".rstrip()

    def _of_these(self, figure: Interval) -> str:
        """What must stand beside a figure that speaks of its own clips alone."""
        reasons = figure.reason.reasons if figure.reason else ()
        found = next((one for one in reasons if one.code == "these_clips"), None)
        return "" if found is None else self("of_these", n=found.values["clips"])

    def why(self, why: Why) -> str:
        """Why a figure is missing, or what to know about it."""
        return ("；" if self.language == "zh" else "; ").join(map(self._reason, why.reasons))

    def _reason(self, reason: Coded) -> str:
        words = self._words["reasons"].get(reason.code)
        if words is None:
            return english(reason)
        shown = {
            key: self.emotions(value)
            if isinstance(value, tuple)
            else self.emotion(value)
            if key == "label"
            else self._words["units"].get(value, value)
            if key == "unit"
            else value
            for key, value in reason.values.items()
        }
        return str(words).format(**shown)

    def caveat(self, caveat: Coded) -> str:
        """A caveat's sentence."""
        if caveat.code == "corpus_note":
            note = caveat.values["note"]
            values = {key: value for key, value in note.items() if key != "code"}
            return self("caveat.corpus_note", note=self.note(Coded(note["code"], values)))
        values = {key: self._value(value) for key, value in caveat.values.items()}
        return self(f"caveat.{caveat.code}", **values)

    def parts(self, where: str, names: Sequence[str]) -> str:
        """A list of things that have words of their own below `where`."""
        return ("、" if self.language == "zh" else ", ").join(self(f"{where}.{name}") for name in names)

    def mismatches(self, found: Sequence[Mismatch]) -> str:
        """Why a published figure does not stand beside a run's own."""
        sentences = [
            self(
                f"references.mismatch.{one.code}",
                expected=self._value(one.expected or None),
                found=self._value(one.found or None),
            )
            for one in found
        ]
        return ("；" if self.language == "zh" else "; ").join(sentences)

    def plain_values(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Values for a sentence; those that hold several are put on one line."""
        shown = {}
        for key, value in values.items():
            if isinstance(value, Why):
                parts: Sequence[object] = [self.why(value)]
            else:
                parts = (
                    [f"{name} {item}" for name, item in value.items()] if isinstance(value, Mapping) else [value]
                )
            shown[key] = ", ".join(cell(part) for part in parts)
        return shown

    def shares(self, figures: Mapping[str, PublishedComparison]) -> str:
        """Published figures on one line: `UAR 70.0 %, accuracy 70.0 %`."""
        named = [f"{self(f'rows.{name}')} {share(figure.published)}" for name, figure in figures.items()]
        return ("、" if self.language == "zh" else ", ").join(named)

    def note(self, note: Coded) -> str:
        """A sentence about the corpus; labels and names in it are the corpus's own words and stay as they are."""
        values = {key: self._own_words(value) for key, value in note.values.items()}
        if "emotion" in values:
            values["emotion"] = self.emotion(values["emotion"])
        return self(f"note.{note.code}", **values)

    def _own_words(self, value: Any) -> str:
        if isinstance(value, Mapping):
            parts = [f"{cell(label)} {n}/{expected}" for label, (n, expected) in value.items()]
        elif isinstance(value, Sequence) and not isinstance(value, str):
            parts = [cell(name) for name in value]
        else:
            return cell(value)
        return ("、" if self.language == "zh" else ", ").join(parts)

    def _value(self, value: Any) -> str:
        if isinstance(value, Mapping):
            parts = [f"{self.emotion(str(name))} ({number})" for name, number in value.items()]
        elif isinstance(value, Sequence) and not isinstance(value, str):
            parts = [self.emotion(str(name)) for name in value]
        else:
            return number(value) if isinstance(value, float) else str(value)
        return ("、" if self.language == "zh" else ", ").join(parts)


@cache
def _read(language: str) -> dict[str, Any]:
    path = Path(__file__).parent / "words" / f"{language}.yaml"
    # The same in a fifth of the time, where libyaml is there; a page has the words of both languages.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    words: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    return words


def percent(figure: Interval | None, *, interval: bool = True) -> str:
    """A share as percent, with its interval: `82.1 % [78.0, 85.5]`; a dash where there is none."""
    if figure is None or figure.value is None:
        return _DASH
    text = f"{100 * figure.value:.1f} %"
    return f"{text} {bounds(figure, 100, 1)}".rstrip() if interval else text


def share(value: float | None) -> str:
    """A plain share as percent; a dash for none."""
    return _DASH if value is None else f"{100 * value:.1f} %"


def number(value: float | None) -> str:
    """Four significant digits; a dash for none."""
    return _DASH if value is None else f"{value:.4g}"


def real_time_factor(value: float | None) -> str:
    """Two significant digits, as the field writes it; a dash for none.

    >>> [real_time_factor(one) for one in (0.04123, 0.0059, 1.25, 12.3, None)]
    ['0.041', '0.0059', '1.2', '12', '–']
    """
    if value is None:
        return _DASH
    digits = max(0, 1 - math.floor(math.log10(abs(value)))) if value else 1
    return f"{value:.{digits}f}"


def p_value(p: float | None) -> str:
    """A p-value; below what an approximation can tell it is only said to be small. A dash for none."""
    if p is None:
        return _DASH
    return "≤ 0.0001" if p < 1e-4 else f"{p:.4f}"


class Bounded(Protocol):
    """What has bounds, known or not."""

    @property
    def low(self) -> float | None:
        """The lower one."""

    @property
    def high(self) -> float | None:
        """The upper one."""


def bounds(figure: Bounded, scale: float, digits: int) -> str:
    """`[low, high]`, with a dash for a side that is not known; empty where neither is."""
    sides = [figure.low, figure.high]
    if sides == [None, None]:
        return ""
    return "[" + ", ".join(_DASH if side is None else f"{scale * side:.{digits}f}" for side in sides) + "]"
