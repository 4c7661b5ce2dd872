"""From the runs of a sweep to what `sweep.json` holds. Pure: nothing is read or written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from sv_eval.paired.differences import differences_of
from sv_eval.paired.pairs import pairs_of
from sv_eval.paired.significance import mcnemar
from sv_eval.record_file.table import RecordTable
from sv_eval.report.accuracy import Headline
from sv_eval.report.interval import Interval, plain
from sv_eval.report.reasons import Why
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.policies import scores_of
from sv_eval.scoring.scope import scope_over
from sv_eval.sweep.choosing import Choice, Standing, choose
from sv_eval.sweep.config import SweepConfig
from sv_eval.sweep.front import drawn_percentile, front_shares, on_front, ratio_with_error
from sv_eval.sweep.holdout import held_out
from sv_eval.sweep.many_to_one import Difference, differences_from, standard_errors
from sv_eval.sweep.plan import Setting
from sv_eval.sweep.runs import SweptRun
from sv_eval.sweep.sensitivity import sensitivity_of
from sv_eval.sweep.units import PairedUnits, paired_units

Floats = NDArray[np.float64]

_FRONT_DRAWS = 2000
_CAVEATS = (
    "demonstration_model", "random_weights", "simulation", "training_overlap", "overlap_unknown",
    "speakers_unknown", "few_speakers", "cpu_run",
)  # fmt: skip
"""Of the default's run, what holds for the whole sweep."""
_RESAMPLES_OF_A_PART = 2000
_UNSTEADY = 0.1
_DISTURBING_CORES = 0.25
_Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds of work an hour of audio, with 95 % bounds."""

    value: float | None
    """The estimate."""
    low: float | None
    """Lower bound."""
    high: float | None
    """Upper bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FromDefault:
    """How far a setting's UAR lies from the one that all are compared with."""

    value: float | None
    """The difference, a share."""
    low: float | None
    """Lower bound, for all settings at once."""
    high: float | None
    """Upper bound."""
    p: float | None
    """Adjusted for all settings."""
    reason: Why | UnsetType = UNSET
    """Why something is missing."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Ranked:
    """What settings are ranked by: the clips of the tuning speakers."""

    units: PairedUnits
    """Their counts."""
    uar: Floats
    """The UAR of each setting."""
    draws: Floats
    """The same in the resamples in which every label has a clip."""
    control: int
    """The place of the setting that the others are compared with."""


def analyse(
    runs: Sequence[SweptRun],
    missing: Mapping[int, str],
    settings: Sequence[Setting],
    options: SweepConfig,
    scoring: ScoringConfig,
) -> dict[str, Any]:
    """What is found out about the settings, as plain data."""
    control = _control(runs)
    labels = runs[control].report.labels
    speakers = runs[0].table.speakers
    outside = held_out(speakers, options.holdout, options.seed)
    inside = tuple(name for name in speakers if name not in outside) if outside else None
    tables = [run.table for run in runs]
    units = paired_units(tables, labels, scoring.policy, chosen=inside)
    ranked = _Ranked(
        units=units,
        uar=units.uar(),
        draws=_usable(units.resamples(resamples=scoring.resamples, seed=scoring.seed)),
        control=control,
    )
    standing = [_standing(run, float(uar), options) for run, uar in zip(runs, ranked.uar, strict=True)]
    differences = differences_from(units, control, confidence=scoring.confidence, seed=options.seed)
    choice = choose(standing, differences, control, alpha=1 - scoring.confidence)
    rows = [
        _row(run, place, ranked, differences[place], standing[place], _figures(run, labels, inside, scoring))
        for place, run in enumerate(runs)
    ]
    _add_fronts(rows, runs, ranked, options.seed)
    return {
        "schema_version": 1,
        "parameters": _parameters(settings),
        "labels": list(labels),
        "policy": scoring.policy,
        "confidence": scoring.confidence,
        "slo_p95_ms": options.slo_p95_ms,
        "n_settings": len(settings),
        "n_clips": units.n_clips,
        "n_left_out": units.n_left_out,
        "units": {"kind": units.counts.kind, "n": units.counts.n, "scarcest": units.n_units},
        "settings": rows,
        "missing": [
            {"number": one.number, "name": one.name, "reason": missing[one.number]}
            for one in settings
            if one.number in missing
        ],
        "choice": _choice(choice, rows),
        "optimism": _optimism(ranked),
        "noise": _noise(ranked),
        "holdout": _on_holdout(tables, labels, speakers, outside, choice, control, options, scoring),
        "sensitivity": _sensitivity(runs, ranked),
        "grid_complete": _is_grid(runs),
        "sharing": runs[control].environment.sharing,
        "n_by_themselves": sum(not run.environment.sharing for run in runs),
        "disturbed": _disturbed(rows),
        "unequal_answers": sum(run.report.repeats.clips_changed if run.report.repeats else 0 for run in runs),
        "backend": runs[control].environment.backend,
        "dataset": runs[control].environment.dataset,
        "machine": runs[control].environment.machine,
        "caveats": [one for one in runs[control].report.caveats if one.code in _CAVEATS],
        "one_machine": len({repr(run.environment.machine) for run in runs}) == 1,
    }


def steadiness(runs: Sequence[SweptRun], again: Sequence[SweptRun]) -> dict[str, Any] | None:
    """How much faster or slower the default setting was when it was measured once more at the end; None without.

    `change` is the later median over the earlier one, less 1; notable from a tenth on.
    """
    first = runs[_control(runs)]
    if not again or not first.setting.default or not len(first.latency_ms) or not len(again[0].latency_ms):
        return None
    before, after = float(np.median(first.latency_ms)), float(np.median(again[0].latency_ms))
    change = after / before - 1 if before > 0 else 0.0
    return {
        "before_p50_ms": plain(before),
        "after_p50_ms": plain(after),
        "change": plain(change),
        "notable": abs(change) >= _UNSTEADY,
    }


def _control(runs: Sequence[SweptRun]) -> int:
    """The place of the setting that others are compared with; the first where that one has no result."""
    return next((place for place, run in enumerate(runs) if run.setting.default), 0)


def _usable(draws: Floats) -> Floats:
    return draws[:, np.isfinite(draws).all(axis=0)]


def _standing(run: SweptRun, uar: float, options: SweepConfig) -> Standing:
    p95 = run.report.latency_ms.p95
    return Standing(uar=uar, p95_ms=p95.value, slo=kept(p95, options.slo_p95_ms))


def kept(p95: Interval, slo_ms: float) -> str:
    """Whether a percentile keeps an objective: `kept` or `broken` with its bounds, `unsure`, or `unknown`."""
    if p95.value is None:
        return "unknown"
    if p95.high is not None and p95.high <= slo_ms:
        return "kept"
    return "broken" if p95.low is not None and p95.low > slo_ms else "unsure"


def _row(
    run: SweptRun,
    place: int,
    ranked: _Ranked,
    difference: Difference,
    standing: Standing,
    figures: Headline,
) -> dict[str, Any]:
    report = run.report
    cost = ratio_with_error(run.busy_s, run.audio_s)
    return {
        "number": run.setting.number,
        "name": run.setting.name,
        "directory": run.setting.directory,
        "values": dict(run.setting.values),
        "overrides": list(run.setting.overrides),
        "default": place == ranked.control,
        "uar": figures.uar,
        "accuracy": figures.accuracy,
        "ranked_uar": plain(float(ranked.uar[place])),
        "p50": report.latency_ms.p50,
        "p95": report.latency_ms.p95,
        "rtf": report.rtf,
        "busy_s_per_audio_hour": None if cost is None else _with_reach(3600 * cost[0], 3600 * cost[1]),
        "n_clips": report.run.n_clips,
        "n_failed": report.run.n_failed,
        "difference": FromDefault(
            value=plain(difference.value),
            low=plain(difference.low),
            high=plain(difference.high),
            p=plain(difference.p),
            reason=difference.reason or UNSET,
        ),
        "best_share": _best_share(ranked, place),
        "slo": standing.slo,
        "other_cores": _other_cores(run),
    }


def _figures(
    run: SweptRun, labels: tuple[str, ...], inside: Sequence[str] | None, scoring: ScoringConfig
) -> Headline:
    """UAR and accuracy of the run, over the speakers that settings are ranked on."""
    if inside is None:
        return run.report.accuracy
    table = run.table
    kept = np.isin(table.speaker, [table.speakers.index(name) for name in inside if name in table.speakers])
    few = replace(scoring, resamples=min(scoring.resamples, _RESAMPLES_OF_A_PART))
    return scores_of(scope_over(table.part(kept), labels, few)).policies[scoring.policy].headline()


def _best_share(ranked: _Ranked, place: int) -> float | None:
    """The share of resamples in which the setting is the best one; ties are shared out."""
    if not ranked.draws.shape[1]:
        return None
    best = ranked.draws.max(axis=0)
    ties = (ranked.draws == best).sum(axis=0)
    return plain(float(((ranked.draws[place] == best) / ties).mean()))


def _other_cores(run: SweptRun) -> float | None:
    """How many cores other processes kept busy meanwhile, as far as telemetry tells; None without it."""
    telemetry = run.report.machine
    if telemetry is None or not telemetry.machine_cpu or not telemetry.process_cpu:
        return None
    busy = telemetry.machine_cpu.mean * run.environment.machine.cores
    return plain(max(0.0, busy - telemetry.process_cpu.mean))


def _with_reach(value: float, error: float) -> Cost:
    return Cost(value=plain(value), low=plain(value - _Z_95 * error), high=plain(value + _Z_95 * error))


def _add_fronts(rows: list[dict[str, Any]], runs: Sequence[SweptRun], ranked: _Ranked, seed: int) -> None:
    """Whether each setting is on the front of UAR against p95, and against cost, and in what share of draws."""
    rng = np.random.default_rng(seed)
    draws = ranked.draws[:, :_FRONT_DRAWS]
    count = draws.shape[1]
    p95 = np.array([np.nan if row["p95"].value is None else row["p95"].value for row in rows])
    drawn = np.stack([drawn_percentile(run.latency_ms, 0.95, count, rng) for run in runs])
    drawn[np.isnan(p95)] = np.nan
    costs = [ratio_with_error(run.busy_s, run.audio_s) for run in runs]
    cost = np.array([np.nan if one is None else one[0] for one in costs])
    error = np.array([np.nan if one is None else one[1] for one in costs])
    drawn_cost = cost[:, None] + error[:, None] * rng.standard_normal((len(rows), count))
    for name, value, cloud in (("front", p95, drawn), ("cost_front", cost, drawn_cost)):
        held, shares = on_front(ranked.uar, value), front_shares(draws, cloud)
        for place, row in enumerate(rows):
            row[name], row[f"{name}_share"] = bool(held[place]), plain(float(shares[place])) if count else None


def _disturbed(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """In how many settings other processes took part of the machine, and how many cores at most."""
    taken = [row["other_cores"] for row in rows if row["other_cores"] is not None]
    return {"n": sum(one >= _DISTURBING_CORES for one in taken), "most": max(taken, default=None)}


def _choice(choice: Choice, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    def number(place: int | None) -> int | None:
        return None if place is None else int(rows[place]["number"])

    return {
        "best": number(choice.best),
        "best_within_slo": number(choice.best_within_slo),
        "recommended": number(choice.recommended),
        "default": number(choice.control),
        "why": choice.why,
        "beyond_noise": choice.beyond_noise,
    }


def _optimism(ranked: _Ranked) -> float | None:
    """How much the best setting's UAR flatters it, having been picked as the best of these clips.

    In each resample of units the best setting is picked anew, and what it has there is held against what it has on
    the clips themselves (Efron 1983, Estimating the Error Rate of a Prediction Rule).
    """
    draws = ranked.draws
    if not draws.shape[1] or ranked.units.n_units < 2:
        return None
    picked = draws.argmax(axis=0)
    return plain(float((draws[picked, np.arange(len(picked))] - ranked.uar[picked]).mean()))


def _noise(ranked: _Ranked) -> float | None:
    """The median standard error of a setting's difference from the one that all are compared with."""
    errors = np.delete(standard_errors(ranked.units, ranked.control), ranked.control)
    return plain(float(np.median(errors))) if len(errors) else None


