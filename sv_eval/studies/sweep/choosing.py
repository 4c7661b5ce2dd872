"""Which setting to run, under an objective, when a better figure may be luck."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sv_eval.report.sweep import Slo, WhyChosen
from sv_eval.studies.sweep.many_to_one import Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a setting is ranked by."""

    uar: float
    """On the clips that settings are ranked on; NaN for none."""
    p95_ms: float | None
    """95th percentile of the latency, milliseconds."""
    slo: Slo
    """Whether that keeps the objective."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The outcome, by place among the settings."""

    control: int
    """The setting that the others are compared with."""
    best: int | None
    """The highest UAR, whatever its latency."""
    best_within_slo: int | None
    """The highest UAR of those that surely keep the objective."""
    recommended: int | None
    """What to run; None where nothing surely keeps the objective."""
    why: WhyChosen
    """`better`: beyond noise; `default_breaks_slo`; `noise`: nothing is better than the default by more than that;
    `default_is_best`; `none_keeps_slo`; `untested`: no spread can be seen, so the default stays."""
    beyond_noise: bool | None
    """Whether the best within the objective differs from the default by more than noise; None if untested."""


def choose(
    standing: Sequence[Standing], differences: Sequence[Difference], control: int, *, alpha: float
) -> Choice:
    """The recommendation: the highest UAR that surely keeps the objective, if the default doesn't do as well.

    A setting is worth changing to when its difference, adjusted for having been picked as the best of all, has
    p < alpha. Of equal UARs the faster one is better, then the earlier one.
    """
    best = _highest(standing, range(len(standing)))
    within = _highest(standing, [place for place, one in enumerate(standing) if one.slo == "kept"])
    if within is None:
        return Choice(
            control=control,
            best=best,
            best_within_slo=None,
            recommended=None,
            why="none_keeps_slo",
            beyond_noise=None,
        )
    p = differences[within].p
    beyond = None if p is None else p < alpha
    recommended = within
    why: WhyChosen = "better"
    if within == control:
        why = "default_is_best"
    elif standing[control].slo != "kept":
        why = "default_breaks_slo"
    elif not beyond:
        recommended, why = control, "untested" if beyond is None else "noise"
    return Choice(
        control=control, best=best, best_within_slo=within, recommended=recommended, why=why, beyond_noise=beyond
    )


def _highest(standing: Sequence[Standing], places: Sequence[int] | range) -> int | None:
    scored = [place for place in places if not math.isnan(standing[place].uar)]
    if not scored:
        return None
    return min(
        scored, key=lambda place: (-round(standing[place].uar, 12), standing[place].p95_ms or math.inf, place)
    )
