"""What a reader must know before believing this very run.

Each caveat is a code with values; the renderers hold the sentences, one per language. Codes come in the order
in which a reader should meet them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import UnsetType

from sv_eval.report.environment import Environment, Machine, MeasuredBackend, Telemetry
from sv_eval.report.latency import Latency
from sv_eval.report.reasons import Coded
from sv_eval.report.report import MarkedClips, Report
from sv_eval.scoring.contention import CONTENDED, contended
from sv_eval.scoring.findings import tells_dimensions_alone
from sv_eval.scoring.load import DEFAULT_MAX_LATE_MS
from sv_eval.sound_facts import AUDIO_MARKS
from sv_eval.sound_limits import worth_telling

FEW_SPEAKERS = 10
"""Below this many speakers an interval rests on too few independent units to be narrow honestly."""
_WAITED_MORE = 1.1
FEW_NAMED = 5
_IMITATED = ("int8", "bf16", "fp16")
"""Precisions that a processor may lack instructions for."""
"""Clips that a caveat names."""
FEW_CLIPS = 10
"""Below this support an emotion's figures are anecdotes."""


STEADY = 0.95
"""Where surely fewer clips than this keep their answer, that is worth a caveat."""
_Found = Iterator[Coded]


def find_caveats(
    report: Report,
    environment: Environment,
    speakers: Sequence[str],
    *,
    confidences: bool = True,
    answered_by: Sequence[str] = (),
) -> tuple[Coded, ...]:
    """The caveats that apply to a run with these scores.

    speakers are those whose clips were evaluated; confidences: whether any answer came with one; answered_by: the
    model that answered each clip that the one the run began with did not.
    """
    return (
        *_about_the_run(report, environment),
        *_about_other_models(report, environment, answered_by),
        *_about_the_model(report, environment, speakers),
        *_about_the_controls(report),
        *_about_the_clips(report, environment),
        *_about_the_latency(report, environment),
        *(_about_the_confidence(report, environment) if confidences and _is_judged(report, environment) else ()),
    )


def _about_other_models(report: Report, environment: Environment, answered_by: Sequence[str]) -> _Found:
    if answered_by:
        names = ", ".join(sorted(set(answered_by))[:FEW_NAMED])
        yield Coded(
            "model_changed",
            n=len(answered_by), total=report.run.n_clips, names=names, began=environment.backend.model,
        )  # fmt: skip


def _about_the_controls(report: Report) -> _Found:
    controls = report.controls
    if not controls:
        return
    words, orders, repeated = controls.words, controls.orders, controls.repeated
    if words and not words.fixed and words.uar.low is not None and words.uar.low <= 0:
        before, after = words.uar.before or 0.0, words.uar.after or 0.0
        yield Coded("words_suffice", words=round(100 * before, 1), sound=round(100 * after, 1))
    if orders and (orders.consistent.high or 1.0) < STEADY:
        changed = 1 - (orders.consistent.value or 0.0)
        yield Coded("order_decides", share=round(100 * changed, 1), n=orders.n_clips)
    if repeated and (repeated.flipped.low or 0.0) > 1 - STEADY:
        flipped = repeated.flipped.value or 0.0
        yield Coded("unsteady", share=round(100 * flipped, 1), n=repeated.n_clips, times=repeated.times)


def _about_the_confidence(report: Report, environment: Environment) -> _Found:
    found = report.calibration.confidence if report.calibration else None
    if found is None:
        if environment.backend.words is None:
            yield Coded("uncalibrated")
        else:
            yield Coded("confidence_as_told")
        return
    mean = sum(one.mean * one.observed.of for one in found.bins) / found.n
    right = sum(one.observed.n for one in found.bins) / found.n
    shown = {"confidence": mean, "right": right, "ece": found.ece.value or 0.0}
    values = {name: round(100 * share, 1) for name, share in shown.items()}
    if found.gap.low is not None and found.gap.low > 0:
        yield Coded("overconfident", values)
    elif found.gap.high is not None and found.gap.high < 0:
        yield Coded("underconfident", values)
    else:
        yield Coded("confidence_measured", values)


