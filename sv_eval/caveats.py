"""What a reader must know before believing this very run.

Each caveat is a code with values; the renderers hold the sentences, one per language. Codes come in the order
in which a reader should meet them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

FEW_SPEAKERS = 10
"""Below this many speakers an interval rests on too few independent units to be narrow honestly."""
FEW_CLIPS = 10
"""Below this support an emotion's figures are anecdotes."""

Caveat = dict[str, Any]


def find_caveats(
    scores: Mapping[str, Any], environment: Mapping[str, Any], speakers: Sequence[str]
) -> list[Caveat]:
    """The caveats that apply to a run with these scores (the scored part of metrics.json).

    environment is the run's `environment.json`; speakers are those whose clips were evaluated.
    """
    found = [
        *_about_the_run(scores, environment),
        *_about_the_model(scores, environment, speakers),
        *_about_the_clips(scores, environment),
        *_about_the_latency(scores, environment),
    ]
    return [{"code": code, **values} for code, values in found]


_Found = Iterator[tuple[str, dict[str, Any]]]


def _about_the_run(scores: Mapping[str, Any], environment: Mapping[str, Any]) -> _Found:
    run = scores["run"]
    total = environment["dataset"]["n_clips"]
    if run["n_clips"] < total:
        yield "incomplete", {"finished": run["n_clips"], "total": total}
    if run["n_failed"]:
        yield "failures", {"n": run["n_failed"], "total": run["n_clips"]}
    sessions = environment["sessions"]
    if len(sessions) > 1:
        yield "resumed", {"sessions": len(sessions)}
    if any(session.get("machine") != sessions[0].get("machine") for session in sessions):
        yield "machines_differ", {}


def _about_the_model(scores: Mapping[str, Any], environment: Mapping[str, Any], speakers: Sequence[str]) -> _Found:
    backend = environment["backend"]
    card = backend.get("card") or {}
    yield from _about_the_kind(card.get("kind"), backend["model"])
    yield from _about_the_folds(card.get("folds"))
    corpus = environment["dataset"]["card"]
    overlap = training_overlap(card, corpus, speakers)
    if overlap:
        yield "training_overlap", {"corpus": corpus, "speakers": overlap}
    chosen = environment["config"].get("dataset") or {}
    if card.get("training") and chosen.get("card") is None and chosen.get("kind") not in (None, "simulated"):
        yield "overlap_unknown", {}
    if scores["all_labels"]["unsupported"]:
        yield "unsupported_emotions", {"emotions": scores["all_labels"]["unsupported"]}
    yield from _about_the_precision(backend)
    capabilities = backend["capabilities"]
    if card.get("lossy"):
        yield "lossy", {"what": card["lossy"]}
    if not capabilities["deterministic"]:
        yield "not_deterministic", {}
    if not capabilities["batch_invariant"]:
        yield "not_batch_invariant", {}


def _about_the_kind(kind: str | None, model: str) -> _Found:
    if kind == "demonstration":
        yield "demonstration_model", {"model": model}
    if kind == "random":
        yield "random_weights", {"model": model}
    if kind == "simulation":
        yield "simulation", {}
    if kind == "chance":
        yield "chance", {}


def _about_the_folds(folds: str | None) -> _Found:
    """A model that was fitted on the very corpus has another standing than one that never met it."""
    if folds == "speakers":
        yield "fitted_by_speakers", {}
    if folds == "clips":
        yield "fitted_by_clips", {}


def _about_the_precision(backend: Mapping[str, Any]) -> _Found:
    rounding = backend.get("rounding")
    if rounding is not None and rounding["n"] is None:
        yield "rounding_unknown", {"precision": backend["precision"]}
    elif rounding is not None:
        yield "rounding", {"precision": backend["precision"], **rounding}


def training_overlap(card: Mapping[str, Any], corpus: str, speakers: Sequence[str]) -> list[str]:
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


