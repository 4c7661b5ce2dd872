"""What a suite found: published, measured, their difference, and which switch moves the figure most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sv_eval.report.accuracy import PolicyFigures
from sv_eval.report.context import Mismatch, Reference
from sv_eval.report.environment import CorpusFacts
from sv_eval.scoring.references import FIGURES, published
from sv_eval.studies.suite.config import Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class CombinationFigures(PolicyFigures):
    """What one combination of the switches scored."""

    macro_f1_inferred: float | None
    """Macro F1 over every class that occurs as an answer."""
    labels: tuple[str, ...]
    """The scored classes."""
    policy: str
    """The unknown policy."""
    n_clips: int
    """Clips that were run."""
    n_scored: int
    """Those that were scored."""
    n_failed: int
    """Those without an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CombinationResult:
    """One combination of the switches on one set."""

    label: str
    """Its name; `base` for the base."""
    values: Mapping[str, str]
    """Every switch with its value."""
    figures: CombinationFigures | None
    """Its scores; None where it could not be measured."""
    references: tuple[Reference, ...] = ()
    """What has been published about the set, beside these scores."""
    error: str | None
    """Why it could not be."""

    @property
    def uar(self) -> float | None:
        """Its UAR, a share; None where there is none."""
        return None if self.figures is None else self.figures.uar.value


@dataclass(frozen=True, slots=True, kw_only=True)
class SetResult:
    """One set under all combinations."""

    name: str
    """The set's."""
    corpus: CorpusFacts | None
    """As environment.json describes it; None where nothing could be measured."""
    combinations: tuple[CombinationResult, ...]
    """The base first."""

    @property
    def base(self) -> CombinationResult:
        """The one that the others are compared with."""
        return self.combinations[0]


def suite_json(suite: Suite, results: list[SetResult]) -> dict[str, Any]:
    """What suite.json holds, with figures as Intervals; sets of the suite that were not measured are named."""
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
    corpus = result.corpus
    known: Mapping[str, float] = table["figures"].get((corpus.card if corpus else None) or result.name, {})
    return {
        "name": result.name,
        "title": corpus.title if corpus else None,
        "n_clips": corpus.n_clips if corpus else None,
        "dataset_hash": corpus.hash if corpus else None,
        "published": dict(known) or None,
        "difference": _difference(known, result.base),
        "mismatches": _mismatches(suite, result.base),
        "combinations": [
            {
                "label": one.label,
                "values": dict(one.values),
                "figures": one.figures,
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
    measured = {name: getattr(base.figures, name).value for name in FIGURES if name in known}
    return {name: value - known[name] for name, value in measured.items() if value is not None}


def _mismatches(suite: Suite, base: CombinationResult) -> list[Mismatch]:
    """What is known of the publication's protocol and not so in the base."""
    return [what for one in base.references if one.name == suite.reference for what in one.mismatches]


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
