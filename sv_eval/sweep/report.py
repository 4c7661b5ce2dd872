"""The files that end a sweep: `sweep.md`, `sweep.json` and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sv_eval.errors import RunIncomplete
from sv_eval.report.codec import as_json
from sv_eval.run_directory import FIGURES, write_json, write_text
from sv_eval.scoring.config import ScoringConfig
from sv_eval.sweep.analysis import analyse, steadiness
from sv_eval.sweep.config import SweepConfig
from sv_eval.sweep.plan import Setting
from sv_eval.sweep.runs import read_runs

REPORT, RESULT = "sweep.md", "sweep.json"
_WHY = {
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

    data: dict[str, Any]
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
    tuning: dict[str, Any] | None = None,
) -> SweepResult | None:
    """Analyse the runs below `directory` and write the report. Raises RunIncomplete when no setting has a result.

    None comes back, and nothing is written, when the settings are of different clips: there is nothing to compare.
    command: what was called, for the report. tuning: how the settings were come by, where no grid was.
    """
    from reports.sweep import render_sweep
    from reports.sweep_figures import draw_sweep

    runs, missing = read_runs(directory, [one for one in settings if not one.again])
    again, _ = read_runs(directory, [one for one in settings if one.again])
    if not runs:
        raise RunIncomplete(f"no setting of the sweep has a result; the first: {next(iter(missing.values()))}")
    if len({run.environment.dataset.hash for run in runs}) > 1:
        return None
    data = analyse(runs, missing, [one for one in settings if not one.again], options, scoring)
    data["steadiness"] = steadiness(runs, again)
    data |= {"command": command, "directory": str(directory), "tuning": tuning}
    write_json(directory / RESULT, as_json(data))
    drawn = draw_sweep(data)
    for name, drawing in drawn.items():
        write_text(directory / FIGURES / name, drawing)
    path = directory / REPORT
    write_text(path, render_sweep(data, language, figures=list(drawn)))
    return SweepResult(data=data, path=path, headline=_headline(data))


def _headline(data: dict[str, Any]) -> str:
    """How many settings, the recommended one, and why."""
    choice, rows = data["choice"], {row["number"]: row for row in data["settings"]}
    lines = [f"{len(rows)} of {data['n_settings']} settings have a result"]
    if len(rows) == 1:
        return lines[0]
    if choice["recommended"] is None:
        lines.append(f"no setting surely keeps p95 <= {data['slo_p95_ms']:g} ms")
    else:
        row = rows[choice["recommended"]]
        lines.append(f"recommended under p95 <= {data['slo_p95_ms']:g} ms: {row['name']} ({_WHY[choice['why']]})")
    best = rows.get(choice["best_within_slo"], rows.get(choice["best"]))
    if best is not None and not best["default"] and best["difference"].value:
        found = best["difference"]
        p = "not tested" if found.p is None else f"adjusted p {found.p:.3g}"
        lines.append(f"best: {best['name']}, UAR {found.value:+.3f} against the default ({p})")
    return "\n".join(lines)
