"""From the runs of a sweep to what `sweep.json` holds. Pure: nothing is read or written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sv_eval.report.accuracy import Headline
from sv_eval.report.interval import Interval, given, plain
from sv_eval.report.sweep import (
    Chosen,
    Cost,
    Disturbed,
    FromDefault,
    MissingSetting,
    Parameter,
    Sensitivity,
    SettingFigures,
    Slo,
    Steadiness,
    SweepFile,
    Tuning,
    UnitCounts,
)
from sv_eval.scoring.call_sample import CallSample
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.policies import scores_of
from sv_eval.scoring.scope import scope_over
from sv_eval.scoring.shares import share_beyond
from sv_eval.studies.sweep.choosing import Choice, Standing, choose
from sv_eval.studies.sweep.config import SweepConfig
from sv_eval.studies.sweep.holdout import held_out, on_holdout
from sv_eval.studies.sweep.many_to_one import Difference, differences_from, standard_errors
from sv_eval.studies.sweep.optimism import optimism
from sv_eval.studies.sweep.pareto import drawn_percentile, front_shares, on_front, ratio_with_error
from sv_eval.studies.sweep.plan import Setting
from sv_eval.studies.sweep.runs import SweptRun
from sv_eval.studies.sweep.sensitivity import sensitivity_of
from sv_eval.studies.sweep.units import PairedUnits, paired_units

Floats = NDArray[np.float64]

_FRONT_DRAWS = 2000
_CAVEATS = (
    "demonstration_model", "random_weights", "simulation", "training_overlap", "sound_taught", "overlap_unknown",
    "speakers_unknown", "few_speakers", "cpu_run",
)  # fmt: skip
"""Of the default's run, what holds for the whole sweep."""
_RESAMPLES_OF_A_PART = 2000
_BEYOND_P95 = 0.05
_UNSTEADY = 0.1
_DISTURBING_CORES = 0.25
_Z_95 = 1.959963984540054


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fronts:
    """Whether a setting is on the front of UAR against p95, and against cost, and in what share of draws."""

    front: bool
    """On that against p95."""
    front_share: float | None
    """In this share of draws; None without draws."""
    cost_front: bool
    """On that against cost."""
    cost_front_share: float | None
    """In this share of draws; None without draws."""


def analyse(
    runs: Sequence[SweptRun],
    missing: Mapping[int, str],
    settings: Sequence[Setting],
    options: SweepConfig,
    scoring: ScoringConfig,
    *,
    again: Sequence[SweptRun] = (),
    command: str,
    directory: str,
    tuning: Tuning | None = None,
) -> SweepFile:
    """What is found out about the settings.

    missing: by number, why a setting has no run. again: the default measured once more at the end. command: what
    was called. directory: where the runs lie. tuning: how the settings were come by, where no grid was.
    """
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
    fronts = _fronts(runs, ranked, options.seed)
    rows = tuple(
        _row(
            run, place, ranked, differences[place], standing[place].slo, fronts[place],
            _figures(run, labels, inside, scoring),
        )
        for place, run in enumerate(runs)
    )  # fmt: skip
    default = runs[control]
    flattered = optimism(units, seed=options.seed)
    return SweepFile(
        parameters=_parameters(settings),
        labels=labels,
        policy=scoring.policy,
        confidence=scoring.confidence,
        slo_p95_ms=options.slo_p95_ms,
        n_settings=len(settings),
        n_clips=units.n_clips,
        n_left_out=units.n_left_out,
        units=UnitCounts(kind=units.counts.kind, n=units.counts.n, scarcest=units.n_units),
        settings=rows,
        missing=tuple(
            MissingSetting(number=one.number, name=one.name, reason=missing[one.number])
            for one in settings
            if one.number in missing
        ),
        choice=_chosen(choice, runs),
        optimism=None if flattered is None else plain(flattered),
        noise=_noise(ranked),
        holdout=on_holdout(tables, labels, speakers, outside, choice, control, options, scoring),
        sensitivity=_sensitivity(runs, ranked),
        grid_complete=_is_grid(runs),
        sharing=default.environment.sharing,
        n_by_themselves=sum(not run.environment.sharing for run in runs),
        disturbed=_disturbed(rows),
        unequal_answers=sum(run.report.repeats.clips_changed if run.report.repeats else 0 for run in runs),
        backend=default.environment.backend,
        dataset=default.environment.dataset,
        machine=default.environment.machine,
        caveats=tuple(one for one in default.report.caveats if one.code in _CAVEATS),
        one_machine=len({repr(run.environment.machine) for run in runs}) == 1,
        steadiness=_steadiness(default, again),
        command=command,
        directory=directory,
        tuning=tuning,
    )