def _is_judged(report: Report, environment: Environment) -> bool:
    """Whether a model's own judgement was measured."""
    return environment.backend.card.get("kind") not in ("simulation", "chance") and report.run.n_scored > 0


def _about_the_run(report: Report, environment: Environment) -> _Found:
    run, total = report.run, environment.dataset.n_clips
    if run.n_clips < total:
        yield Coded("incomplete", finished=run.n_clips, total=total)
    if run.n_clips > total:
        yield Coded("strange_clips", n=run.n_clips - total)
    if run.n_set_aside:
        yield Coded("set_aside", n=run.n_set_aside)
    if run.n_failed:
        yield Coded("failures", n=run.n_failed, total=run.n_clips)
    if condition := environment.condition:
        yield Coded("changed_sound", name=str(condition.get("name")))
    sessions = environment.sessions
    if len(sessions) > 1:
        yield Coded("resumed", sessions=len(sessions))
    if any(session.machine != sessions[0].machine for session in sessions):
        yield Coded("machines_differ")


def _about_the_model(report: Report, environment: Environment, speakers: Sequence[str]) -> _Found:
    backend = environment.backend
    card = backend.card
    yield from _about_the_kind(card.get("kind"), backend.model)
    yield from _about_the_folds(card.get("folds"))
    corpus = environment.dataset.identity or environment.dataset.card
    overlap = training_overlap(card, corpus, speakers)
    if overlap:
        yield Coded("training_overlap", corpus=corpus, speakers=overlap)
    chosen = environment.config.get("dataset") or {}
    known = environment.dataset.identity in {entry.get("corpus") for entry in card.get("training") or ()}
    nameless = chosen.get("card") is None and chosen.get("kind") not in (None, "simulated") and not known
    if card.get("training") and nameless and not _marked(report, "taught"):
        yield Coded("overlap_unknown")
    if report.all_labels.unsupported:
        emotions = list(report.all_labels.unsupported)
        if backend.words is None:
            yield Coded("unsupported_emotions", emotions=emotions)
        else:
            yield Coded("emotions_not_said", emotions=emotions)
    strange = {one.raw: one.n for one in report.label_map.said or () if one.word is None}
    if strange:
        yield Coded("words_without_meaning", words=strange)
    mixed = {one.raw: one.n for one in report.label_map.said or () if one.mixed}
    if mixed:
        clips = [clip for one in report.label_map.said or () if one.mixed for clip in one.clips]
        yield Coded("mixed_signs", words=mixed, n=sum(mixed.values()), clips=clips[:FEW_NAMED])
    yield from _about_the_precision(backend, environment.machine)
    if card.get("lossy"):
        yield Coded("lossy", what=card["lossy"])
    if not backend.capabilities.deterministic:
        yield Coded("not_deterministic")
    if not backend.capabilities.batch_invariant:
        yield Coded("not_batch_invariant")


def _about_the_kind(kind: str | None, model: str) -> _Found:
    if kind == "demonstration":
        yield Coded("demonstration_model", model=model)
    if kind == "random":
        yield Coded("random_weights", model=model)
    if kind == "simulation":
        yield Coded("simulation")
    if kind == "chance":
        yield Coded("chance")


def _about_the_folds(folds: str | None) -> _Found:
    """A model that was fitted on the very corpus has another standing than one that never met it."""
    if folds == "speakers":
        yield Coded("fitted_by_speakers")
    if folds == "clips":
        yield Coded("fitted_by_clips")


def _about_the_precision(backend: MeasuredBackend, machine: Machine) -> _Found:
    native = machine.native_precisions
    if backend.device == "cpu" and native and backend.precision in _IMITATED and backend.precision not in native:
        yield Coded("precision_imitated", precision=backend.precision, native=list(native))
    rounding = backend.rounding
    if rounding is not None and rounding["n"] is None:
        yield Coded("rounding_unknown", precision=backend.precision)
    elif rounding is not None:
        yield Coded("rounding", {"precision": backend.precision, **rounding})


