"""The files that end a sweep: `sweep.md`, `sweep.json` and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sv_eval.errors import RunIncomplete
from sv_eval.finished.both_forms import write_both
from sv_eval.report.codec import as_json
from sv_eval.report.run_directory import FIGURES, write_json, write_text
from sv_eval.report.sweep import SweepFile, Tuning, WhyChosen
from sv_eval.scoring.config import ScoringConfig
from sv_eval.studies.sweep.analysis import analyse
from sv_eval.studies.sweep.config import SweepConfig
from sv_eval.studies.sweep.plan import Setting
from sv_eval.studies.sweep.runs import read_runs

REPORT, RESULT = "sweep.md", "sweep.json"
_WHY: Mapping[WhyChosen, str] = {
    "better": "better than the default by more than noise",
    "default_breaks_slo": "the highest UAR that keeps it; the default does not",
    "noise": "the default; no other is better by more than noise",
    "untested": "the default; whether another is better can't be seen from these clips",
    "default_is_best": "the default, with the highest UAR",
}
"""What `sweep.why` of the report says, for a terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """What a sweep found."""

    found: SweepFile
    """What sweep.json holds."""
    path: Path
    """The report."""
    headline: str
    """Its first lines, for a terminal."""


def write_report(
    directory: Path,
    settings: Sequence[Setting],
    options: SweepConfig,
    scoring: ScoringConfig,
    language: str,
    *,
    command: str,
    tuning: Tuning | None = None,
) -> SweepResult | None:
    """Analyse the runs below `directory` and write the report. Raises RunIncomplete when no setting has a result.

    None comes back, and nothing is written, when the settings are of different clips: there is nothing to compare.
    command: what was called, for the report. tuning: how the settings were come by, where no grid was.
    """
    from sv_eval.reports.sweep import render_sweep
    from sv_eval.reports.sweep_figures import draw_sweep

    runs, missing = read_runs(directory, [one for one in settings if not one.again])
    again, _ = read_runs(directory, [one for one in settings if one.again])
    if not runs:
        raise RunIncomplete(f"no setting of the sweep has a result; the first: {next(iter(missing.values()))}")
    if len({run.environment.dataset.hash for run in runs}) > 1:
        return None
    found = analyse(
        runs,
        missing,
        [one for one in settings if not one.again],
        options,
        scoring,
        again=again,
        command=command,
        directory=str(directory),
        tuning=tuning,
    )
    write_json(directory / RESULT, as_json(found))
    drawn = draw_sweep(found, language)
    for name, drawing in drawn.items():
        write_text(directory / FIGURES / name, drawing)
    path = directory / REPORT
    text = render_sweep(found, language, figures=list(drawn))
    write_both(path, text, language=language, figures={f"{FIGURES}/{name}": one for name, one in drawn.items()})
    return SweepResult(found=found, path=path, headline=headline(found))


def headline(found: SweepFile) -> str:
    """How many settings, the recommended one, and why."""
    choice, rows = found.choice, {row.number: row for row in found.settings}
    lines = [f"{len(rows)} of {found.n_settings} settings have a result"]
    if found.n_left_out:
        lines[0] += f", over {found.n_clips} clips; left out, since a setting failed on them: {found.n_left_out}"
    if len(rows) == 1:
        return lines[0]
    if choice.recommended is None:
        lines.append(f"no setting surely keeps p95 <= {found.slo_p95_ms:g} ms")
    else:
        name = rows[choice.recommended].name
        lines.append(f"recommended under p95 <= {found.slo_p95_ms:g} ms: {name} ({_WHY[choice.why]})")
    number = choice.best if choice.best_within_slo is None else choice.best_within_slo
    best = None if number is None else rows[number]
    if best is not None and not best.default and best.difference.value:
        difference = best.difference
        p = "not tested" if difference.p is None else f"adjusted p {difference.p:.3g}"
        lines.append(f"best: {best.name}, UAR {difference.value:+.3f} against the default ({p})")
    return "\n".join(lines)
