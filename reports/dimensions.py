"""The section of a report about arousal, valence and dominance."""

from __future__ import annotations

from collections.abc import Sequence

from sv_eval.dimensions import Range
from sv_eval.foreign_text import cell
from sv_eval.report.context import LabelMap
from sv_eval.report.dimensions import DimensionFigures, Dimensions
from sv_eval.report.interval import Interval
from sv_eval.reports.wording import Wording, bounds


def dimension_rows(words: Wording, found: Dimensions) -> list[Sequence[str]]:
    """A row a dimension: name, clips, CCC, Pearson, RMSE, bias and limits of agreement."""
    return [
        (
            words(f"dimensions.names.{name}"), str(one.n), *map(decimals, (one.ccc, one.pearson, one.rmse)),
            decimals(one.bias, signed=True),
            f"{decimals(one.lower_limit, signed=True)} … {decimals(one.upper_limit, signed=True)}",
        )
        for name, one in found.figures.items()
    ]  # fmt: skip


def group_rows(words: Wording, found: Dimensions) -> list[Sequence[str]]:
    """A row a group of each dimension: dimension, fact, group, clips, CCC, bias."""
    return [
        (
            words(f"dimensions.names.{name}"), words(f"fairness.attributes.{fact}"), _group(words, group.name),
            str(group.n), decimals(group.ccc), decimals(group.bias, signed=True),
        )
        for name, one in found.figures.items()
        for fact, groups in one.groups.items()
        for group in groups
    ]  # fmt: skip


def dimension_notes(words: Wording, found: Dimensions) -> list[str]:
    """What is to be known of each dimension: ranges, what is missing, why there is no figure."""
    notes = []
    for name, one in found.figures.items():
        title = words(f"dimensions.names.{name}")
        parts = [_ranges(words, one)]
        if one.n_missing or one.n_failed:
            parts.append(words("dimensions.missing", missing=one.n_missing, failed=one.n_failed))
        if one.n_outside:
            parts.append(words("dimensions.outside", n=one.n_outside, of=one.n))
        # Of several figures without bounds the first one's reason holds for all.
        without = next((figure for figure in (one.ccc, one.pearson, one.rmse) if figure.reason), None)
        if without is not None and without.reason:
            parts.append(words("dimensions.why", why=words.why(without.reason)))
        notes.append(f"**{title}**: {' '.join(parts)}")
    notes += [
        f"**{words(f'dimensions.names.{name}')}**: {words('dimensions.left', why=words.why(why))}"
        for name, why in (found.left or {}).items()
    ]
    return notes


def quadrant_line(words: Wording, label_map: LabelMap) -> str:
    """What answers with dimensions alone stand for; empty without such a map."""
    found = label_map.quadrants
    if not found:
        return ""
    counts = label_map.by_quadrant or {}
    parts = [
        words(
            "quadrants.one", where=words(f"quadrants.{name}"), emotion=words.emotion(getattr(found, name)),
            n=counts.get(name, 0),
        )
        for name in ("high_positive", "high_negative", "low_negative", "low_positive")
    ]  # fmt: skip
    shares = {name: f"{100 * getattr(found, name):g}" for name in ("arousal", "valence")}
    return words("quadrants.note", name=label_map.name, quadrants=words.joined(parts), **shares)


def _ranges(words: Wording, one: DimensionFigures) -> str:
    key = "same_range" if one.reference_range == one.answer_range else "ranges"
    return words(f"dimensions.{key}", corpus=span(one.reference_range), told=span(one.answer_range))


def span(one: Range) -> str:
    """A range: `1 … 7`."""
    return f"{one[0]:g} … {one[1]:g}"


def _group(words: Wording, name: str) -> str:
    return words(f"fairness.groups.{name}") if words.has(f"fairness.groups.{name}") else cell(name)


def decimals(figure: Interval, *, signed: bool = False) -> str:
    """A figure with three decimals and its bounds; with its sign where it may be of either."""
    if figure.value is None:
        return "–"
    told = f"{figure.value:+.3f}" if signed else f"{figure.value:.3f}"
    return f"{told} {bounds(figure, 1, 3)}".rstrip()