def _steadiness(first: SweptRun, again: Sequence[SweptRun]) -> Steadiness | None:
    """How much faster or slower the default setting was when it was measured once more at the end; None without.

    `change` is the later median over the earlier one, less 1; notable from a tenth on.
    """
    if not again or not first.setting.default or not first.waited.n or not again[0].waited.n:
        return None
    before, after = (float(np.median(run.waited.latency_ms)) for run in (first, again[0]))
    change = after / before - 1 if before > 0 else 0.0
    return Steadiness(before_p50_ms=before, after_p50_ms=after, change=change, notable=abs(change) >= _UNSTEADY)


def _control(runs: Sequence[SweptRun]) -> int:
    """The place of the setting that others are compared with; the first where that one has no result."""
    return next((place for place, run in enumerate(runs) if run.setting.default), 0)


def _usable(draws: Floats) -> Floats:
    return draws[:, np.isfinite(draws).all(axis=0)]


def _standing(run: SweptRun, uar: float, options: SweepConfig) -> Standing:
    p95 = run.p95
    return Standing(uar=uar, p95_ms=p95.value, slo=kept(p95, run.waited, options.slo_p95_ms))


def kept(p95: Interval, waited: CallSample, slo_ms: float) -> Slo:
    """Whether the 95th percentile of what callers waited keeps an objective.

    `kept` and `broken` where the bounds of the share that took longer say so: at most, or more than, a twentieth.
    So calls that vary wildly, but far below the objective, do keep it. `unknown` without a p95.
    """
    if p95.value is None:
        return "unknown"
    longer = share_beyond(waited, slo_ms)
    if longer.high is not None and longer.high <= _BEYOND_P95:
        return "kept"
    return "broken" if longer.low is not None and longer.low > _BEYOND_P95 else "unsure"


def _row(
    run: SweptRun,
    place: int,
    ranked: _Ranked,
    difference: Difference,
    slo: Slo,
    fronts: _Fronts,
    figures: Headline,
) -> SettingFigures:
    report = run.report
    cost = ratio_with_error(run.busy_s, run.audio_s)
    return SettingFigures(
        number=run.setting.number,
        name=run.setting.name,
        directory=run.setting.directory,
        values=run.setting.values,
        overrides=run.setting.overrides,
        default=place == ranked.control,
        uar=figures.uar,
        accuracy=figures.accuracy,
        ranked_uar=float(ranked.uar[place]),
        p50=run.p50,
        p95=run.p95,
        rtf=report.rtf,
        busy_s_per_audio_hour=None if cost is None else _with_reach(3600 * cost[0], 3600 * cost[1]),
        n_clips=report.run.n_clips,
        n_failed=report.run.n_failed,
        difference=FromDefault(
            value=difference.value,
            low=difference.low,
            high=difference.high,
            p=difference.p,
            reason=given(difference.reason),
        ),
        best_share=_best_share(ranked, place),
        slo=slo,
        other_cores=_other_cores(run),
        front=fronts.front,
        front_share=fronts.front_share,
        cost_front=fronts.cost_front,
        cost_front_share=fronts.cost_front_share,
    )


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
    return float(((ranked.draws[place] == best) / ties).mean())


