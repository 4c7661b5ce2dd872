"""`python -m sv_eval.compare A B [C ...]`: finished runs side by side, tested on pairs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sv_eval.command import main_of, relative, say
from sv_eval.errors import ConfigError, UsageError, nearest

_HELP = """\
usage: python -m sv_eval.compare A B [C ...] [policy=wrong|abstain|ban] [confidence=0.95] [resamples=10000] [seed=0]
                                 [report.language=en|zh] [out=DIR]

Compares finished runs over the same corpus: run directories, or baseline files. Differences of UAR, accuracy,
macro F1 and recall with intervals over speakers and adjusted p-values, McNemar's test, latency ratios, agreement,
the clips that flip, groups by sex and language, and a plot of accuracy against latency.

Clips that not all of the runs have are left out, and the report says so; so are classes that not all are scored on.
Latencies are only compared within one class of device and one load.

  policy       what becomes of an answer without an emotion; by default that of A
  out=DIR      default: runs/comparisons/<A>_<B>; holds compare.md, compare.json and figures/

Exit codes: 0 done, 1 error, 2 wrong usage or configuration.
"""
_KEYS = ("policy", "confidence", "resamples", "seed", "report.language", "out")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code comes back."""
    return main_of(arguments, _HELP, _compare)


def _compare(arguments: Sequence[str]) -> None:
    from reports.compare import TRADE_OFF, draw_compare, render_compare
    from sv_eval.compare.comparing import compare
    from sv_eval.compare.entrants import entrants_of
    from sv_eval.rescore import report_config_from
    from sv_eval.run_directory import FIGURES, write_json, write_text
    from sv_eval.scoring.config import scoring_config_from

    sources = [word for word in arguments if word.partition("=")[0] not in _KEYS]
    given = dict(word.split("=", 1) for word in arguments if word not in sources)
    if wrong := [word for word in sources if "=" in word and not Path(word).exists()]:
        raise UsageError(
            f"'{wrong[0]}' is not understood; {nearest(wrong[0].partition('=')[0], _KEYS)} (see --help)"
        )
    if len(sources) < 2:
        raise UsageError("two runs at least are needed: python -m sv_eval.compare A B")
    language = report_config_from({"language": given.get("report.language", "en")}).language
    options: dict[str, Any] = {
        "policy": given.get("policy", "wrong"),
        "confidence": _number("confidence", given.get("confidence", "0.95")),
        "resamples": int(_number("resamples", given.get("resamples", "10000"))),
        "seed": int(_number("seed", given.get("seed", "0"))),
    }
    scoring_config_from(options)
    entrants = entrants_of(sources, given.get("policy"))
    options.pop("policy")
    found = compare(entrants, **options) | {"command": ["python", "-m", "sv_eval.compare", *arguments]}
    names = "_".join(name.replace("/", "-") for name in entrants.names[:2])
    directory = Path(given.get("out") or f"runs/comparisons/{names}")
    write_json(directory / "compare.json", found)
    write_text(directory / FIGURES / TRADE_OFF, draw_compare(found))
    write_text(directory / "compare.md", render_compare(found, language, figure=f"{FIGURES}/{TRADE_OFF}"))
    for line in _headlines(found):
        say(line)
    say(f"report: {relative(directory / 'compare.md')}")


def _number(key: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"{key}={text}: give a number") from None


def _headlines(found: dict[str, Any]) -> list[str]:
    lines = [f"{found['n_clips']} common clips, {', '.join(found['labels'])}"]
    for pair in found["pairs"]:
        uar = pair["differences"]["uar"]
        line = f"{pair['before']} -> {pair['after']}: "
        if uar["value"] is None:
            line += f"no UAR ({uar.get('reason')})"
        else:
            line += f"UAR {100 * uar['before']:.1f} -> {100 * uar['after']:.1f}, {100 * uar['value']:+.1f} points"
        if uar["low"] is not None:
            line += f" [{100 * uar['low']:+.1f}, {100 * uar['high']:+.1f}], p = {uar['p_adjusted']:.3g}"
        p95 = pair["latency_ratio"].get("p95")
        if p95 and p95["value"] is not None:
            line += f"; p95 {p95['value']:.3g} times"
        lines.append(line)
    return lines


if __name__ == "__main__":
    sys.exit(main())
