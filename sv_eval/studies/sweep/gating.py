"""The gate at the end of a sweep over conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sv_eval.errors import ConfigError
from sv_eval.studies.gate.config import RESAMPLING, GateConfig, gate_config_from
from sv_eval.studies.gate.drops import judge_drops
from sv_eval.studies.gate.reporting import conclude
from sv_eval.studies.robustness.heard import Atlas, read_atlas


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SweepGate:
    """What a sweep over conditions is held against."""

    config: GateConfig
    """The rules."""
    baseline: Atlas
    """The other sweep."""

    def judge(self, directory: Path, language: str) -> None:
        """Judge the finished sweep; raises GateFailed or GateInconclusive unless it passes."""
        conclude(directory, judge_drops(read_atlas(directory), self.baseline, self.config), language)


def sweep_gate_from(
    settings: Mapping[str, Any], scoring: Mapping[str, Any], *, over_conditions: bool
) -> SweepGate | None:
    """The gate of a whole sweep; None where the settings describe none, or one of single runs.

    The baseline is read now: one that is missing must not be noticed after the runs. Raises ConfigError where the
    sweep is none over conditions.
    """
    config = gate_config_from({**{key: scoring[key] for key in RESAMPLING if key in scoring}, **settings})
    if not config.of_sweeps:
        return None
    if not over_conditions:
        raise ConfigError(f"gate={config.name} judges sweeps over conditions alone, such as sweep=atlas")
    if config.baseline is None:
        raise ConfigError(f"gate={config.name} compares with another sweep: give gate.baseline=DIR")
    return SweepGate(config=config, baseline=read_atlas(Path(config.baseline).expanduser()))
