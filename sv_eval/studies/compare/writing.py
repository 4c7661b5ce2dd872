"""A comparison from its sources to its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sv_eval.finished.both_forms import write_both
from sv_eval.report.codec import as_json
from sv_eval.report.comparison import Comparison, PairOfRuns
from sv_eval.report.run_directory import FIGURES, write_json, write_text
from sv_eval.studies.compare.comparing import compare
from sv_eval.studies.compare.entrants import entrants_of

_REFUSED: Mapping[str, str] = {
    "latency_refused": "one of them is no result",
    "other_device": "measured on different classes of device",
    "other_load": "measured under different loads",
    "other_clips": "they are of other clips as well",
}
"""Why two latencies are no figures of one kind, for a terminal; the report says more."""


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

    options are confidence, resamples, seed and margin; policy None takes that of the first run.
    """
    found = compare(entrants_of(sources, policy), command=command, **options)
    keep_comparison(directory, found, language)
    return _headlines(found)


def keep_comparison(directory: Path, found: Comparison, language: str) -> None:
    """Write compare.md, compare.json and, where any latencies compare, the figure."""
    from sv_eval.reports.compare import TRADE_OFF, draw_compare, render_compare

    write_json(directory / "compare.json", as_json(found))
    if (drawn := draw_compare(found)) is not None:
        write_text(directory / FIGURES / TRADE_OFF, drawn)
    else:
        # One of an earlier comparison in this directory is none of this one.
        (directory / FIGURES / TRADE_OFF).unlink(missing_ok=True)
    figure = f"{FIGURES}/{TRADE_OFF}"
    text = render_compare(found, language, figure=figure)
    write_both(directory / "compare.md", text, language=language, figures={figure: drawn} if drawn else {})


def _headlines(found: Comparison) -> list[str]:
    """What was compared, and a line for each pair of runs."""
    lines = [", ".join([f"{found.n_clips} common clips", *found.labels])]
    if any(run.n_failed for run in found.runs):
        answered = (f"{run.name} {found.n_clips - (run.n_failed or 0)}" for run in found.runs)
        lines.append(f"answered: {', '.join(answered)}; each two are compared on what both answered")
    return [*lines, *map(_headline, found.pairs)]


def _headline(pair: PairOfRuns) -> str:
    """What changed between two runs, over how many clips, and what became of latency."""
    n = pair.n
    if pair.told_alone:
        n = max(one.n for one in (pair.dimensions or {}).values())
    parts = [f"{_told(pair) if pair.told_alone else _uar(pair)}, over {n} clips that both answered"]
    if pair.left_out:
        parts[0] += f" (none of {', '.join(pair.left_out)})"
    ratios = pair.latency_ratio
    if ratios.refused:
        parts.append(f"latency is not compared: {_REFUSED.get(ratios.refused, ratios.refused)}")
    for name, ratio in (("p50", ratios.p50), ("p95", ratios.p95)):
        if ratio and ratio.value is not None:
            parts.append(f"{name} {ratio.value:.3g} times")
    return f"{pair.before} -> {pair.after}: {'; '.join(parts)}"


def _told(pair: PairOfRuns) -> str:
    """What changed of the concordance of dimensions."""
    parts = []
    for name, one in (pair.dimensions or {}).items():
        if one.before is None or one.after is None:
            parts.append(f"no CCC of {name} ({one.reason or 'not given'})")
            continue
        bounds = "" if one.low is None or one.high is None else f" [{one.low:+.3f}, {one.high:+.3f}]"
        parts.append(f"CCC of {name} {one.before:.3f} -> {one.after:.3f}{bounds}")
    return ", ".join(parts)


def _uar(pair: PairOfRuns) -> str:
    from sv_eval.reports.suite import points
    from sv_eval.reports.wording import p_value

    uar = pair.differences.uar
    if uar.value is None or uar.before is None or uar.after is None:
        return f"no UAR ({uar.reason or 'not given'})"
    if pair.unchanged:
        return f"no figure changed, UAR {100 * uar.after:.1f}"
    equal = (pair.equivalence or {}).get("uar")
    alike = f", equally good within {100 * equal.margin:g}" if equal and equal.verdict == "equivalent" else ""
    line = f"UAR {100 * uar.before:.1f} -> {100 * uar.after:.1f}, {points(uar.value)} points"
    if uar.low is None or uar.high is None:
        return line
    return f"{line} [{points(uar.low)}, {points(uar.high)}], adjusted p {p_value(uar.p_adjusted)}{alike}"
