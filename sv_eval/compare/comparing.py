"""What a comparison finds: figures on the common clips, paired differences, agreement, flips and groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.compare.entrants import Entrants
from sv_eval.gate.judging import not_comparable
from sv_eval.paired.differences import Difference, differences_of
from sv_eval.paired.latency_ratio import latency_ratio
from sv_eval.paired.pairs import Pairs, pairs_of
from sv_eval.paired.significance import holm, mcnemar
from sv_eval.record_file.table import RecordTable
from sv_eval.report.interval import plain
from sv_eval.report.latency import TwoPercentiles
from sv_eval.report.reasons import Why
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.latency import both_refused
from sv_eval.scoring.percentiles import percentile
from sv_eval.scoring.policies import scores_of
from sv_eval.scoring.scope import scope_over

_FLIPS = 200
_FEWEST_IN_GROUP = 10


def compare(entrants: Entrants, *, confidence: float, resamples: int, seed: int) -> dict[str, Any]:
    """What compare.json holds, with figures as Intervals; differences are the later figure less the earlier one."""
    options: dict[str, Any] = {"confidence": confidence, "resamples": resamples, "seed": seed}
    config = ScoringConfig(policy=entrants.policy, **options)
    pairs = {
        (one, other): pairs_of(
            entrants.subjects[one].table, entrants.subjects[other].table, entrants.labels, entrants.policy
        )
        for one, other in combinations(range(len(entrants.names)), 2)
    }
    found = [_pair(entrants, one, other, each, options) for (one, other), each in pairs.items()]
    # Every pair of runs asks anew whether two of them differ.
    for name in ("uar", "accuracy", "macro_f1"):
        for each in found:
            each["differences"][name]["p_adjusted"] = None
        asked = [each for each in found if each["differences"][name]["p_value"] is not None]
        adjusted = holm([each["differences"][name]["p_value"] for each in asked])
        for each, p in zip(asked, adjusted, strict=True):
            each["differences"][name]["p_adjusted"] = plain(p)
    return {
        "schema_version": 1,
        "n_clips": len(entrants.subjects[0].table),
        "labels": list(entrants.labels),
        "policy": entrants.policy,
        "confidence": confidence,
        "narrowed": dict(entrants.narrowed),
        "runs": [_run(entrants, place, config) for place in range(len(entrants.names))],
        "pairs": found,
        "agreement": _agreement(entrants, pairs),
        "groups": _groups(entrants, pairs, options),
    }


def _run(entrants: Entrants, place: int, config: ScoringConfig) -> dict[str, Any]:
    """One run's own figures on the common clips, and its latency."""
    subject = entrants.subjects[place]
    scores = scores_of(scope_over(subject.table, entrants.labels, config))
    policy = scores.policies[entrants.policy]
    latency = TwoPercentiles(
        p50=percentile(subject.latency_ms, 0.5, confidence=config.confidence),
        p95=percentile(subject.latency_ms, 0.95, confidence=config.confidence),
    )
    if subject.latency_refused:
        latency = both_refused(latency, subject.latency_refused)
    return {
        "name": entrants.names[place],
        "source": subject.source,
        "identity": dict(subject.identity),
        "n_scored": scores.n,
        "accuracy": policy.headline(),
        "recall": dict(policy.recall),
        "latency_ms": latency,
    }


def _pair(entrants: Entrants, one: int, other: int, pairs: Pairs, options: Mapping[str, Any]) -> dict[str, Any]:
    differences = differences_of(pairs, **options)
    discordant = pairs.discordant()
    return {
        "before": entrants.names[one],
        "after": entrants.names[other],
        "n": pairs.n,
        "failed": {"before": pairs.failed_before, "after": pairs.failed_after},
        "differences": {name: differences[name].to_json() for name in ("uar", "accuracy", "macro_f1")},
        "per_emotion": _per_emotion(pairs, differences),
        "mcnemar": {
            "gained": discordant.gained,
            "lost": discordant.lost,
            "p_value": plain(mcnemar(discordant)),
        },
        "latency_ratio": _ratios(entrants, one, other, options["confidence"]),
        "flips": _flips(entrants, one, other, pairs),
    }


