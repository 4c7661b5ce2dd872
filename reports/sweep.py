"""The report of a sweep, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import yaml
from msgspec import UNSET

from sv_eval.foreign_text import cell, each_text, inert
from sv_eval.report.sweep import Chosen, Holdout, SettingFigures, SweepFile
from sv_eval.reports import sweep_figures
from sv_eval.reports.markdown import machine_line, template
from sv_eval.reports.wording import Wording, bounds, number, share

_MOST_ROWS = 120
_FIGURES = "figures"


class _SweepWords(Wording):
    """The report's words, with those of sweeps under `sweep`."""

    def __init__(self, language: str) -> None:
        super().__init__(language)
        path = Path(__file__).parent / "words" / f"sweep_{language}.yaml"
        self._words = {**self._words, "sweep": yaml.safe_load(path.read_text(encoding="utf-8"))}


def render_sweep(found: SweepFile, language: str = "en", *, figures: Sequence[str] = ()) -> str:
    """The report on what sweep.json holds, in `language` (`en` or `zh`); `figures` are those that were drawn."""
    words, found = _SweepWords(language), each_text(found, inert)
    rows = {row.number: row for row in found.settings}
    chosen = found.choice
    ranked = sorted(found.settings, key=lambda row: (-(row.ranked_uar or 0.0), row.number))
    return template("sweep.md.j2").render(
        w=words,
        d=found,
        rows=ranked[:_MOST_ROWS],
        lacking=sorted({label for row in found.settings for label in row.uar.left_out}, key=found.labels.index),
        left_out=max(0, len(ranked) - _MOST_ROWS),
        choice={
            "best": None if chosen.best is None else rows[chosen.best],
            "best_within_slo": None if chosen.best_within_slo is None else rows[chosen.best_within_slo],
            "recommended": None if chosen.recommended is None else rows[chosen.recommended],
            "default": rows[chosen.default],
        },
        front=sorted((row for row in ranked if row.front), key=lambda row: _known(row.p95)),
        cost_front=sorted(
            (row for row in ranked if row.cost_front), key=lambda row: _known(row.busy_s_per_audio_hour)
        ),
        figures={name: f"{_FIGURES}/{name}" for name in figures},
        names=sweep_figures,
        mark=lambda row: _mark(words, row, chosen),
        points=points,
        held_out=_held_out(found.holdout),
        interval=interval,
        chance=chance,
        number=number,
        share=share,
        bounds=bounds,
        overrides=lambda row: " ".join(cell(word) for word in row.overrides),
        scale=f"{100 * found.confidence:g} %",
        machine=machine_line(found.machine),
    )


def _known(figure: _Figure | None) -> float:
    """The number of a setting on a front, which always has one."""
    return 0.0 if figure is None or figure.value is None else figure.value


def _held_out(holdout: Holdout | None) -> str:
    """The chosen setting's difference from the default on the speakers without a say; empty for none."""
    return "" if holdout is None or holdout.difference is UNSET else points(holdout.difference)


class _Figure(Protocol):
    """A number with bounds."""

    @property
    def value(self) -> float | None:
        """The number."""

    @property
    def low(self) -> float | None:
        """Its lower bound."""

    @property
    def high(self) -> float | None:
        """Its upper bound."""


def points(figure: _Figure) -> str:
    """A difference in points with its interval: `+2.1 [-0.4, +4.6]`."""
    if figure.value is None:
        return "–"
    text = f"{100 * figure.value:+.1f}"
    if figure.low is None or figure.high is None:
        return text
    return f"{text} [{100 * figure.low:+.1f}, {100 * figure.high:+.1f}]"


def interval(figure: _Figure | None, digits: int = 1) -> str:
    """A number with its bounds; a dash for none."""
    if figure is None or figure.value is None:
        return "–"
    return f"{figure.value:.{digits}f} {bounds(figure, 1, digits)}".rstrip()


def chance(p: float | None) -> str:
    """A p-value, as small as 20,000 draws can tell; a dash for none."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _mark(words: Wording, row: SettingFigures, chosen: Chosen) -> str:
    """What a setting is, beside its name in the table."""
    marks = {
        "recommended": chosen.recommended,
        "default": chosen.default,
        "best_within_slo": chosen.best_within_slo,
    }
    return ", ".join(words(f"sweep.marks.{name}") for name, number in marks.items() if number == row.number)
