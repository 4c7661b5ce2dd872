"""What a suite is: corpora, switches with their values, and the published table to set beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sv_eval.config.structure import structure
from sv_eval.errors import ConfigError, nearest
from sv_eval.scoring.references import published

DESIGNS = ("one_at_a_time", "full")
_WITHOUT_INFERENCE = ("scoring", "labels")


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusChoice:
    """One set of a suite."""

    dataset: str
    """The choice of `conf/dataset/`."""
    more: tuple[str, ...] = ()
    """Further settings of it, as the command line takes them."""
    bundled: bool = False
    """Whether its audio comes with sv_eval, so that no root need be given."""


Switch = Mapping[str, tuple[str, ...]]
"""A switch's values, each with its settings as the command line takes them; the first one is the base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A suite, as `conf/suite/*.yaml` describes it."""

    name: str
    """What reports call it."""
    sets: Mapping[str, CorpusChoice]
    """By name."""
    switches: Mapping[str, Switch]
    """By name."""
    roots: Mapping[str, str | None] = field(default_factory=dict)
    """Set to the folder of its audio; a set without one is left out."""
    reference: str | None = None
    """The table of `references.yaml` that is set beside; None for none."""

    def __post_init__(self) -> None:
        if not self.sets:
            raise ConfigError(f"suite '{self.name}' has no sets; give suite.sets={{NAME: {{dataset: NAME}}}}")
        for name, switch in self.switches.items():
            if not switch:
                raise ConfigError(f"suite.switches.{name} has no value; give {{VALUE: [KEY=VALUE, ...]}}")
            if len({needs_inference(settings) for settings in switch.values()}) > 1:
                raise ConfigError(
                    f"suite.switches.{name}: some of its values are about scoring alone and some are not; "
                    "make two switches of it"
                )
        for name in self.roots:
            if name not in self.sets:
                raise ConfigError(f"suite.roots: '{name}' is no set of the suite; {nearest(name, self.sets)}")
        if self.reference is not None and self.reference not in published():
            raise ConfigError(f"suite.reference={self.reference}: {nearest(self.reference, published())}")

    @property
    def base(self) -> dict[str, str]:
        """The first value of every switch."""
        return {name: next(iter(switch)) for name, switch in self.switches.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteConfig:
    """The configuration of the command, without backend, load, run and report."""

    suite: Suite
    """Which sets under which switches."""
    design: str = DESIGNS[0]
    """Which combinations of the switches' values are measured."""
    limit: int | None = None
    """At most so many clips of each set."""

    def __post_init__(self) -> None:
        if self.design not in DESIGNS:
            raise ConfigError(f"design={self.design} is not known; {nearest(self.design, DESIGNS)}")
        if not self.chosen:
            example = next(iter(self.suite.sets))
            raise ConfigError(
                f"suite={self.suite.name}: no set has its audio; give at least one root, e.g. "
                f"suite.roots.{example}=DIR (sets: {', '.join(self.suite.sets)})"
            )

    @property
    def chosen(self) -> dict[str, CorpusChoice]:
        """The sets that can be measured."""
        roots = self.suite.roots
        return {name: one for name, one in self.suite.sets.items() if one.bundled or roots.get(name)}


def suite_config_from(settings: Mapping[str, Any]) -> SuiteConfig:
    """The configuration in `settings`; a wrong key or type is a ConfigError."""
    return SuiteConfig(
        suite=structure(Suite, settings.get("suite") or {}, "suite", ConfigError),
        design=str(settings.get("design", DESIGNS[0])),
        limit=settings.get("limit"),
    )


def needs_inference(settings: tuple[str, ...]) -> bool:
    """Whether settings change records; those that are about scoring alone don't."""
    return any(
        setting.lstrip("+").partition("=")[0].split(".")[0] not in _WITHOUT_INFERENCE for setting in settings
    )
