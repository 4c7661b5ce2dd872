"""The gate's rules on what left the sample: a share of clips or requests against the baseline's.

Each is more or less of something that other figures are not of, so that a run can't better those by having it
happen to what is hard. They are judged like margins: within the margin by a one-sided bound, broken by a test.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sv_eval.emotions import NO_SPEECH, NO_TAG, UNKNOWN, UNREAD
from sv_eval.record_file.table import RecordTable
from sv_eval.record_file.texts import places_in
from sv_eval.report.shares import Share
from sv_eval.report.verdict import RuleResult, Verdict
from sv_eval.scoring.paired.pairs import Pairs
from sv_eval.scoring.paired.share_changes import share_of_clips, share_of_requests
from sv_eval.scoring.paired.significance import Discordant
from sv_eval.scoring.shares import share, share_beyond
from sv_eval.studies.gate.config import GateConfig
from sv_eval.studies.gate.rules import UNCHANGED, Levels, margin_rule, needed_for, quantile, undecided
from sv_eval.studies.gate.subject import Subject

Mask = NDArray[np.bool_]
Codes = NDArray[np.int64]

_OF_MEASURING = ("resumed", "late", "unmeasured")
"""Shares that speak of how was measured, not of what: beyond the margin nothing is shown to be worse."""
_OF_ANSWERS = (UNKNOWN, NO_TAG, NO_SPEECH, *UNREAD)


def share_rules(candidate: Subject, baseline: Subject, pairs: Pairs, config: GateConfig) -> list[RuleResult]:
    """All rules on shares that the gate has, before adjusting."""
    levels = Levels(alpha=config.alpha, power=config.power)
    common = _Common(baseline.table, candidate.table)
    return [
        *_failures(common, pairs, config, levels),
        *_answers(common, config, levels),
        *_coverage(pairs, config, levels),
        *_requests(candidate, baseline, config, levels),
        *_slow(candidate, baseline, config, levels),
    ]


class _Common:
    """The clips that both runs have."""

    def __init__(self, before: RecordTable, after: RecordTable) -> None:
        theirs = places_in(after.clip_ids, before.clip_ids)
        at_before = np.flatnonzero(theirs >= 0)
        at_after = theirs[at_before]
        self.n = len(at_before)
        self.speaker = before.speaker[at_before].astype(np.int64)
        self.reference = np.array(before.class_codes.references, dtype=object)[before.reference[at_before]]
        self.failed = before.failed[at_before], after.failed[at_after]
        self._said = tuple(
            np.array(table.class_codes.answers, dtype=object)[table.predicted[places]]
            for table, places in ((before, at_before), (after, at_after))
        )

    def said(self, answer: str) -> tuple[Mask, Mask]:
        """Which clips the first and the second run gave this answer to."""
        before, after = (np.asarray(said == answer, dtype=np.bool_) for said in self._said)
        return before, after


def _failures(common: _Common, pairs: Pairs, config: GateConfig, levels: Levels) -> Iterator[RuleResult]:
    """Failures of all clips in scope, and of each emotion's; one after another, not by speaker: services fail."""
    before, after = common.failed
    scope = np.isin(common.reference, np.array(pairs.labels, dtype=object))
    newly, newly_answered, asked_of = pairs.newly_failed, pairs.newly_answered, pairs.n_asked
    if not pairs.labels:
        # Runs of emotional dimensions alone have no class; each of their clips counts.
        scope = np.ones(common.n, np.bool_)
        newly, newly_answered, asked_of = int((after & ~before).sum()), int((before & ~after).sum()), common.n
    alone = np.full(common.n, -1)
    if scope.any():
        rule = _of_clips("share:failed", before, after, alone, scope, config.max_failures, levels)
        yield _overall(rule, (newly, newly_answered, asked_of), config)
    if config.shares.failed is not None:
        for label in pairs.labels:
            asked = np.asarray(common.reference == label, dtype=np.bool_)
            if asked.any():
                yield _of_clips(f"share:failed:{label}", before, after, alone, asked, config.shares.failed, levels)


def _overall(rule: RuleResult, counts: tuple[int, int, int], config: GateConfig) -> RuleResult:
    """Failures of all clips, judged by the count as well: clips that one run alone failed on may not be many.

    counts: clips that the candidate alone failed on, that the baseline alone did, and all that were asked about.
    """
    newly, newly_answered, asked = counts
    values = {**rule.values, "newly": newly, "of": asked, "limit": config.max_failures}
    most = config.max_failures * asked
    if newly > most:
        excess = newly / most if most else math.inf
        return replace(rule, verdict=Verdict.FAIL, reason="too_many_failures", values=values, p=None, excess=excess)
    if newly_answered > most:
        return undecided(rule.name, "baseline_failed", **values)
    return replace(rule, values=values)


def _answers(common: _Common, config: GateConfig, levels: Levels) -> Iterator[RuleResult]:
    everything = np.ones(common.n, np.bool_)
    for name in _OF_ANSWERS:
        margin: float | None = getattr(config.shares, name)
        if margin is None or not common.n:
            continue
        before, after = common.said(name)
        # Most recognisers answer in no words, and need no rule on them.
        if name not in UNREAD or before.any() or after.any():
            yield _of_clips(f"share:{name}", before, after, common.speaker, everything, margin, levels)


