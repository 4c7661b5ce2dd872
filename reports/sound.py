"""The rows of a report about the clips' sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sv_eval.foreign_text import cell
from sv_eval.report.shares import Share
from sv_eval.report.sound import Sound, SoundSlice
from sv_eval.reports.wording import Wording, number, p_value, share
from sv_eval.scoring.sound import DURATION
from sv_eval.sound_limits import LIMITS


def condition_line(words: Wording, condition: Mapping[str, Any] | None) -> str:
    """A condition on one line, with its steps in order; empty for none."""
    if not condition:
        return ""
    given = condition.get("steps")
    steps = [
        " ".join([cell(name), *(f"{cell(key)}={cell(value)}" for key, value in each.items() if value is not None)])
        for name, each in (given.items() if isinstance(given, Mapping) else ())
        if isinstance(each, Mapping)
    ]
    name, seed = (cell(condition.get(key, "")) for key in ("name", "seed"))
    return words("condition_line", name=name, steps="; ".join(steps), seed=seed)


def sound_rows(words: Wording, sound: Sound) -> list[Sequence[str]]:
    """Each fact of the sound: its name, three percentiles, its limit, and how many clips are beyond it."""
    # Of a fact's limits the one for single clips.
    limits = {limit.fact: (name, limit) for name, limit in reversed(list(LIMITS.items()))}
    rows: list[Sequence[str]] = []
    for fact, spread in sound.facts.items():
        name, limit = limits.get("padding_s" if fact in ("lead_s", "tail_s") else fact, ("", None))
        beyond = sound.beyond.get(name)
        told = "" if limit is None else f"{'<' if limit.side == 'below' else '>'} {number(limit.value)}"
        count = "" if limit is None or limit.of_the_median else str(beyond.n if beyond else 0)
        middle = [_plain(value) for value in (spread.p5, spread.median, spread.p95)]
        rows.append((words(f"sound.facts.{fact}"), *middle, told, count))
    return rows


def slice_rows(words: Wording, sound: Sound) -> list[Sequence[str]]:
    """The slices by length, and of every other fact the one furthest below what is expected."""
    rows: list[Sequence[str]] = []
    for fact, slices in sound.slices.items():
        known = [one for one in slices if one.accuracy.value is not None and one.expected is not None]
        shown = known
        if fact != DURATION:
            shown = sorted(known, key=lambda one: (one.accuracy.value or 0.0) - (one.expected or 0.0))[:1]
        rows += [
            (
                words(f"sound.facts.{fact}"), span(one), str(one.accuracy.of), _percent(one.accuracy),
                share(one.expected), p_value(one.p_adjusted),
            )
            for one in shown
        ]  # fmt: skip
    return rows


def span(one: SoundSlice) -> str:
    """The values that a slice is of: `15 … 20`."""
    return span_between(one.low, one.high)


def span_between(low: float | None, high: float | None) -> str:
    """The values from here to there; None for an open end."""
    if low is None:
        return f"< {_plain(high)}"
    return f"≥ {_plain(low)}" if high is None else f"{_plain(low)} … {_plain(high)}"


def _plain(value: float | None) -> str:
    """Four digits; thousands of hertz without an exponent."""
    return number(value) if value is None or abs(value) < 1e4 else f"{value:.0f}"


def _percent(found: Share) -> str:
    """A share with its bounds."""
    return f"{share(found.value)} [{share(found.low)}, {share(found.high)}]"
