"""The whole certificate: clips as they are, their noise, and every relation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sv_eval.backend import Answer, Backend
from sv_eval.data.conditions.step import Float32
from sv_eval.data.corpus.reading import Corpus
from sv_eval.errors import RunIncomplete
from sv_eval.records import SAMPLE_RATE_HZ, Clip, Prediction
from sv_eval.report.environment import MeasuredBackend
from sv_eval.run.guard import around_one_clip
from sv_eval.run.history import describe_backend
from sv_eval.run.session import RunConfig, Session, stopping_on_signals
from sv_eval.studies.certify.asking import Bench, Opener
from sv_eval.studies.certify.config import CertifyConfig
from sv_eval.studies.certify.files import on_16_bits
from sv_eval.studies.certify.guise import Guise, Material
from sv_eval.studies.certify.judging import Noise, noise_of
from sv_eval.studies.certify.relation import Need, Relation
from sv_eval.studies.certify.relations import RELATIONS
from sv_eval.studies.certify.trial import Trial, Trials
from sv_eval.studies.certify.ways import ITN, LANGUAGE

_PEAK = 0.9
_SHORTEST_S, _LONGEST_S = 0.3, 20.0
_SPARE = 3
"""Clips that are looked at for each that is used."""
_WARM_UP = 3
_FEWEST_ANSWERED = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """Everything that was found out."""

    backend: MeasuredBackend
    """What the backend says of itself."""
    clips: tuple[Clip, ...]
    """The clips."""
    noise: Noise
    """Of their repeats."""
    trials: tuple[Trial, ...]
    """Every relation, in order, those that do not apply included."""
    asked: int
    """Requests that were made."""


async def certify(
    backend: Backend,
    corpus: Corpus,
    config: CertifyConfig,
    another: Opener,
    settings: Sequence[str],
    on_trial: Callable[[Trial], object] = lambda _: None,
) -> Certified:
    """Ask the backend everything. `another` and `settings` are as a Bench's.

    Raises RunIncomplete when too little could be decoded or was answered, or when somebody stopped it.
    """
    clips, sounds = await asyncio.to_thread(_sounds, corpus, config.clips)
    session = Session(backend, RunConfig(telemetry_s=None))
    async with session:
        with stopping_on_signals(session.stop):
            bench = Bench(session, another, settings)
            material, noise, kept = await _as_they_are(bench, sounds, config)
            trials = Trials(bench, material, noise, config.confirmations)
            found = []
            for relation in _wanted(config):
                if session.stop.is_set():
                    raise RunIncomplete(f"stopped before {relation.name}; the certificate needs all relations")
                missing = _missing(relation, bench, noise)
                trial = Trial(relation=relation, reason=missing) if missing else await trials.of(relation)
                on_trial(trial)
                found.append(trial)
        described = describe_backend(backend)
    return Certified(
        backend=described,
        clips=tuple(clips[place] for place in kept),
        noise=noise,
        trials=tuple(found),
        asked=bench.asked,
    )


def _wanted(config: CertifyConfig) -> list[Relation]:
    names = [name for name in RELATIONS if name in (config.only or RELATIONS) and name not in config.skip]
    return [RELATIONS[name] for name in names]


def _missing(relation: Relation, bench: Bench, noise: Noise) -> str | None:
    """The need that keeps a relation from applying; None for none."""
    able = bench.able
    met: Mapping[Need, bool] = {
        Need.FILES: able.needs_encoded,
        Need.BATCH: able.max_batch > 1,
        Need.STREAM: able.streams,
        Need.AGAIN: "url" in bench.settings,
        Need.LANGUAGE: bench.can_be(**LANGUAGE),
        Need.ITN: bench.can_be(**ITN),
        Need.SCORES: noise.scored,
    }
    return next((f"no_{need}" for need in relation.needs if not met[need]), None)


def _sounds(corpus: Corpus, count: int) -> tuple[list[Clip], list[Float32]]:
    """Clips evenly from the corpus, with their sound; what can't be decoded, or is silent or odd, gives way."""
    step = max(1.0, len(corpus.clips) / count)
    first = [corpus.clips[int(place * step)] for place in range(min(count, len(corpus.clips)))]
    chosen = {clip.id for clip in first}
    spare = [clip for clip in corpus.clips if clip.id not in chosen][: _SPARE * count]
    clips: list[Clip] = []
    sounds: list[Float32] = []
    for clip in (*first, *spare):
        if len(clips) == count:
            break
        with around_one_clip("decode_error") as failures:
            samples = corpus.source.load(clip).samples
        if failures or not _SHORTEST_S <= len(samples) / SAMPLE_RATE_HZ <= _LONGEST_S:
            continue
        peak = float(np.abs(samples).max())
        if peak < 1e-3:
            continue
        clips.append(clip)
        sounds.append(on_16_bits(samples * np.float32(min(1.0, _PEAK / peak))))
    if len(clips) < count:
        raise RunIncomplete(
            f"{len(clips)} clips of {corpus.name} hold between {_SHORTEST_S:g} and {_LONGEST_S:g} s of sound, "
            f"certify.clips asks for {count}; give a larger corpus or fewer clips"
        )
    return clips, sounds


async def _as_they_are(
    bench: Bench, sounds: Sequence[Float32], config: CertifyConfig
) -> tuple[Material, Noise, list[int]]:
    """The clips that are answered as they are, the noise of that, and which of the sounds they are."""
    plain = [Guise(samples=one) for one in sounds]
    await bench.by_turns(plain[:_WARM_UP])
    first = await bench.by_turns(plain)
    answered = [place for place, one in enumerate(first) if isinstance(one, Prediction)]
    if len(answered) < _FEWEST_ANSWERED * len(first):
        failure = next(one for one in first if not isinstance(one, Prediction))
        raise RunIncomplete(
            f"{len(first) - len(answered)} of {len(first)} clips were not answered as they are "
            f"({failure.kind}: {failure.message}); a plain run shows more"
        )
    material = Material(
        sounds=[sounds[place] for place in answered],
        answers=[first[place] for place in answered],
        others=_others([first[place] for place in answered]),
        long_s=config.long_s,
    )
    again = [Guise(samples=one) for one in material.sounds]
    rounds = [await bench.by_turns(again) for _ in range(config.repeats)]
    return material, noise_of(material.answers, rounds), answered


def _others(answers: Sequence[Answer]) -> list[int]:
    """For each clip the next one of another label; the next one where all labels are one."""
    labels = [one.label if isinstance(one, Prediction) else None for one in answers]
    n = len(labels)
    found = []
    for clip in range(n):
        after = [(clip + step) % n for step in range(1, n)]
        found.append(next((one for one in after if labels[one] != labels[clip]), after[0]))
    return found


def settings_of(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of a backend's settings."""
    return tuple(name for name in settings if not name.startswith("_"))