def _coverage(pairs: Pairs, config: GateConfig, levels: Levels) -> Iterator[RuleResult]:
    """How many clips an emotion is named for, where the others are left out."""
    margin = config.margins.coverage
    if margin is None or pairs.policy != "abstain" or not pairs.n:
        return
    before, after = pairs.before >= 0, pairs.after >= 0
    yield margin_rule(
        "margin:coverage", share_of_clips(before, after, pairs.speaker), margin, levels,
        discordant=_discordant(before, after), n=pairs.n, of=pairs.n, changed=bool((before != after).any()),
    )  # fmt: skip


def _of_clips(
    name: str, before: Mask, after: Mask, cluster: Codes, which: Mask, margin: float, levels: Levels
) -> RuleResult:
    """A share of the clips `which`: judged as what is spared of it, which must not become less."""
    was, now = before[which], after[which]
    n = len(was)
    if not n:
        return RuleResult(name=name, verdict=Verdict.PASS, reason=UNCHANGED, values={"n": 0}, p=1.0)
    difference = share_of_clips(~was, ~now, cluster[which])
    rule = margin_rule(
        name, difference, margin, levels,
        discordant=_discordant(~was, ~now), n=n, of=n, changed=bool((was != now).any()),
    )  # fmt: skip
    values = {
        **rule.values,
        "before": float(was.mean()),
        "after": float(now.mean()),
        "value": float(now.mean() - was.mean()),
        "n_before": int(was.sum()),
        "n_after": int(now.sum()),
        "low": None,
        "high": None if rule.values["low"] is None else -rule.values["low"],
    }
    reason = {"too_few": "more_unsure", "not_worse": "not_more"}.get(rule.reason, rule.reason)
    return replace(rule, values=values, reason=reason)


def _discordant(kept_before: Mask, kept_after: Mask) -> Discordant:
    return Discordant(gained=int((~kept_before & kept_after).sum()), lost=int((kept_before & ~kept_after).sum()))


def _requests(candidate: Subject, baseline: Subject, config: GateConfig, levels: Levels) -> Iterator[RuleResult]:
    for name in ("retried", *_OF_MEASURING):
        margin: float | None = getattr(config.shares, name)
        if margin is None:
            continue
        before, after = baseline.shares.get(name), candidate.shares.get(name)
        if after is None or not after.of:
            continue
        yield _of_requests(f"share:{name}", before, after, margin, levels, shown=name not in _OF_MEASURING)


def _slow(candidate: Subject, baseline: Subject, config: GateConfig, levels: Levels) -> Iterator[RuleResult]:
    """Answers far beyond what was usual: what percentiles up to the 95th can't see."""
    margin, usual = config.shares.slow, baseline.waited.percentile(0.95).value
    if margin is None or usual is None or not candidate.waited.n:
        return
    limit_ms = config.slow_times * usual
    before, after = (share_beyond(subject.waited, limit_ms) for subject in (baseline, candidate))
    yield _of_requests("share:slow", before, after, margin, levels, shown=True, limit_ms=limit_ms)


def _of_requests(
    name: str,
    before: Share | None,
    after: Share,
    margin: float,
    levels: Levels,
    *,
    shown: bool,
    limit_ms: float | None = None,
) -> RuleResult:
    """A share of requests, before adjusting. `shown`: more of it is something worse, and not only unclear."""
    values: dict[str, object] = {
        "before": None if before is None else before.value, "after": after.value, "margin": margin,
        "n_before": None if before is None else before.n, "n_after": after.n, "n": after.of, "limit_ms": limit_ms,
    }  # fmt: skip
    if not after.n:
        return RuleResult(
            name=name, verdict=Verdict.PASS, reason=UNCHANGED, values=values | {"value": 0.0}, p=1.0, excess=0.0
        )
    found = after.value or 0.0
    if before is None or not before.of:
        # A baseline that keeps no such count: what is little in itself is not more by much.
        high = share(after.n, after.of, 1 - 2 * levels.alpha, inflation=_inflation(after)).high or 1.0
        values |= {"value": found, "high": high}
        if high < margin:
            return RuleResult(
                name=name, verdict=Verdict.PASS, reason="not_more", values=values, excess=found / margin
            )
        return undecided(name, "no_such_share", **values)
    change = share_of_requests(before, after, confidence=1 - levels.alpha)
    values |= {"value": change.value, "high": change.high}
    excess = change.value / margin
    if change.high < margin:
        return RuleResult(
            name=name, verdict=Verdict.PASS, reason="not_more", values=values, p=change.p_more, excess=excess
        )
    if not shown:
        reason = f"more_{name.partition(':')[2]}"
        return RuleResult(name=name, verdict=Verdict.INCONCLUSIVE, reason=reason, values=values, excess=excess)
    error = (change.high - change.value) / quantile(1 - levels.alpha)
    return RuleResult(
        name=name,
        verdict=Verdict.INCONCLUSIVE,
        reason="too_few_requests",
        values=values,
        p=change.p_more,
        needed=needed_for(after.of, error, max(change.value, 0.0), margin, levels) if error > 0 else None,
        excess=excess,
    )


def _inflation(found: Share) -> float:
    return found.of / found.worth if found.worth else 1.0
