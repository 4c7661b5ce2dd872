"""What a suite found: published, measured, their difference, and which switch moves the figure most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sv_eval.references import FIGURES, published
from sv_eval.suite.config import Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class CombinationResult:
    """One combination of the switches on one set."""

    label: str
    """Its name; `base` for the base."""
    values: Mapping[str, str]
    """Every switch with its value."""
    figures: Mapping[str, Any] | None
    """Its scores; None where it could not be measured."""
    error: str | None
    """Why it could not be."""

    @property
    def uar(self) -> float | None:
        """Its UAR, a share; None where there is none."""
        value: float | None = None if self.figures is None else self.figures["uar"]["value"]
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class SetResult:
    """One set under all combinations."""

    name: str
    """The set's."""
    corpus: Mapping[str, Any]
    """As environment.json describes it; empty where nothing could be measured."""
    combinations: tuple[CombinationResult, ...]
    """The base first."""

    @property
    def base(self) -> CombinationResult:
        """The one that the others are compared with."""
        return self.combinations[0]


def suite_json(suite: Suite, results: list[SetResult]) -> dict[str, Any]:
    """What suite.json holds; sets of the suite that were not measured are named."""
    return {
        "schema_version": 1,
        "suite": suite.name,
        "reference": suite.reference,
        "switches": {name: list(switch) for name, switch in suite.switches.items()},
        "sets": [_set_json(suite, result) for result in results],
        "not_measured": [name for name in suite.sets if name not in {result.name for result in results}],
    }


def _set_json(suite: Suite, result: SetResult) -> dict[str, Any]:
    table = published()[suite.reference] if suite.reference else {"figures": {}}
    known: Mapping[str, float] = table["figures"].get(result.corpus.get("card") or result.name, {})
    return {
        "name": result.name,
        "title": result.corpus.get("title"),
        "n_clips": result.corpus.get("n_clips"),
        "dataset_hash": result.corpus.get("hash"),
        "published": dict(known) or None,
        "difference": _difference(known, result.base),
        "mismatches": _mismatches(suite, result.base),
        "combinations": [
            {
                "label": one.label,
                "values": dict(one.values),
                "figures": None
                if one.figures is None
                else {key: value for key, value in one.figures.items() if key != "references"},
                "difference_from_base": _from_base(one, result.base),
                "error": one.error,
            }
            for one in result.combinations
        ],
        "moves_most": moves_most(suite, result),
        "closest": closest(known.get("uar"), result),
    }


def _difference(known: Mapping[str, float], base: CombinationResult) -> dict[str, float] | None:
    """Measured less published, by figure; None where either is missing."""
    if base.figures is None or not known:
        return None
    measured = {name: base.figures[name]["value"] for name in FIGURES if name in known}
    return {name: value - known[name] for name, value in measured.items() if value is not None}


def _mismatches(suite: Suite, base: CombinationResult) -> list[dict[str, Any]]:
    """What is known of the publication's protocol and not so in the base."""
    references = () if base.figures is None else base.figures["references"]
    return [what for one in references if one["name"] == suite.reference for what in one["mismatches"]]


def _from_base(one: CombinationResult, base: CombinationResult) -> float | None:
    return None if one.uar is None or base.uar is None else one.uar - base.uar


def moves_most(suite: Suite, result: SetResult) -> dict[str, Any] | None:
    """The switch whose change alone moves UAR most; None where no change could be measured."""
    changes: list[dict[str, Any]] = []
    for one in result.combinations[1:]:
        changed = [name for name, value in one.values.items() if suite.base[name] != value]
        by = _from_base(one, result.base)
        if len(changed) == 1 and by is not None:
            changes.append({"switch": changed[0], "value": one.values[changed[0]], "by": by})
    return max(changes, key=lambda change: abs(change["by"]), default=None)


def closest(known: float | None, result: SetResult) -> dict[str, Any] | None:
    """The combination whose UAR comes closest to the published one; None without either."""
    found = [
        (abs(one.uar - known), one) for one in result.combinations if one.uar is not None and known is not None
    ]
    if not found:
        return None
    gap, one = min(found, key=lambda each: each[0])
    return {"label": one.label, "uar": one.uar, "gap": gap}
