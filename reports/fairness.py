"""The section of a report about groups of speakers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sv_eval.foreign_text import cell
from sv_eval.report.fairness import Fairness, Group, GroupDifference, GroupsOf
from sv_eval.reports.wording import Wording, bounds, p_value, percent, share

_SURE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeSection:
    """What the report says of one attribute."""

    title: str
    """Its name."""
    verdict: str
    """Which group is understood worst, and how sure that is."""
    notes: str
    """What else to know; empty for nothing."""
    rows: Sequence[Sequence[str]]
    """A row a group: name, clips, speakers, UAR, difference, p, accuracy, chance."""
    labels: Sequence[str]
    """The emotions of the second table."""
    recalls: Sequence[Sequence[str]]
    """A row a group: its name, and of each emotion the recall and the difference from the others."""


def fairness_sections(words: Wording, found: Fairness) -> list[AttributeSection]:
    """A section an attribute."""
    return [_section(words, name, each) for name, each in found.attributes.items()]


def _section(words: Wording, name: str, each: GroupsOf) -> AttributeSection:
    labels = [
        label
        for label in each.groups[0].recall
        if any(group.recall[label].value is not None for group in each.groups)
    ]
    return AttributeSection(
        title=words(f"fairness.attributes.{name}"),
        verdict=_verdict(words, each),
        notes=" ".join(_notes(words, each)),
        rows=[_row(words, group) for group in each.groups],
        labels=labels,
        recalls=[[_named(words, group), *(_recall(group, label) for label in labels)] for group in each.groups],
    )


def _verdict(words: Wording, each: GroupsOf) -> str:
    worst = next((group for group in each.groups if group.name == each.worst), None)
    if worst is None or worst.uar_difference.value is None:
        return words("fairness.no_verdict")
    sure = worst.uar_difference.p_adjusted is not None and worst.uar_difference.p_adjusted < _SURE
    return words(
        "fairness.worst" if sure else "fairness.worst_unsure",
        group=_named(words, worst),
        uar=share(worst.uar.value),
        points=_points(worst.uar_difference),
    )


def _notes(words: Wording, each: GroupsOf) -> list[str]:
    notes = []
    if each.stands_in_for:
        notes.append(words("fairness.stands_in"))
    if each.n_unknown:
        notes.append(words("fairness.unknown", n=each.n_unknown))
    if each.too_few:
        notes.append(words("fairness.too_few", groups=words.counted(each.too_few)))
    if reason := next((one.uar_difference.reason for one in each.groups if one.uar_difference.reason), None):
        notes.append(words("fairness.no_bounds", why=words.why(reason)))
    return notes


def _row(words: Wording, group: Group) -> list[str]:
    return [
        _named(words, group),
        str(group.n),
        str(group.n_speakers),
        percent(group.uar),
        _points(group.uar_difference),
        p_value(group.uar_difference.p_adjusted),
        percent(group.accuracy),
        "–" if group.chance is None else f"±{100 * group.chance:.1f}",
    ]


def _named(words: Wording, group: Group) -> str:
    """A group's name; of pitch with its bounds."""
    key = f"fairness.groups.{group.name}"
    known = words(key) if words.has(key) else cell(group.name)
    if group.low is None and group.high is None:
        return known
    if group.low is None:
        return f"{known} (< {group.high:.0f} Hz)"
    if group.high is None:
        return f"{known} (≥ {group.low:.0f} Hz)"
    return f"{known} ({group.low:.0f}–{group.high:.0f} Hz)"


def _recall(group: Group, label: str) -> str:
    """A recall, and how far it lies from that of the others; bold where that is significant among all."""
    difference = group.recall_difference[label]
    value = share(group.recall[label].value)
    if difference.value is None:
        return value
    text = f"{value}, {100 * difference.value:+.1f}"
    return f"**{text}**" if difference.p_adjusted is not None and difference.p_adjusted < _SURE else text


def _points(difference: GroupDifference) -> str:
    if difference.value is None:
        return "–"
    return f"{100 * difference.value:+.1f} {bounds(difference, 100, 1)}".rstrip()
