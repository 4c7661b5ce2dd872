"""The gate tried on itself: pairs of runs with nothing changed, with planted regressions, and with sabotages.

A planted loss turns right answers into wrong ones, a planted slowdown stretches latencies: `sv_eval.studies.gate.
simulation`. Sabotages make a run worse where plain figures don't look: `sv_eval.studies.gate.sabotages`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from sv_eval.config.structure import structure
from sv_eval.errors import EXIT_PASS, ConfigError, UsageError, nearest
from sv_eval.machine.terminal import say
from sv_eval.report.verdict import Verdict
from sv_eval.scoring.shares import clopper_pearson
from sv_eval.studies.gate.config import GateConfig
from sv_eval.studies.gate.judging import judge
from sv_eval.studies.gate.sabotages import SABOTAGES
from sv_eval.studies.gate.settings import gate_settings
from sv_eval.studies.gate.simulation import Drawn, SimulationConfig, honest_pair, subject_of_drawn, worse

_RESAMPLES = 1000
_APART = 1_000_003

Change = Callable[[Drawn, Drawn, np.random.Generator], tuple[Drawn, Drawn]]
"""What is done to a pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelftestConfig(SimulationConfig):
    """What is simulated, and how often."""

    pairs: int = 500
    """Pairs of runs of each kind."""
    drop: float = 0.03
    """The planted loss of UAR, a share."""
    slowdown: float = 1.2
    """The planted factor on latency."""
    sabotages: int = 0
    """Pairs of each sabotage; with any, sabotages alone are tried."""

    def __post_init__(self) -> None:
        SimulationConfig.__post_init__(self)
        if self.pairs < 1:
            raise ConfigError("selftest: pairs are 1 or more")
        if not 0 <= self.drop < self.accuracy or self.slowdown <= 0 or self.sabotages < 0:
            raise ConfigError("selftest: drop is below accuracy, slowdown above 0, sabotages 0 or more")


def selftest(arguments: Sequence[str]) -> int:
    """Run the simulation, print the rates; the exit code comes back."""
    known = [item.name for item in fields(SelftestConfig)]
    given: dict[str, str] = {}
    settings: dict[str, Any] = {}
    for word in arguments:
        key, equals, value = word.partition("=")
        if equals and (key == "gate" or key.startswith("gate.")):
            given[key] = value
        elif equals and key in known:
            settings[key] = _number(key, value)
        else:
            raise UsageError(f"'{word}' is not understood; {nearest(key, [*known, 'gate'])} (see --help)")
    config = structure(SelftestConfig, settings, "selftest", ConfigError)
    gate = gate_settings(given)
    for line in sabotaged(gate, config) if config.sabotages else rates(gate, config):
        say(line)
    return EXIT_PASS


def _number(key: str, value: str) -> float | int:
    try:
        return int(value) if value.lstrip("-").isdigit() else float(value)
    except ValueError:
        raise UsageError(f"{key}={value}: give a number") from None


def rates(gate: GateConfig, config: SelftestConfig) -> list[str]:
    """A table of how the gate ended over simulated pairs, as Markdown lines."""
    kinds = {
        "nothing changed": (0.0, 1.0),
        f"UAR {100 * config.drop:g} points lower": (config.drop, 1.0),
        f"latency {config.slowdown:g} times": (0.0, config.slowdown),
    }
    lines = [
        f"gate {gate.name}, alpha {gate.alpha:g}: {config.pairs} pairs of {config.clips} clips of "
        f"{config.speakers} speakers and {min(config.requests, config.clips)} requests each",
        "",
        *_head("pairs", gate),
    ]
    if gate.sequential:
        # It looks at no latency.
        kinds.popitem()
    for number, (name, (drop, slowdown)) in enumerate(kinds.items()):
        found = verdicts(gate, config, drop=drop, slowdown=slowdown, seed=config.seed + _APART * number)
        lines.append(_row(name, found, gate))
    return lines


def sabotaged(gate: GateConfig, config: SelftestConfig) -> list[str]:
    """A table of how the gate ended over sabotaged pairs, as Markdown lines; each clip is one request."""
    lines = [
        f"gate {gate.name}, alpha {gate.alpha:g}: {config.sabotages} pairs of {config.clips} clips each",
        "",
        *_head("sabotage", gate),
    ]
    for number, one in enumerate(SABOTAGES):
        changed = replace(config, **{"requests": config.clips, **one.of})
        found = _verdicts(gate, changed, one.change, config.seed + _APART * number, config.sabotages)
        lines.append(_row(one.what, found, gate))
    return lines


@dataclass(frozen=True, slots=True)
class Endings:
    """How a gate ended over many pairs."""

    verdicts: Counter[Verdict]
    """How often how."""
    looked_at: float
    """The mean share of the clips that were compared."""


def _head(what: str, gate: GateConfig) -> tuple[str, str]:
    more = (" clips it took |", "---:|") if gate.sequential else ("", "")
    return (
        f"| {what} | pass | inconclusive | fail | fail, 95 % interval |{more[0]}",
        f"|---|---:|---:|---:|---|{more[1]}",
    )


def _row(name: str, found: Endings, gate: GateConfig) -> str:
    n = found.verdicts.total()
    low, high = clopper_pearson(found.verdicts[Verdict.FAIL], n, 0.95)
    shares = " | ".join(f"{found.verdicts[verdict] / n:.3f}" for verdict in Verdict)
    passed, failed, unsure = shares.split(" | ")
    more = f" {found.looked_at:.2f} |" if gate.sequential else ""
    return f"| {name} | {passed} | {unsure} | {failed} | {low:.3f} to {high:.3f} |{more}"


def verdicts(gate: GateConfig, config: SelftestConfig, *, drop: float, slowdown: float, seed: int) -> Endings:
    """How often the gate ended how over pairs with this planted loss of UAR and factor on latency."""

    def change(before: Drawn, after: Drawn, rng: np.random.Generator) -> tuple[Drawn, Drawn]:
        return before, worse(after, rng, drop=drop, slowdown=slowdown)

    return _verdicts(gate, config, change, seed, config.pairs)


def _verdicts(gate: GateConfig, config: SelftestConfig, change: Change, seed: int, pairs: int) -> Endings:
    rng = np.random.default_rng(seed)
    quick = replace(gate, resamples=min(gate.resamples, _RESAMPLES))
    found: Counter[Verdict] = Counter()
    looked_at = 0.0
    for number in range(pairs):
        before, after = (subject_of_drawn(drawn, config, rng) for drawn in change(*honest_pair(config, rng), rng))
        # Of a sequential gate the corpus decides on the order, and there are as many as there are pairs.
        if quick.sequential:
            before, after = (
                replace(one, identity={**one.identity, "dataset_hash": f"simulated {seed} {number}"})
                for one in (before, after)
            )
        result = judge(after, before, quick)
        found[result.verdict] += 1
        looked_at += result.pairs / config.clips
    return Endings(found, looked_at / pairs)
