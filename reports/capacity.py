"""The report of a capacity search, as Markdown, with its figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sv_eval.foreign_text import cell, each_text, inert
from sv_eval.reports.figures import INK, MARK, STYLE, plot, svg
from sv_eval.reports.markdown import template
from sv_eval.reports.wording import Wording, number, share

CURVE = "capacity.svg"

_KEPT = "#2a7f62"
_VERDICTS = {"kept": (_KEPT, "o"), "broken": (MARK, "x"), "untold": ("#8c959f", "+")}


def render_capacity(result: Mapping[str, Any], language: str = "en", *, figure: str = f"figures/{CURVE}") -> str:
    """The report on what capacity.json holds, in `language` (`en` or `zh`); `figure` is where the drawing lies."""
    words, command = Wording(language), " ".join(["python -m sv_eval.capacity", *result["overrides"]])
    result = each_text(result, inert)
    return template("capacity.md.j2").render(
        w=words,
        r=result,
        c=result["capacity"],
        slo=", ".join(f"{name} ≤ {limit:g} ms" for name, limit in result["slo"].items()),
        trials=sorted(result["trials"], key=lambda trial: trial["rate"]),
        plain=lambda value: f"{value:g}",
        settings=", ".join(f"{key} {cell(value)}" for key, value in result["backend"]["details"].items()),
        command=command,
        figure=figure,
        number=number,
        share=share,
    )


def draw_capacity(result: Mapping[str, Any]) -> dict[str, str]:
    """File name to SVG: answers a second, and the 95th percentile, against load. Words in it are English."""
    import matplotlib

    trials = [one for one in result["trials"] if one["p95_ms"] is not None and one["sent_per_s"]]
    curve = [one for one in result["curve"] if one["p95_ms"] is not None and one["answered_per_s"]]
    if not trials and not curve:
        return {}
    with matplotlib.rc_context(STYLE):
        drawing, axes = plot(width=5.6, height=2.6, left=0.7, bottom=0.55)
        for verdict, (colour, marker) in _VERDICTS.items():
            chosen = [one for one in trials if one["verdict"] == verdict]
            if chosen:
                x, y = [one["rate"] for one in chosen], [one["p95_ms"] for one in chosen]
                axes.scatter(x, y, c=colour, marker=marker, s=22, label=f"Poisson, {verdict}", zorder=3)
        if curve:
            x, y = [one["answered_per_s"] for one in curve], [one["p95_ms"] for one in curve]
            axes.plot(x, y, color="#4878a8", marker=".", linewidth=1, label="callers who wait")
            for one in curve:
                knee = " (knee)" if one["concurrency"] == result["knee"] else ""
                axes.annotate(f"{one['concurrency']}{knee}", (one["answered_per_s"], one["p95_ms"]),
                              xytext=(4, -9), textcoords="offset points", fontsize=7)  # fmt: skip
        if "p95" in result["slo"]:
            axes.axhline(result["slo"]["p95"], color=INK, linewidth=0.8, linestyle="--")
        low, high = result["capacity"]["low_per_s"], result["capacity"]["high_per_s"]
        if result["capacity"]["kept_per_s"] is not None:
            axes.axvline(result["capacity"]["kept_per_s"], color=_KEPT, linewidth=0.8, linestyle=":")
            if None not in (low, high):
                axes.axvspan(low, high, color=_KEPT, alpha=0.12, linewidth=0)
        axes.set_yscale("log")
        # Room for the last number of callers.
        axes.set_xlim(0, 1.15 * axes.get_xlim()[1])
        axes.set_xlabel("requests a second (callers who wait: answers a second)")
        axes.set_ylabel("p95, ms")
        axes.legend(frameon=False, fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        return {CURVE: svg(drawing)}
