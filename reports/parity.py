"""The report of a parity check, as Markdown."""

from __future__ import annotations

from sv_eval.foreign_text import cell, each_text, inert
from sv_eval.report.parity import ParityResult
from sv_eval.reports.markdown import machine_line, template
from sv_eval.reports.wording import Wording, number

_FLIPS = 50


def render_parity(result: ParityResult, language: str = "en") -> str:
    """The report on a parity check, in `language` (`en` or `zh`)."""
    words, result = Wording(language), each_text(result, inert)
    return template("parity.md.j2").render(
        w=words,
        r=result,
        sides=list(zip("AB", result.sides, strict=True)),
        settings=[
            ", ".join(f"{key} {cell(value)}" for key, value in side.details.items()) for side in result.sides
        ],
        flips=result.flips.clips[:_FLIPS],
        machine=machine_line(result.environment.machine),
        untraced=len({row.clip for row in result.untraced}),
        number=number,
        first=", ".join(
            f"{words('parity.stages.' + name)} ({count})" for name, count in result.stages.first.items()
        ),
        int8=[name for name, side in zip("AB", result.sides, strict=True) if side.precision == "int8"],
    )
