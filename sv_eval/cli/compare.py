"""`python -m sv_eval.compare A B [C ...]`: finished runs side by side, tested on pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sv_eval.cli.commands import COMMANDS
from sv_eval.cli.words import parse
from sv_eval.errors import ConfigError, UsageError
from sv_eval.machine.terminal import give, relative, say

_HELP = """\
usage: sv-eval compare A B [C ...] [scoring.policy=wrong|abstain|ban] [scoring.confidence=0.95] [scoring.seed=0]
                       [scoring.resamples=10000] [report.language=en|zh] [out=DIR] [--json]

Compares finished runs over the same corpus: run directories, or baseline files. Differences of UAR, accuracy,
macro F1 and recall with intervals over speakers and adjusted p-values, McNemar's test, latency ratios, agreement,
the clips that flip, groups by sex and language, and a plot of accuracy against latency.

Clips that not all of the runs have are left out, and the report says so; so are classes that not all are scored on.
Latencies are only compared within one class of device and one load.

  scoring.policy       what becomes of an answer without an emotion; by default that of A
  scoring.resamples    bootstrap resamples of whole speakers
  margin=0.02          what may lie between runs that count as equally good, as a share (two one-sided tests)
  out=DIR              default: runs/comparisons/<A>_<B>[_<C>...]; holds compare.md, compare.json and figures/

Exit codes: 0 done, 1 error, 2 wrong usage or configuration.
"""
_LONGEST_NAME = 200
"""Letters of a folder's name; file systems take 255."""


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(arguments: Sequence[str]) -> None:
    """Do what the words say."""
    from sv_eval.finished.rescore import report_config_from
    from sv_eval.report.run_directory import read_json
    from sv_eval.scoring.config import scoring_config_from
    from sv_eval.studies.compare.entrants import short_names
    from sv_eval.studies.compare.writing import write_comparison

    typed = parse(arguments, COMMANDS["compare"])
    sources, given = typed.names, typed.settings
    if len(sources) < 2:
        raise UsageError("two runs at least are needed: sv-eval compare A B")
    language = report_config_from({"language": given.get("report.language", "en")}).language
    options: dict[str, Any] = {
        "policy": given.get("scoring.policy", "wrong"),
        "confidence": _number("scoring.confidence", given.get("scoring.confidence", "0.95")),
        "resamples": int(_number("scoring.resamples", given.get("scoring.resamples", "10000"))),
        "seed": int(_number("scoring.seed", given.get("scoring.seed", "0"))),
    }
    scoring_config_from(options)
    options.pop("policy")
    options["margin"] = _number("margin", given.get("margin", "0.02"))
    if not 0 < options["margin"] < 1:
        raise UsageError(f"margin={options['margin']:g}: a share above 0 and below 1, such as 0.02")
    names = "_".join(name.replace("/", "-") for name in short_names(sources))[:_LONGEST_NAME]
    directory = Path(given.get("out") or f"runs/comparisons/{names}")
    command = ["python", "-m", "sv_eval.compare", *arguments]
    policy = given.get("scoring.policy")
    for line in write_comparison(directory, sources, options, language=language, command=command, policy=policy):
        say(line)
    say(f"report: {relative(directory / 'compare.md')}")
    give(result=read_json(directory / "compare.json"), directory=str(directory))


def _number(key: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ConfigError(f"{key}={text}: give a number")
    return number