def _per_emotion(pairs: Pairs, differences: Mapping[str, Difference]) -> dict[str, Any]:
    """The recalls' differences, with p-values adjusted over the emotions."""
    found = {label: differences[f"recall:{label}"] for label in pairs.labels}
    asked = [label for label, one in found.items() if one.p_value is not None]
    adjusted = dict(zip(asked, holm([found[label].p_value or 0.0 for label in asked]), strict=True))
    return {
        label: {**one.to_json(), "p_adjusted": plain(adjusted.get(label)), **pairs.discordant(label)._asdict()}
        for label, one in found.items()
    }


def _ratios(entrants: Entrants, one: int, other: int, confidence: float) -> dict[str, Any]:
    before, after = entrants.subjects[one], entrants.subjects[other]
    if refused := not_comparable(after, before):
        return {"refused": refused[0], **{key: _said(value) for key, value in refused[1].items()}}
    # Latencies are of all clips of a run; those of other clips are other figures.
    left_out = entrants.narrowed.get("clips", {})
    if found := {name: left_out[name] for name in (entrants.names[one], entrants.names[other]) if name in left_out}:
        return {"refused": "other_clips", "more": found}
    return {
        name: latency_ratio(before.latency_ms, after.latency_ms, share, confidence=confidence).to_json()
        for name, share in (("p50", 0.5), ("p95", 0.95))
    }


def _said(value: Any) -> Any:
    return str(value) if isinstance(value, Why) else value


def _flips(entrants: Entrants, one: int, other: int, pairs: Pairs) -> dict[str, Any]:
    """Clips that one of the runs alone got right, with their audio; so many at most of each."""
    tables = entrants.subjects[one].table, entrants.subjects[other].table
    lost = pairs.right_before & ~pairs.right_after
    gained = ~pairs.right_before & pairs.right_after
    return {
        "changed": int(pairs.changed.sum()),
        "lost": _clips(entrants, tables, pairs, lost),
        "gained": _clips(entrants, tables, pairs, gained),
    }


def _clips(
    entrants: Entrants, tables: tuple[RecordTable, RecordTable], pairs: Pairs, which: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    chosen = [pairs.clip_ids[place] for place in np.flatnonzero(which)[:_FLIPS].tolist()]
    before, after = (_answers_to(table, chosen, pairs.policy) for table in tables)
    reference = dict(zip(pairs.clip_ids, pairs.reference.tolist(), strict=True))
    return [
        {
            "clip": clip_id,
            "path": entrants.paths.get(clip_id, ""),
            "reference": pairs.labels[reference[clip_id]],
            "before": before[clip_id],
            "after": after[clip_id],
        }
        for clip_id in chosen
    ]


def _answers_to(table: RecordTable, clip_ids: Sequence[str], policy: str) -> dict[str, str]:
    """What the run said to some clips."""
    answers = table.banned if policy == "ban" else table.predicted
    asked = set(clip_ids)
    return {
        clip_id: table.words.answers[code]
        for clip_id, code in zip(table.clip_ids, answers.tolist(), strict=True)
        if clip_id in asked
    }


def _agreement(entrants: Entrants, pairs: Mapping[tuple[int, int], Pairs]) -> list[list[float | None]]:
    """The share of clips to which two runs gave the same answer, right or wrong; 1 on the diagonal."""
    n = len(entrants.names)
    found: list[list[float | None]] = [[1.0 if i == j else None for j in range(n)] for i in range(n)]
    for (one, other), each in pairs.items():
        share = plain(1.0 - float(each.changed.mean())) if each.n else None
        found[one][other] = found[other][one] = share
    return found


def _groups(
    entrants: Entrants, pairs: Mapping[tuple[int, int], Pairs], options: Mapping[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    """Accuracy of both runs of every pair within each sex and language that has enough clips."""
    found: dict[str, list[dict[str, Any]]] = {}
    for group, values in entrants.groups.items():
        rows = []
        for (one, other), each in pairs.items():
            value = np.array([values.get(clip_id, "") for clip_id in each.clip_ids])
            for name in sorted(set(value.tolist()) - {""}):
                inside = value == name
                if int(inside.sum()) < _FEWEST_IN_GROUP:
                    continue
                differences = differences_of(each.part(inside), **options)
                rows.append(
                    {
                        "value": name,
                        "before": entrants.names[one],
                        "after": entrants.names[other],
                        "n": int(inside.sum()),
                        "differences": {key: differences[key].to_json() for key in ("uar", "accuracy")},
                    }
                )
        if rows:
            found[group] = rows
    return found