def _on_holdout(
    tables: Sequence[RecordTable],
    labels: Sequence[str],
    speakers: Sequence[str],
    outside: Sequence[str],
    choice: Choice,
    control: int,
    options: SweepConfig,
    scoring: ScoringConfig,
) -> dict[str, Any] | None:
    """The chosen setting and the default on the speakers that had no say in the choice; None unless asked for."""
    if options.holdout <= 0:
        return None
    data: dict[str, Any] = {"share": options.holdout, "seed": options.seed, "speakers": list(outside)}
    if not outside:
        return data | {"reason": "no_speakers" if not speakers else "one_speaker"}
    data["tuning_speakers"] = [name for name in speakers if name not in outside]
    chosen = choice.best_within_slo if choice.best_within_slo is not None else choice.best
    if chosen is None:
        return data | {"reason": "no_choice"}
    pairs = pairs_of(tables[control], tables[chosen], labels, scoring.policy)
    names = tables[control].speakers
    pairs = pairs.part(np.isin(pairs.speaker, [names.index(name) for name in outside]))
    found = differences_of(pairs, confidence=scoring.confidence, resamples=scoring.resamples, seed=scoring.seed)[
        "uar"
    ]
    return data | {
        "n_clips": pairs.n,
        "default": {"uar": plain(found.before)},
        "chosen": {"uar": plain(found.after)},
        "same": chosen == control,
        "difference": found.to_json() | {"p": plain(found.p_value)},
        "mcnemar_p": plain(mcnemar(pairs.discordant())),
    }


