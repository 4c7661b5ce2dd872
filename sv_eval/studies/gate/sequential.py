"""`gate=sequential`: judging while a run goes on, speaker by speaker, until the verdict is sure.

Half of alpha is for the looks on the way (`sv_eval.scoring.paired.anytime`), half for the ordinary test where a run
came to its end undecided. The order of speakers comes from the corpus, and a look is made only when all before it
are complete: so the verdict is the same after a kill, on another machine, or with many clips under way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sv_eval.record_file.table import RecordTable
from sv_eval.report.verdict import RuleResult, Verdict
from sv_eval.scoring.paired.anytime import Units
from sv_eval.scoring.paired.pairs import pairs_of

FIGURES = ("uar", "accuracy")
"""What can be judged while it grows: sums over clips whose weights are known beforehand."""
_CLIPS_OF_A_UNIT = 20
"""Where no speaker is known, so many clips are looked at together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The baseline's clips in the order in which a candidate is asked about them."""

    units: tuple[tuple[str, ...], ...]
    """The clips of each speaker, in order; those of nobody known in groups."""
    weights: Mapping[str, Mapping[str, float]]
    """Figure to clip to how much of the figure it makes; clips that are no pair are in none."""

    @property
    def order(self) -> tuple[str, ...]:
        """All clips, in order."""
        return tuple(clip for unit in self.units for clip in unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the looks on the way found."""

    rules: tuple[RuleResult, ...]
    """A rule for each margin."""
    verdict: Verdict
    """Inconclusive as long as there is none."""
    clips: int
    """Clips of the units that were looked at."""


def schedule_of(baseline: RecordTable, labels: Sequence[str], corpus_hash: str) -> Schedule:
    """The order of the baseline's clips, and what each weighs; the same wherever the corpus is the same."""
    codes = {baseline.class_codes.reference(label): label for label in labels}
    pair = np.isin(baseline.reference, list(codes)) & ~baseline.failed
    support = {code: int((baseline.reference[pair] == code).sum()) for code in codes}
    n, classes = int(pair.sum()), sum(count > 0 for count in support.values())
    in_order: dict[str, list[str]] = {}
    weights: dict[str, dict[str, float]] = {name: {} for name in FIGURES}
    unknown = sorted(
        (clip for clip, speaker in zip(baseline.clip_ids, baseline.speaker, strict=True) if speaker < 0),
        key=lambda clip: _draw(corpus_hash, clip),
    )
    group = {clip: f"\n{place // _CLIPS_OF_A_UNIT:09d}" for place, clip in enumerate(unknown)}
    for place, clip in enumerate(baseline.clip_ids):
        speaker = int(baseline.speaker[place])
        in_order.setdefault(baseline.speakers[speaker] if speaker >= 0 else group[clip], []).append(clip)
        if pair[place]:
            weights["uar"][clip] = 1 / (classes * support[int(baseline.reference[place])])
            weights["accuracy"][clip] = 1 / n
    names = sorted(in_order, key=lambda name: _draw(corpus_hash, name))
    return Schedule(units=tuple(tuple(in_order[name]) for name in names), weights=weights)


def _draw(corpus_hash: str, name: str) -> bytes:
    """Decides on a place in the order, as good as at random."""
    return hashlib.sha256(f"{corpus_hash}\n{name}".encode(errors="surrogatepass")).digest()


def decide(
    schedule: Schedule,
    answered: Collection[str],
    change: Mapping[str, int],
    margins: Mapping[str, float],
    alpha: float,
) -> Decision:
    """What the candidate's complete units say, looked at one after another.

    answered: the clips that have a record. change: as `changes_of` gives it. alpha: the chance that a candidate
    that is no worse fails, and that one that is worse by a margin passes, over all looks. Fails as soon as one
    figure is worse, passes as soon as every one is within its margin.
    """
    whole = _complete(schedule.units, set(answered))
    units = {name: _units(schedule, name, whole, change) for name in margins}
    at_most = len(whole) + 1
    worse = {name: one.worse_after(alpha / len(margins)) or at_most for name, one in units.items()}
    kept = {name: one.kept_after(margins[name], alpha) or at_most for name, one in units.items()}
    failed_at, passed_at = min(worse.values(), default=at_most), max(kept.values(), default=at_most)
    ended = min(failed_at, passed_at)
    verdict = Verdict.INCONCLUSIVE
    if ended <= len(whole):
        verdict = Verdict.FAIL if failed_at <= passed_at else Verdict.PASS
    looked_at = whole[: min(ended, len(whole))]
    clips = sum(len(unit) for unit in looked_at)
    rules = []
    for name, margin in margins.items():
        part = units[name].part(len(looked_at))
        how = verdict
        if verdict is Verdict.FAIL and worse[name] > ended:
            how = Verdict.INCONCLUSIVE
        rules.append(_rule(name, part, margin, alpha / len(margins), how, clips, schedule))
    return Decision(rules=tuple(rules), verdict=verdict, clips=clips)


def _rule(
    name: str, units: Units, margin: float, alpha: float, verdict: Verdict, clips: int, schedule: Schedule
) -> RuleResult:
    low, high = units.bounds(alpha)
    weight = float(units.weight.sum())
    value = float(units.change.sum()) / weight if weight else 0.0
    reasons = {Verdict.PASS: "surely_not_worse", Verdict.FAIL: "surely_worse", Verdict.INCONCLUSIVE: "not_yet_sure"}
    return RuleResult(
        name=f"margin:{name}",
        verdict=verdict,
        reason=reasons[verdict],
        values={
            "value": value, "low": low, "high": high, "margin": margin, "n": clips, "of": len(schedule.order),
            "speakers": len(units.change), "of_speakers": len(schedule.units),
        },
        excess=-value / margin,
    )  # fmt: skip


def _complete(units: Sequence[tuple[str, ...]], answered: set[str]) -> list[tuple[str, ...]]:
    """The units before the first that still lacks a clip."""
    found = []
    for unit in units:
        if not answered.issuperset(unit):
            break
        found.append(unit)
    return found


def changes_of(
    baseline: RecordTable, candidate: RecordTable, labels: Sequence[str], policy: str
) -> Mapping[str, int]:
    """Clip to 1 where it turned right, -1 where it turned wrong; a failure of the candidate alone is wrong."""
    pairs = pairs_of(baseline, candidate, labels, policy, against_after=True)
    turned = pairs.right_after.astype(int) - pairs.right_before.astype(int)
    return dict(zip(pairs.clip_ids, turned.tolist(), strict=True))


def _units(schedule: Schedule, name: str, whole: Sequence[tuple[str, ...]], change: Mapping[str, int]) -> Units:
    """The units as one figure sees them; clips that are no pair weigh nothing and are left out."""
    weights = schedule.weights[name]
    clips = [[clip for clip in unit if clip in weights] for unit in whole]
    weight = np.array([weights[clip] for unit in clips for clip in unit], dtype=np.float64)
    turned = np.array([change.get(clip, 0) for unit in clips for clip in unit], dtype=np.float64)
    ends = np.cumsum([len(unit) for unit in clips], dtype=np.int64)
    begins = np.concatenate([[0], ends])
    sums = [np.diff(np.concatenate([[0.0], np.cumsum(part)])[begins]) for part in (weight * turned, weight)]
    return Units(sums[0], sums[1], turned, weight, ends)
