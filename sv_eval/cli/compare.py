"""`python -m sv_eval.compare A B [C ...]`: finished runs side by side, tested on pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sv_eval.cli.command import main_of
from sv_eval.errors import ConfigError, UsageError, nearest
from sv_eval.machine.terminal import relative, say

_HELP = """\
usage: python -m sv_eval.compare A B [C ...] [policy=wrong|abstain|ban] [confidence=0.95] [resamples=10000] [seed=0]
                                 [report.language=en|zh] [out=DIR]

Compares finished runs over the same corpus: run directories, or baseline files. Differences of UAR, accuracy,
macro F1 and recall with intervals over speakers and adjusted p-values, McNemar's test, latency ratios, agreement,
the clips that flip, groups by sex and language, and a plot of accuracy against latency.

Clips that not all of the runs have are left out, and the report says so; so are classes that not all are scored on.
Latencies are only compared within one class of device and one load.

  policy       what becomes of an answer without an emotion; by default that of A
  out=DIR      default: runs/comparisons/<A>_<B>[_<C>...]; holds compare.md, compare.json and figures/

Exit codes: 0 done, 1 error, 2 wrong usage or configuration.
"""
_LONGEST_NAME = 200
"""Letters of a folder's name; file systems take 255."""
_KEYS = ("policy", "confidence", "resamples", "seed", "report.language", "out")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code comes back."""
    return main_of(arguments, _HELP, _compare)


def _compare(arguments: Sequence[str]) -> None:
    from sv_eval.finished.rescore import report_config_from
    from sv_eval.scoring.config import scoring_config_from
    from sv_eval.studies.compare.entrants import short_names
    from sv_eval.studies.compare.writing import write_comparison

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
    options.pop("policy")
    names = "_".join(name.replace("/", "-") for name in short_names(sources))[:_LONGEST_NAME]
    directory = Path(given.get("out") or f"runs/comparisons/{names}")
    command = ["python", "-m", "sv_eval.compare", *arguments]
    policy = given.get("policy")
    for line in write_comparison(directory, sources, options, language=language, command=command, policy=policy):
        say(line)
    say(f"report: {relative(directory / 'compare.md')}")


def _number(key: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ConfigError(f"{key}={text}: give a number")
    return number
