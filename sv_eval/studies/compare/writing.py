"""A comparison from its sources to its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sv_eval.report.codec import as_json
from sv_eval.report.comparison import Comparison
from sv_eval.report.run_directory import FIGURES, write_json, write_text
from sv_eval.studies.compare.comparing import compare
from sv_eval.studies.compare.entrants import entrants_of


def write_comparison(
    directory: Path,
    sources: Sequence[str],
    options: Mapping[str, Any],
    *,
    language: str,
    command: Sequence[str],
    policy: str | None = None,
) -> list[str]:
    """Compare the runs and write compare.md, compare.json and the figure; the headlines come back.

    options are confidence, resamples and seed; policy None takes that of the first run.
    """
    found = compare(entrants_of(sources, policy), command=command, **options)
    keep_comparison(directory, found, language)
    return _headlines(found)


def keep_comparison(directory: Path, found: Comparison, language: str) -> None:
    """Write compare.md, compare.json and the figure."""
    from sv_eval.reports.compare import TRADE_OFF, draw_compare, render_compare

    write_json(directory / "compare.json", as_json(found))
    write_text(directory / FIGURES / TRADE_OFF, draw_compare(found))
    write_text(directory / "compare.md", render_compare(found, language, figure=f"{FIGURES}/{TRADE_OFF}"))


def _headlines(found: Comparison) -> list[str]:
    """A line for each pair of runs."""
    from sv_eval.reports.suite import points
    from sv_eval.reports.wording import p_value

    lines = [f"{found.n_clips} common clips, {', '.join(found.labels)}"]
    for pair in found.pairs:
        uar = pair.differences.uar
        line = f"{pair.before} -> {pair.after}: "
        if uar.value is None or uar.before is None or uar.after is None:
            line += f"no UAR ({uar.reason or None})"
        else:
            line += f"UAR {100 * uar.before:.1f} -> {100 * uar.after:.1f}, {points(uar.value)} points"
        if uar.low is not None and uar.high is not None:
            line += f" [{points(uar.low)}, {points(uar.high)}], adjusted p {p_value(uar.p_adjusted)}"
        for name, ratio in (("p50", pair.latency_ratio.p50), ("p95", pair.latency_ratio.p95)):
            if ratio and ratio.value is not None:
                line += f"; {name} {ratio.value:.3g} times"
        lines.append(line)
    return lines