def training_overlap(card: Mapping[str, Any], corpus: str | None, speakers: Sequence[str]) -> list[str]:
    """The evaluated speakers that the model was trained on, by its card's `training` entries.

    An entry names a `corpus` and its `speakers`; one without speakers means the whole corpus.

    >>> card = {"training": [{"corpus": "emodb", "speakers": ["03", "08"]}]}
    >>> training_overlap(card, "emodb", ["08", "12"])
    ['08']
    """
    overlap: set[str] = set()
    for entry in card.get("training") or ():
        if entry.get("corpus") != corpus:
            continue
        trained = entry.get("speakers")
        overlap |= set(speakers) if trained is None else {str(name) for name in trained} & set(speakers)
    return sorted(overlap)


def _marked(report: Report, mark: str) -> MarkedClips | None:
    return None if isinstance(report.marks, UnsetType) else report.marks.get(mark)


def _about_the_sound(report: Report) -> _Found:
    """What was met in the audio of some clips, in the order of the marks."""
    for mark in AUDIO_MARKS:
        if (found := _marked(report, mark)) is not None:
            yield Coded(f"sound_{mark}", n=found.count, total=report.run.n_clips, example=found.example)


def _beyond_limits(report: Report, environment: Environment) -> _Found:
    """What of the sound is not what speech models are made for; simulated clips are silence, and nobody listens."""
    if isinstance(report.sound, UnsetType) or environment.backend.card.get("kind") in ("simulation", "chance"):
        return
    beyond = report.sound.beyond
    for name in worth_telling({name: (found.n, found.of) for name, found in beyond.items()}):
        found = beyond[name]
        yield Coded(
            f"sound_{name}",
            n=found.n, total=found.of, limit=found.limit, example=found.example, median=found.median,
        )  # fmt: skip


def _about_the_clips(report: Report, environment: Environment) -> _Found:
    yield from _beyond_limits(report, environment)
    yield from _about_the_sound(report)
    if report.out_of_scope:
        yield Coded("out_of_scope", labels=dict(report.out_of_scope))
    intervals = report.intervals
    if intervals.clusters in ("clip", "mixed"):
        yield Coded("speakers_unknown")
    elif 0 < intervals.n_clusters < FEW_SPEAKERS:
        yield Coded("few_speakers", n=intervals.n_clusters)
    scarce = {label: row.support for label, row in report.per_emotion.items() if 0 < row.support < FEW_CLIPS}
    if scarce:
        yield Coded("few_clips", emotions=scarce)
    if report.labels_without_clips:
        yield Coded("labels_without_clips", emotions=list(report.labels_without_clips))
    if report.run.n_scored == 0 and not tells_dimensions_alone(report):
        yield Coded("nothing_scored")
    switched = {one.raw for one in report.label_map.merged if not one.by_default}
    for note in environment.dataset.notes:
        # What a note says of a label that a switch counts otherwise is not true of this scoring.
        if note.values.get("raw") not in switched:
            yield Coded("corpus_note", note={"code": note.code, **note.values})


def _about_the_phases(report: Report, environment: Environment) -> _Found:
    phases, load = report.phases, environment.load
    if phases is not None and phases.warm_up is not None and phases.warm_up.stable is False:
        tolerance = f"{100 * load['warmup_tolerance']:g} %"
        yield Coded("not_warmed_up", limit=load["warmup_max_s"], tolerance=tolerance)
    if load.get("width") and phases is not None and phases.ended_by not in (None, "width"):
        yield Coded("not_narrow", width=f"{100 * load['width']:g} %", ended_by=phases.ended_by)
    if report.repeats and report.repeats.clips_changed:
        yield Coded("answers_changed", n=report.repeats.clips_changed)


