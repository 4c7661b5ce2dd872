"""Simulated pairs of runs: one over a corpus, and one of the same recogniser or of a slightly other one.

A clip's chance of being answered right has a part of its speaker's and one of its own. The second run keeps most
answers of the first, since it hears the same clips, and gives some anew: that is what an unimportant change does.
One run suits this speaker better, the other that one, but neither is better on the whole; and two starts of a
machine are not equally fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.emotions import EMOTIONS
from sv_eval.errors import ConfigError
from sv_eval.record_file.bare_table import bare_table
from sv_eval.record_file.table import RecordTable
from sv_eval.record_file.texts import Texts
from sv_eval.report.accuracy import Headline
from sv_eval.report.interval import Interval
from sv_eval.scoring.load import DEFAULT_MAX_LATE_MS
from sv_eval.scoring.shares import request_shares
from sv_eval.scoring.timing import timing_of
from sv_eval.studies.gate.subject import Figures, LatencyRow, Subject

Codes = NDArray[np.int8]
Floats = NDArray[np.float64]

_NONE = Interval(value=None)
_GAP_S = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationConfig:
    """What is simulated."""

    clips: int = 2000
    """Clips of a run."""
    speakers: int = 40
    """Speakers who share them."""
    emotions: int = 5
    """Emotions that they have in turn."""
    accuracy: float = 0.75
    """The share of right answers, about."""
    redrawn: float = 0.15
    """The share of clips that the second run answers anew."""
    uneven: float = 0.3
    """Standard deviation, in logits, of how much better a run suits one speaker than the others."""
    requests: int = 1000
    """Latencies of a run."""
    spread: float = 0.35
    """Standard deviation of the logarithm of a latency."""
    drift: float = 0.01
    """Standard deviation of the logarithm of how fast a start is as a whole."""
    correlated: float = 0.0
    """How much of a latency's logarithm the next call inherits: the coefficient of an autoregression."""
    seed: int = 0
    """Of everything."""

    def __post_init__(self) -> None:
        whole = ("clips", "speakers", "emotions", "requests")
        if min(getattr(self, name) for name in whole) < 1 or self.emotions > len(EMOTIONS):
            raise ConfigError(f"selftest: {', '.join(whole)} are 1 or more, emotions {len(EMOTIONS)} at most")
        if not 0 < self.accuracy < 1 or not 0 <= self.redrawn <= 1:
            raise ConfigError("selftest: accuracy and redrawn are shares")
        if min(self.uneven, self.spread, self.drift) < 0 or not 0 <= self.correlated < 1:
            raise ConfigError("selftest: uneven, spread and drift are 0 or more, correlated below 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A run as it was drawn: a request a clip, in order of sending. All arrays have one entry a clip."""

    reference: Codes
    """Code of the emotion."""
    predicted: Codes
    """Code of the answer."""
    forced: Codes
    """Code of the answer with `unknown` banned; -1 for none."""
    speaker: NDArray[np.int32]
    """Code of the speaker."""
    latency_ms: Floats
    """How long each answer took; NaN where nobody measured it."""
    attempts: NDArray[np.int32]
    """How often each was asked for."""
    session: NDArray[np.int32]
    """Which start of the run asked."""
    late_ms: Floats
    """How late each was sent; NaN without a plan."""
    call: NDArray[np.int64]
    """The call that answered each."""
    kept: NDArray[np.bool_]
    """Whether the run has a record of it."""
    rounds: int = 1
    """How often each clip was asked about; latencies of repeats vary by a twentieth."""
    policy: str = "wrong"
    """What becomes of answers without an emotion."""
    others_cpu: float | None = 0.0
    """The share of the machine that others took."""
    identity: Mapping[str, Any] = field(default_factory=dict)
    """What is other than usual of what the run was."""


def honest_pair(config: SimulationConfig, rng: np.random.Generator) -> tuple[Drawn, Drawn]:
    """Two runs of which neither is better."""
    clips = np.arange(config.clips)
    reference = (clips % config.emotions).astype(np.int8)
    speaker = (clips // config.emotions % config.speakers).astype(np.int32)
    middle = np.log(config.accuracy / (1 - config.accuracy)) * 1.25  # what spreading costs of the mean
    logit = middle + rng.normal(0, 0.6, config.speakers)[speaker] + rng.normal(0, 1.2, config.clips)
    # Both runs suit speakers by chance, so that neither is better.
    suits = [rng.normal(0, config.uneven, config.speakers)[speaker] for _ in range(2)]
    chances = [1 / (1 + np.exp(-(logit + each))) for each in suits]
    before, anew = (
        _answers(rng, reference, rng.random(config.clips) < chance, config.emotions) for chance in chances
    )
    redrawn = rng.random(config.clips) < config.redrawn
    after = np.where(redrawn, anew, before).astype(np.int8)
    return (
        _drawn(config, rng, reference, before, speaker),
        _drawn(config, rng, reference, after, speaker),
    )


def worse(drawn: Drawn, rng: np.random.Generator, *, drop: float, slowdown: float) -> Drawn:
    """The run with a planted loss of UAR, a share, and with latencies so many times as long."""
    right = drawn.predicted == drawn.reference
    spoilt = right & (rng.random(len(right)) < drop / max(float(right.mean()), drop, 1e-9))
    emotions = int(drawn.reference.max()) + 1
    said = np.where(spoilt, (drawn.reference + 1) % emotions, drawn.predicted).astype(np.int8)
    return replace(drawn, predicted=said, forced=said, latency_ms=drawn.latency_ms * slowdown)


def _answers(rng: np.random.Generator, reference: Codes, right: NDArray[np.bool_], emotions: int) -> Codes:
    wrong = (reference + rng.integers(1, max(emotions, 2), len(reference))) % emotions
    return np.where(right, reference, wrong).astype(np.int8)


def _drawn(
    config: SimulationConfig, rng: np.random.Generator, reference: Codes, said: Codes, speaker: NDArray[np.int32]
) -> Drawn:
    n = len(reference)
    latency = np.full(n, np.nan)
    # As many requests as were asked for are measured; of the others only the answer is known.
    measured = min(config.requests, n)
    latency[:measured] = rng.lognormal(0.0, config.drift) * _latencies(config, rng, measured)
    return Drawn(
        reference=reference,
        predicted=said,
        forced=said,
        speaker=speaker,
        latency_ms=latency,
        attempts=np.ones(n, dtype=np.int32),
        session=np.zeros(n, dtype=np.int32),
        late_ms=np.full(n, np.nan),
        call=np.arange(n, dtype=np.int64),
        kept=np.ones(n, dtype=np.bool_),
    )


def _latencies(config: SimulationConfig, rng: np.random.Generator, n: int) -> Floats:
    """Latencies in order of sending, about 50 ms."""
    noise = rng.normal(0.0, config.spread, n)
    inherited = config.correlated
    if inherited:
        # Begun where it has been going on for long, with the spread that it keeps.
        for at in range(1, n):
            noise[at] = inherited * noise[at - 1] + np.sqrt(1 - inherited**2) * noise[at]
    return np.asarray(50.0 * np.exp(noise))


def subject_of_drawn(drawn: Drawn, config: SimulationConfig, rng: np.random.Generator) -> Subject:
    """The run as the gate gets it, by the way of its records."""
    answers = _table(drawn)
    requests = answers if drawn.rounds == 1 else _repeated(answers, drawn, rng)
    timing = timing_of(requests)
    none = Headline(uar=_NONE, accuracy=_NONE, macro_f1=_NONE, weighted_f1=_NONE)
    clean = timing.calls.sample
    p50, p95, p99 = (clean.percentile(p) for p in (0.5, 0.95, 0.99))
    identity: dict[str, Any] = {
        "dataset_hash": "simulated", "label_map_hash": "simulated", "labels_hash": "simulated",
        "n_clips": len(drawn.reference), "device": "simulated", "load": {"schedule": "single_stream"},
    }  # fmt: skip
    shares = request_shares(timing, max_late_ms=DEFAULT_MAX_LATE_MS)
    if config.requests < len(drawn.reference):
        # What was not drawn was not left unmeasured.
        shares = {name: share for name, share in shares.items() if name != "unmeasured"}
    return Subject(
        source="simulated",
        table=answers,
        labels=EMOTIONS[: config.emotions],
        policy=drawn.policy,
        clean=clean,
        waited=timing.waited,
        shares=shares,
        others_cpu=drawn.others_cpu,
        latency_refused=None,
        identity={**identity, **drawn.identity},
        figures=Figures(
            accuracy=none,
            per_emotion={},
            latency_ms=LatencyRow(n=timing.n, n_calls=clean.n, p50=p50, p95=p95, p99=p99),
        ),
    )


def _table(drawn: Drawn) -> RecordTable:
    kept = np.flatnonzero(drawn.kept)
    bare = bare_table(
        tuple(f"{clip:07d}" for clip in kept.tolist()),
        reference=drawn.reference[kept],
        predicted=drawn.predicted[kept],
        forced=drawn.forced[kept],
        speaker=drawn.speaker[kept],
        speakers=tuple(f"{name:04d}" for name in range(int(drawn.speaker.max()) + 1)),
    )
    latency, call = drawn.latency_ms[kept], drawn.call[kept]
    _, size_of = np.unique(call, return_inverse=True)
    return replace(
        bare,
        latency_ms=latency,
        attempts=drawn.attempts[kept],
        session=drawn.session[kept],
        late_ms=drawn.late_ms[kept],
        call=call,
        batch_size=np.bincount(size_of)[size_of].astype(np.int32),
        sent_s=kept.astype(np.float64) * _GAP_S,
    )


def _repeated(answers: RecordTable, drawn: Drawn, rng: np.random.Generator) -> RecordTable:
    """The requests of all rounds, ascending by clip and round; each round goes through the clips in order."""
    n = len(answers)
    places = np.repeat(np.arange(n), drawn.rounds)
    rounds = np.tile(np.arange(drawn.rounds, dtype=np.int32), n)
    whole = answers.part(np.ones(n, dtype=np.bool_))
    columns = {
        name: getattr(whole, name)[places]
        for name in (
            "reference", "predicted", "forced", "raw_label", "said", "outcome", "speaker", "audio_s", "confidence",
            "batch_size", "attempts", "session", "language", "sex", "age", "accent",
            "ballots", "emotions", "late_ms", "shared",
        )
    }  # fmt: skip
    asked = rounds.astype(np.int64) * n + places
    return replace(
        whole,
        **columns,
        clip_ids=whole.clip_ids.at(places),
        round=rounds,
        latency_ms=whole.latency_ms[places] * rng.lognormal(0.0, 0.05, len(places)),
        call=asked,
        sent_s=asked.astype(np.float64) * _GAP_S,
        transcripts=Texts.of([None] * len(places)),
        recognised=Texts.of([None] * len(places)),
        paths=Texts.of([""] * len(places)),
    )
