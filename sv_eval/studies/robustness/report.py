"""The files that end a sweep over conditions: `robustness.md`, `robustness.json` and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sv_eval.finished.both_forms import write_both
from sv_eval.report.codec import as_json
from sv_eval.report.robustness import RobustnessFile
from sv_eval.report.run_directory import FIGURES, write_json, write_text
from sv_eval.report.sweep import MissingSetting
from sv_eval.scoring.config import ScoringConfig
from sv_eval.studies.robustness.analysis import analyse
from sv_eval.studies.robustness.config import RobustConfig
from sv_eval.studies.robustness.heard import RESULT, Atlas, Published

REPORT = "robustness.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustnessResult:
    """What a sweep over conditions found."""

    found: RobustnessFile
    """What robustness.json holds."""
    path: Path
    """The report."""
    headline: str
    """Its first lines, for a terminal."""


def write_robustness(
    directory: Path,
    atlas: Atlas,
    missing: Sequence[MissingSetting],
    options: RobustConfig,
    scoring: ScoringConfig,
    language: str,
    *,
    baseline: Atlas | Published | None,
    command: str,
) -> RobustnessResult:
    """Analyse an atlas and write the report into `directory`. command: what was called, for the report."""
    from sv_eval.reports.robustness import render_robustness
    from sv_eval.reports.robustness_figures import draw_robustness

    found = analyse(atlas, missing, options, scoring, baseline=baseline, command=command)
    write_json(directory / RESULT, as_json(found))
    drawn = draw_robustness(found, language)
    for name, drawing in drawn.items():
        write_text(directory / FIGURES / name, drawing)
    path = directory / REPORT
    text = render_robustness(found, language, figures=list(drawn))
    write_both(path, text, language=language, figures={f"{FIGURES}/{name}": one for name, one in drawn.items()})
    return RobustnessResult(found=found, path=path, headline=headline(found))


def headline(found: RobustnessFile) -> str:
    """How many conditions, how many of them surely cost more than the margin, and the worst."""
    rows = found.conditions
    surely = sum(one.beyond == "surely" for one in rows)
    perhaps = sum(one.beyond == "perhaps" for one in rows)
    total = len(rows) + len(found.missing)
    lines = [f"{len(rows)} of {total} conditions have a result, over {found.n_clips} clips"]
    lines.append(f"UAR drops by more than {100 * found.margin:g} points: surely in {surely}, perhaps in {perhaps}")
    known = [one for one in rows if one.uar.value is not None]
    if known:
        worst = min(known, key=lambda one: one.uar.value or 0.0)
        lines.append(f"worst: {worst.name}, UAR {worst.uar.value or 0.0:+.3f} against the sound as it is")
    errors = found.errors
    if errors and errors.mce.value is not None:
        relative = "-" if errors.rmce.value is None else f"{errors.rmce.value:.2f}"
        lines.append(f"mCE {errors.mce.value:.2f}, rmCE {relative}, relative to {errors.baseline}")
    return "\n".join(lines)