def _about_the_clips(scores: Mapping[str, Any], environment: Mapping[str, Any]) -> _Found:
    if scores["out_of_scope"]:
        yield "out_of_scope", {"labels": scores["out_of_scope"]}
    intervals = scores["intervals"]
    if intervals["clusters"] in ("clip", "mixed"):
        yield "speakers_unknown", {}
    elif 0 < intervals["n_clusters"] < FEW_SPEAKERS:
        yield "few_speakers", {"n": intervals["n_clusters"]}
    scarce = {
        label: values["support"]
        for label, values in scores["per_emotion"].items()
        if 0 < values["support"] < FEW_CLIPS
    }
    if scarce:
        yield "few_clips", {"emotions": scarce}
    if scores["labels_without_clips"]:
        yield "labels_without_clips", {"emotions": scores["labels_without_clips"]}
    if scores["run"]["n_scored"] == 0:
        yield "nothing_scored", {}
    switched = {one["raw"] for one in scores["label_map"]["merged"] if not one["by_default"]}
    for note in environment["dataset"]["notes"]:
        # What a note says of a label that a switch counts otherwise is not true of this scoring.
        if note.get("raw") not in switched:
            yield "corpus_note", {"note": note}


def _about_the_phases(scores: Mapping[str, Any], environment: Mapping[str, Any]) -> _Found:
    phases, load = scores.get("phases") or {}, environment["config"]["load"]
    warm_up = phases.get("warm_up") or {}
    if warm_up.get("stable") is False:
        yield "not_warmed_up", {"limit": load["warmup_max_s"], "tolerance": f"{100 * load['warmup_tolerance']:g} %"}
    if load.get("width") and phases.get("ended_by") not in (None, "width"):
        yield "not_narrow", {"width": f"{100 * load['width']:g} %", "ended_by": phases["ended_by"]}
    if (scores.get("repeats") or {}).get("clips_changed"):
        yield "answers_changed", {"n": scores["repeats"]["clips_changed"]}


def held_back(machine: Mapping[str, Any]) -> list[str]:
    """What held the machine back while it was measured."""
    found = [
        f"GPU {gpu['name']}: {reason} in {100 * share:.0f} % of the samples"
        for gpu in machine.get("gpus", ())
        for reason, share in gpu["throttled"].items()
    ]
    seconds = machine.get("cpu_held_back_s") or 0.0
    return [*found, f"CPU: {seconds:.3g} s held back by the container's quota"] if seconds >= 0.01 else found


def _about_its_shape(latency: Mapping[str, Any], schedule: str) -> _Found:
    """What the signs in the latency warn of; under a pace that grows and in batches they are to be expected."""
    if schedule in ("ramp", "offline") or latency.get("mean") is None:
        return
    drift, modes, strays = (latency.get(name) or {} for name in ("drift", "modes", "strays"))
    if drift.get("notable"):
        yield "drift", {"change": f"{100 * drift['change']:+.0f} %"}
    if modes.get("notable"):
        share = f"{100 * modes['share_high']:.0f} %"
        yield "two_modes", {"low": modes["low_ms"], "high": modes["high_ms"], "share": share}
    if strays.get("notable"):
        yield "strays", {"n": strays["n"], "above": strays["above_ms"]}


def _about_the_latency(scores: Mapping[str, Any], environment: Mapping[str, Any]) -> _Found:
    latency = scores["latency_ms"]
    refused = [name for name in ("p50", "p95", "p99") if latency[name]["value"] is None]
    if refused:
        yield "n_too_small", {"percentiles": refused, "n": latency["n_calls"]}
    load = scores.get("load") or {}
    if load.get("fell_behind"):
        yield "fell_behind", {"p99": load["late_ms"]["p99"], "limit": environment["config"]["load"]["max_late_ms"]}
    yield from _about_the_phases(scores, environment)
    if reasons := held_back(scores.get("machine") or {}):
        yield "throttled", {"how": "; ".join(reasons)}
    yield from _about_its_shape(latency, environment["config"]["load"]["schedule"])
    backend = environment["backend"]
    places = backend["capabilities"].get("max_in_flight")
    if places and not backend["in_process"] and load.get("late_ms") and (load["most_open"] or 0) >= places:
        yield "no_place", {"places": places}
    if backend["device"] == "cpu" and backend["in_process"]:
        yield "cpu_run", {"cpu": environment["machine"]["cpu"]}
    if environment["config"]["load"]["schedule"] == "offline":
        yield "offline_latency", {"batch": backend["capabilities"]["max_batch"]}
    if sharing := environment.get("sharing"):
        yield "shared_work", {"requests": sharing["timed_requests"], "clips": sharing["timed_clips"]}
    if latency["excluded"]["resumed"]:
        yield "latency_of_one_session", {"excluded": latency["excluded"]["resumed"], "n": latency["n"]}
    if backend["card"].get("kind") not in ("simulation", "chance") and scores["run"]["n_scored"]:
        yield "uncalibrated", {}
