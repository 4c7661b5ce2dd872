"""The gate's rules, each judged by itself: pass, fail or inconclusive, with its reason.

A tested rule passes when the one-sided bound at 1 - alpha lies within its margin; it fails when the candidate is
worse by a test that is adjusted over all tested rules (Holm), and is inconclusive otherwise. So the chance that a
candidate that is no worse fails any rule is at most alpha, and a candidate that is worse by the margin passes a
rule with a chance of at most alpha.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from sv_eval.report.interval import Interval
from sv_eval.report.verdict import RuleResult, Verdict
from sv_eval.scoring.paired.differences import Difference, quantile_of_t
from sv_eval.scoring.paired.latency_ratio import Ratio
from sv_eval.scoring.paired.significance import Discordant, holm, mcnemar_worse

UNCHANGED = "unchanged"
_BROKEN = {"ratio": "slower", "share": "more"}
"""What is said of a rule of this kind when the change is shown; else that it became worse."""
_FEW_FLIPS = 10
"""With fewer clips that turned right or wrong, a standard error says little about how many more there might be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """How sure the gate wants to be."""

    alpha: float
    """The chance of a false alarm over all tested rules."""
    power: float
    """The chance that so many clips as are named would decide a rule."""


def broken(name: str, reason: str, **values: Any) -> RuleResult:
    """A rule that is broken without any test."""
    return RuleResult(name=name, verdict=Verdict.FAIL, reason=reason, values=values, excess=math.inf)


def undecided(name: str, reason: str, **values: Any) -> RuleResult:
    """A rule that can't be judged at all."""
    return RuleResult(name=name, verdict=Verdict.INCONCLUSIVE, reason=reason, values=values, excess=math.inf)


def floor_rule(name: str, figure: Interval, floor: float) -> RuleResult:
    """The candidate's own figure against what it must reach; a figure that can't be given does not reach it."""
    found = figure.value
    if found is None:
        return broken(name, "no_figure", floor=floor, value=None, why=figure.reason or None)
    verdict = Verdict.PASS if found >= floor else Verdict.FAIL
    reason = "reaches" if found >= floor else "below"
    return RuleResult(
        name=name, verdict=verdict, reason=reason, values={"value": found, "floor": floor}, excess=2 - found / floor
    )


def ceiling_rule(name: str, figure: Interval, ceiling: float, *, clean: Interval) -> RuleResult:
    """What callers waited against what it must not exceed; a figure that can't be given is inconclusive.

    clean: the same figure of clean calls alone, to stand beside it.
    """
    found = figure.value
    values = {"value": found, "ceiling": ceiling, "why": figure.reason or None, "clean": clean.value}
    if found is None:
        return undecided(name, "no_latency", **values)
    verdict = Verdict.PASS if found <= ceiling else Verdict.FAIL
    reason = "within" if found <= ceiling else "above"
    return RuleResult(name=name, verdict=verdict, reason=reason, values=values, excess=found / ceiling)


def margin_rule(
    name: str,
    difference: Difference,
    margin: float,
    levels: Levels,
    *,
    discordant: Discordant | None,
    n: int,
    of: int,
    changed: bool,
    missing: int = 0,
) -> RuleResult:
    """A figure against the baseline's, before adjusting.

    discordant are the figure's clips that only one run got right, where it is a share of them; n is how many clips
    it has, of so many in all; changed says whether any clip counts otherwise than before; missing, how many clips
    count against the candidate because it failed on them.
    """
    values = {
        "missing": missing,
        "before": difference.before, "after": difference.after, "value": difference.value, "margin": margin,
        "low": difference.bound(1 - levels.alpha), "n": n, "speakers": difference.n_clusters,
        "why": difference.reason or None, "discordant": None if discordant is None else list(discordant),
    }  # fmt: skip
    if difference.value is None:
        return broken(name, "no_figure", **values)
    excess = -difference.value / margin
    if not changed:
        return RuleResult(name=name, verdict=Verdict.PASS, reason=UNCHANGED, values=values, p=1.0, excess=excess)
    p = difference.p_worse
    if p is None or difference.error is None:
        alone = None if discordant is None else mcnemar_worse(discordant)
        values["alone"] = alone
        # One voice may well suit one of the runs by chance: of other voices its clips say nothing, however many.
        single = difference.n_clusters < 2
        return RuleResult(
            name=name,
            verdict=Verdict.INCONCLUSIVE,
            reason="one_speaker" if single else "no_spread",
            values=values,
            p=None if single else alone,
            excess=excess,
        )
    if discordant is not None:
        # McNemar knows nothing of speakers, the clusters little of few clips: both must say that it is worse.
        p = max(p, mcnemar_worse(discordant))
    low = difference.value - difference.error * quantile_of_t(1 - levels.alpha, difference.freedom)
    if discordant is not None and sum(discordant) < _FEW_FLIPS:
        low = min(low, _exact_low(discordant, n, 1 - levels.alpha))
    values["low"] = low
    if low > -margin:
        return RuleResult(name=name, verdict=Verdict.PASS, reason="not_worse", values=values, p=p, excess=excess)
    needed = needed_for(of, difference.error, -difference.value, margin, levels)
    return RuleResult(
        name=name,
        verdict=Verdict.INCONCLUSIVE,
        reason="too_few",
        values=values,
        p=p,
        needed=needed,
        excess=excess,
    )