def _parameters(settings: Sequence[Setting]) -> list[dict[str, Any]]:
    """The swept keys, each with the values that it takes, in order of occurrence."""
    keys = list(settings[0].values)
    return [{"name": key, "values": list(dict.fromkeys(one.values[key] for one in settings))} for key in keys]


def _swept(runs: Sequence[SweptRun]) -> list[int]:
    """The places of the settings that are points of the grid, not only there to be compared with."""
    others = [place for place, run in enumerate(runs) if not run.setting.default]
    if len(others) == len(runs) or not others:
        return list(range(len(runs)))
    keys = list(runs[0].setting.values)
    values = {key: {repr(runs[place].setting.values[key]) for place in others} for key in keys}
    return [
        place for place, run in enumerate(runs) if all(repr(run.setting.values[key]) in values[key] for key in keys)
    ]


def _sensitivity(runs: Sequence[SweptRun], ranked: _Ranked) -> list[dict[str, Any]]:
    places = _swept(runs)
    chosen = [runs[place] for place in places]
    columns = {key: [run.setting.values[key] for run in chosen] for key in chosen[0].setting.values}
    p95 = [run.report.latency_ms.p95.value for run in chosen]
    measures = {
        "uar": ranked.uar[places],
        "p95_ms": np.array([np.nan if value is None else value for value in p95]),
    }
    return sensitivity_of(columns, measures)


def _is_grid(runs: Sequence[SweptRun]) -> bool:
    """Whether every combination of the values has a result, so that shares of variance add up."""
    places = _swept(runs)
    keys = list(runs[0].setting.values)
    combinations = {tuple(repr(runs[place].setting.values[key]) for key in keys) for place in places}
    expected = 1
    for at in range(len(keys)):
        expected *= len({one[at] for one in combinations})
    return len(combinations) == expected