def held_back(machine: Telemetry) -> list[str]:
    """What held the machine back while it was measured."""
    found = [
        f"GPU {gpu['name']}: {reason} in {100 * share:.0f} % of the samples"
        for gpu in machine.gpus
        for reason, share in gpu["throttled"].items()
    ]
    seconds = machine.cpu_held_back_s or 0.0
    return [*found, f"CPU: {seconds:.3g} s held back by the container's quota"] if seconds >= 0.01 else found


def _about_its_shape(latency: Latency, schedule: str) -> _Found:
    """What the signs in the latency warn of; under a pace that grows and in batches they are to be expected."""
    if schedule in ("ramp", "offline") or latency.mean is None:
        return
    drift, modes, strays = latency.drift, latency.modes, latency.strays
    if drift is not None and drift.notable:
        yield Coded("drift", change=f"{100 * (drift.change or 0.0):+.0f} %")
    if modes is not None and modes.notable:
        share = f"{100 * (modes.share_high or 0.0):.0f} %"
        yield Coded("two_modes", low=modes.low_ms, high=modes.high_ms, share=share)
    if strays is not None and strays.notable:
        yield Coded("strays", n=strays.n, above=strays.above_ms)


def _about_what_left(latency: Latency) -> _Found:
    """Callers who waited longer than the figures say, and calls that say less than their number."""
    waited, excluded, dependence = latency.waited, latency.excluded, latency.dependence
    if waited and (excluded.retried or excluded.resumed):
        known = waited.p95.value, latency.p95.value
        if known[0] and known[1] and known[0] > _WAITED_MORE * known[1]:
            yield Coded(
                "waited_more",
                waited=known[0],
                clean=known[1],
                retried=excluded.retried,
                resumed=excluded.resumed,
            )
    if dependence and dependence.notable:
        worth = min(dependence.worth_p50, dependence.worth_p95)
        yield Coded("dependent_calls", calls=latency.n_calls, worth=round(worth))


def _about_the_load(report: Report, environment: Environment) -> _Found:
    load, backend = report.load, environment.backend
    if not load.late_ms:
        return
    places = backend.capabilities.max_in_flight
    if not backend.in_process and (load.most_open or 0) >= places:
        yield Coded("no_place", places=places)


def _about_the_latency(report: Report, environment: Environment) -> _Found:
    latency, load, backend = report.latency_ms, report.load, environment.backend
    schedule = environment.load["schedule"]
    refused = [name for name in ("p50", "p95", "p99") if getattr(latency, name).value is None]
    if refused:
        yield Coded("n_too_small", percentiles=refused, n=latency.n_calls)
    yield from _about_what_left(latency)
    if load.fell_behind and load.late_ms:
        yield Coded(
            "fell_behind", p99=load.late_ms.p99, limit=environment.load.get("max_late_ms", DEFAULT_MAX_LATE_MS)
        )
    yield from _about_the_phases(report, environment)
    if report.machine is not None and (reasons := held_back(report.machine)):
        yield Coded("throttled", how="; ".join(reasons))
    if (others := contended(report.machine)) is not None:
        yield Coded("contended", share=f"{100 * others:.0f} %", limit=f"{100 * CONTENDED:g} %")
    yield from _about_its_shape(latency, schedule)
    yield from _about_the_load(report, environment)
    if backend.device == "cpu" and backend.in_process:
        yield Coded("cpu_run", cpu=environment.machine.cpu)
    if schedule == "offline":
        yield Coded("offline_latency", batch=backend.capabilities.max_batch)
    if sharing := environment.sharing:
        if sharing.timed_requests:
            yield Coded("shared_work", requests=sharing.timed_requests, clips=sharing.timed_clips)
        else:
            yield Coded("shared_work_untimed")
    if latency.excluded.resumed:
        yield Coded("latency_of_one_session", excluded=latency.excluded.resumed, n=latency.n)