def _exact_low(discordant: Discordant, n: int, confidence: float) -> float:
    """How much less a share may be where a handful of n clips flipped: Clopper and Pearson's bounds of both kinds.

    >>> round(_exact_low(Discordant(gained=0, lost=1), 40, 0.95), 3)
    -0.113
    """
    from scipy.special import betaincinv

    lost, gained = discordant.lost, discordant.gained
    at_most = 1.0 if lost >= n else float(betaincinv(lost + 1, n - lost, confidence))
    at_least = 0.0 if gained == 0 else float(betaincinv(gained, n - gained + 1, 1 - confidence))
    return at_least - at_most


def needed_for(n: int, error: float, loss: float, margin: float, levels: Levels) -> int:
    """How many clips or calls would decide, where n have this standard error.

    As many as show that a change which makes nothing worse keeps its margin. Where there are as many and the `loss`
    speaks against it, as many as show whichever lies further from what was seen: no loss at all, or the margin.
    """
    reach = (quantile(1 - levels.alpha) + quantile(levels.power)) * error
    found = math.ceil(n * (reach / margin) ** 2)
    if found <= n:
        found = math.ceil(n * (reach / max(margin - loss, loss)) ** 2)
    return max(found, n + 1)


def ratio_rule(name: str, ratio: Ratio, limit: float, levels: Levels, *, n: int, clean: Ratio) -> RuleResult:
    """What callers waited against the baseline's, before adjusting; the ratio's bounds are at 1 - 2 alpha.

    n: calls. clean: the same ratio of clean calls alone, to stand beside it.
    """
    values = {
        "before": ratio.before_ms, "after": ratio.after_ms, "value": ratio.value, "low": ratio.low,
        "high": ratio.high, "limit": limit, "n": n, "why": ratio.reason or None,
        "clean_before": clean.before_ms, "clean_after": clean.after_ms, "clean_value": clean.value,
    }  # fmt: skip
    if ratio.value is None:
        return undecided(name, "no_latency", **values)
    excess = math.log(ratio.value) / math.log(limit) if ratio.value > 0 else 0.0
    if ratio.high is None:
        return RuleResult(
            name=name, verdict=Verdict.INCONCLUSIVE, reason="no_latency", values=values, excess=excess
        )
    if ratio.high < limit:
        return RuleResult(
            name=name, verdict=Verdict.PASS, reason="not_slower", values=values, p=ratio.p_slower, excess=excess
        )
    error = math.log(ratio.high / ratio.value) / quantile(1 - levels.alpha)
    needed = needed_for(n, error, math.log(ratio.value), math.log(limit), levels)
    return RuleResult(
        name=name,
        verdict=Verdict.INCONCLUSIVE,
        reason="too_few_calls",
        values=values,
        p=ratio.p_slower,
        needed=needed,
        excess=excess,
    )


def adjusted(rules: list[RuleResult], levels: Levels) -> list[RuleResult]:
    """The rules with adjusted p-values; those that are not within their margin and significantly worse fail.

    A rule of which nothing changed can't be a false alarm, whatever the level, and takes no part (Tarone 1990, A
    modified Bonferroni method for discrete data).
    """
    places = [place for place, rule in enumerate(rules) if rule.p is not None and rule.reason != UNCHANGED]
    found = list(rules)
    for place, p in zip(places, holm([rules[place].p or 0.0 for place in places]), strict=True):
        rule = replace(rules[place], p_adjusted=p)
        if rule.verdict is Verdict.INCONCLUSIVE and p <= levels.alpha:
            reason = _BROKEN.get(rule.name.partition(":")[0], "worse")
            rule = replace(rule, verdict=Verdict.FAIL, reason=reason, needed=None)
        found[place] = rule
    return found


def quantile(confidence: float) -> float:
    """The normal quantile."""
    from scipy.special import ndtri

    return float(ndtri(confidence))