def _other_cores(run: SweptRun) -> float | None:
    """How many cores other processes kept busy meanwhile, as far as telemetry tells; None without it."""
    telemetry = run.report.machine
    if telemetry is None or not telemetry.machine_cpu or not telemetry.process_cpu:
        return None
    busy = telemetry.machine_cpu.mean * run.environment.machine.cores
    return max(0.0, busy - telemetry.process_cpu.mean)


def _with_reach(value: float, error: float) -> Cost:
    return Cost(value=value, low=value - _Z_95 * error, high=value + _Z_95 * error)


def _fronts(runs: Sequence[SweptRun], ranked: _Ranked, seed: int) -> list[_Fronts]:
    rng = np.random.default_rng(seed)
    draws = ranked.draws[:, :_FRONT_DRAWS]
    count = draws.shape[1]
    p95 = _p95_ms(runs)
    drawn = np.stack([drawn_percentile(run.waited, 0.95, count, rng) for run in runs])
    drawn[np.isnan(p95)] = np.nan
    costs = [ratio_with_error(run.busy_s, run.audio_s) for run in runs]
    cost = np.array([np.nan if one is None else one[0] for one in costs])
    error = np.array([np.nan if one is None else one[1] for one in costs])
    drawn_cost = cost[:, None] + error[:, None] * rng.standard_normal((len(runs), count))
    held, shares = on_front(ranked.uar, p95), front_shares(draws, drawn)
    cost_held, cost_shares = on_front(ranked.uar, cost), front_shares(draws, drawn_cost)
    return [
        _Fronts(
            front=bool(held[place]),
            front_share=float(shares[place]) if count else None,
            cost_front=bool(cost_held[place]),
            cost_front_share=float(cost_shares[place]) if count else None,
        )
        for place in range(len(runs))
    ]


def _p95_ms(runs: Sequence[SweptRun]) -> Floats:
    """The p95 of each setting, milliseconds; NaN for none."""
    values = [run.p95.value for run in runs]
    return np.array([np.nan if value is None else value for value in values])


def _disturbed(rows: Sequence[SettingFigures]) -> Disturbed:
    """In how many settings other processes took part of the machine, and how many cores at most."""
    taken = [row.other_cores for row in rows if row.other_cores is not None]
    return Disturbed(n=sum(one >= _DISTURBING_CORES for one in taken), most=max(taken, default=None))


def _chosen(choice: Choice, runs: Sequence[SweptRun]) -> Chosen:
    def number(place: int | None) -> int | None:
        return None if place is None else runs[place].setting.number

    return Chosen(
        best=number(choice.best),
        best_within_slo=number(choice.best_within_slo),
        recommended=number(choice.recommended),
        default=runs[choice.control].setting.number,
        why=choice.why,
        beyond_noise=choice.beyond_noise,
    )


def _noise(ranked: _Ranked) -> float | None:
    """The median standard error of a setting's difference from the one that all are compared with."""
    errors = np.delete(standard_errors(ranked.units, ranked.control), ranked.control)
    return plain(float(np.median(errors))) if len(errors) else None


def _parameters(settings: Sequence[Setting]) -> tuple[Parameter, ...]:
    """The swept keys, each with the values that it takes, in order of occurrence."""
    keys = list(settings[0].values)
    return tuple(
        Parameter(name=key, values=tuple(dict.fromkeys(one.values[key] for one in settings))) for key in keys
    )


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


def _sensitivity(runs: Sequence[SweptRun], ranked: _Ranked) -> tuple[Sensitivity, ...]:
    places = _swept(runs)
    chosen = [runs[place] for place in places]
    columns = {key: [run.setting.values[key] for run in chosen] for key in chosen[0].setting.values}
    return sensitivity_of(columns, uar=ranked.uar[places], p95_ms=_p95_ms(chosen))


def _is_grid(runs: Sequence[SweptRun]) -> bool:
    """Whether every combination of the values has a result, so that shares of variance add up."""
    places = _swept(runs)
    keys = list(runs[0].setting.values)
    combinations = {tuple(repr(runs[place].setting.values[key]) for key in keys) for place in places}
    expected = 1
    for at in range(len(keys)):
        expected *= len({one[at] for one in combinations})
    return len(combinations) == expected
