"""`python -m sv_eval.plan ...`: how many clips, speakers and calls a question needs, and how long that takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sv_eval.cli.commands import COMMANDS
from sv_eval.cli.words import parse
from sv_eval.errors import UsageError
from sv_eval.machine.terminal import give, say

if TYPE_CHECKING:
    from sv_eval.studies.plan.planning import Need

_HELP = """\
usage: sv-eval plan [RUN [RUN]] KEY=VALUE ...

Says before anything is measured how many speakers, clips and calls a question takes, and how long. What it needs to
know comes from pilot runs, or is assumed.

  sv-eval plan A B margin=0.02                    two runs over the same clips say how changes vary
  sv-eval plan margin=0.02 flips=0.1 uneven=0.02  assumed: a tenth of the clips turns right or wrong, speakers'
                                                  own changes differ by 2 points (standard deviation)
  sv-eval plan A B drop=0.03 speakers=40          of so many speakers, how many clips of each?
  sv-eval plan RUN percentile=p95 width=0.05      calls until p95 is known to 5 % on either side

  margin=0.02        a loss that may be: what shows that a change which makes nothing worse keeps it
  drop=0.03          a loss that must be found
  figure=uar         or accuracy
  percentile=p95     p50, p95, p99; width=0.05, confidence=0.95
  alpha=0.05         the chance of a false alarm
  power=0.8          how surely the answer is to be given
  flips, uneven      instead of the pilot's
  clips_each=50      clips of a speaker; speakers=N: so many can be had
  seconds_a_clip     instead of the pilot's

Exit codes: 0 done, 2 wrong usage, or nothing that could be had is enough.
"""


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(arguments: Sequence[str]) -> None:
    """Do what the words say."""
    from sv_eval.errors import ConfigError
    from sv_eval.finished.reading import read_run
    from sv_eval.studies.plan.planning import plan, plan_config_from

    typed = parse(arguments, COMMANDS["plan"])
    if len(typed.names) > 2:
        raise UsageError("two pilot runs at most: sv-eval plan A B margin=0.02")
    settings: dict[str, Any] = {key: _value(key, value) for key, value in typed.settings.items()}
    config = plan_config_from(settings)
    runs = [read_run(Path(name)) for name in typed.names]
    pilot, against = (*runs, None, None)[:2]
    known, needs = plan(config, pilot, against)
    for line in (*known, *(_line(need) for need in needs)):
        say(line)
    give(result={"known": known, "needs": [asdict(need) for need in needs]})
    if lacking := [need for need in needs if need.clips is None]:
        raise ConfigError(f"{lacking[0].question}: {lacking[0].note}")


def _value(key: str, value: str) -> Any:
    if key in ("figure", "percentile"):
        return value
    try:
        return int(value) if key == "speakers" else float(value)
    except ValueError:
        raise UsageError(f"{key}={value}: give a number") from None


def _line(need: Need) -> str:
    if need.clips is None:
        return f"{need.question}: {need.note}"
    parts = [f"{need.clips} calls" if need.speakers is None else f"{need.clips} clips of {need.speakers} speakers"]
    if need.power is not None:
        parts.append(f"with power {need.power:.2f}")
    if need.hours is not None:
        minutes = need.hours * 60
        parts.append(f"about {minutes:.1f} minutes" if minutes < 90 else f"about {need.hours:.1f} hours")
    return f"{need.question}: {', '.join(parts)}"
