"""Which combinations of a suite's switches are measured, and which inference runs they rest on."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from sv_eval.studies.suite.config import Suite, needs_inference


@dataclass(frozen=True, slots=True)
class Combination:
    """A value for every switch."""

    values: tuple[tuple[str, str], ...]
    """Switch and value, in the suite's order."""

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Combination:
        """The combination of a mapping from switch to value."""
        return cls(tuple(values.items()))

    def settings(self, suite: Suite, *, inference: bool) -> tuple[str, ...]:
        """The settings of its values: those that change records, or those that are about scoring alone."""
        return tuple(
            setting
            for name, value in self.values
            if needs_inference(suite.switches[name][value]) == inference
            for setting in suite.switches[name][value]
        )

    def run_of(self, suite: Suite) -> Combination:
        """The combination whose inference it rests on: scoring switches at their base."""
        base = suite.base
        return Combination(
            tuple(
                (name, value if needs_inference(suite.switches[name][value]) else base[name])
                for name, value in self.values
            )
        )

    def changed(self, suite: Suite) -> dict[str, str]:
        """The switches that are not at their base, with their values."""
        base = suite.base
        return {name: value for name, value in self.values if base[name] != value}

    def label(self, suite: Suite) -> str:
        """A name for people and directories: `base`, or `vad=with,itn=with`."""
        changed = self.changed(suite)
        return ",".join(f"{name}={value}" for name, value in changed.items()) or "base"


def combinations(suite: Suite, design: str) -> list[Combination]:
    """The base first, then one switch at a time, or every combination for the design `full`.

    >>> from sv_eval.studies.suite.config import CorpusChoice
    >>> suite = Suite(name="s", sets={"x": CorpusChoice(dataset="demo")},
    ...               switches={"a": {"1": ("load.a=1",), "2": ("load.a=2",)}, "b": {"x": (), "y": ()}})
    >>> [one.label(suite) for one in combinations(suite, "one_at_a_time")]
    ['base', 'a=2', 'b=y']
    >>> len(combinations(suite, "full"))
    4
    """
    if design == "full":
        values = itertools.product(*(switch for switch in suite.switches.values()))
        return [Combination(tuple(zip(suite.switches, chosen, strict=True))) for chosen in values]
    base = suite.base
    found = [Combination.of(base)]
    for name, switch in suite.switches.items():
        found += [Combination.of({**base, name: value}) for value in switch if value != base[name]]
    return found
