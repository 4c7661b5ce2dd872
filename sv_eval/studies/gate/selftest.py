"""The gate tried on itself: simulated pairs of runs, with nothing changed and with planted regressions.

A clip's chance of being answered right has a part of its speaker's and one of its own. The second run keeps most
answers of the first, since it hears the same clips, and gives some anew: that is what an unimportant change does.
One run suits this speaker better, the other that one, but neither is better on the whole; and two starts of a
machine are not equally fast. A planted loss turns right answers into wrong ones, a planted slowdown stretches
latencies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.config.structure import structure
from sv_eval.emotions import EMOTIONS
from sv_eval.errors import EXIT_PASS, ConfigError, UsageError, nearest
from sv_eval.machine.terminal import say
from sv_eval.record_file.bare_table import bare_table
from sv_eval.report.accuracy import Headline
from sv_eval.report.interval import Interval
from sv_eval.report.shares import Share
from sv_eval.report.verdict import Verdict
from sv_eval.scoring.call_sample import CallSample
from sv_eval.scoring.shares import clopper_pearson
from sv_eval.studies.gate.config import GateConfig
from sv_eval.studies.gate.judging import judge
from sv_eval.studies.gate.settings import gate_settings
from sv_eval.studies.gate.subject import Figures, LatencyRow, Subject

_RESAMPLES = 1000
_NONE = Interval(value=None)
_NO_FIGURES = Figures(
    accuracy=Headline(uar=_NONE, accuracy=_NONE, macro_f1=_NONE, weighted_f1=_NONE),
    per_emotion={},
    latency_ms=LatencyRow(n=0, n_calls=0, p50=_NONE, p95=_NONE, p99=_NONE),
)
"""A simulated run is only ever held against another one."""
_NO_SHARES = {name: Share(value=0.0, n=0, of=1) for name in ("retried", "resumed", "late", "unmeasured")}


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationConfig:
    """What is simulated."""

    pairs: int = 500
    """Pairs of runs of each kind."""
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
    drop: float = 0.03
    """The planted loss of UAR, a share."""
    slowdown: float = 1.2
    """The planted factor on latency."""
    seed: int = 0
    """Of everything."""

    def __post_init__(self) -> None:
        whole = ("pairs", "clips", "speakers", "emotions", "requests")
        if min(getattr(self, name) for name in whole) < 1 or self.emotions > len(EMOTIONS):
            raise ConfigError(f"selftest: {', '.join(whole)} are 1 or more, emotions {len(EMOTIONS)} at most")
        if not 0 <= self.drop < self.accuracy < 1 or not 0 <= self.redrawn <= 1 or self.slowdown <= 0:
            raise ConfigError("selftest: drop is below accuracy, redrawn a share, slowdown above 0")
        if min(self.uneven, self.spread, self.drift) < 0 or not 0 <= self.correlated < 1:
            raise ConfigError("selftest: uneven, spread and drift are 0 or more, correlated below 1")


def selftest(arguments: Sequence[str]) -> int:
    """Run the simulation, print the rates; the exit code comes back."""
    known = list(SimulationConfig.__dataclass_fields__)
    given: dict[str, str] = {}
    settings: dict[str, Any] = {}
    for word in arguments:
        key, equals, value = word.partition("=")
        if equals and (key == "gate" or key.startswith("gate.")):
            given[key] = value
        elif equals and key in known:
            settings[key] = _number(key, value)
        else:
            raise UsageError(f"'{word}' is not understood; {nearest(key, [*known, 'gate'])} (see --help)")
    config = structure(SimulationConfig, settings, "selftest", ConfigError)
    for line in rates(gate_settings(given), config):
        say(line)
    return EXIT_PASS


def _number(key: str, value: str) -> float | int:
    try:
        return int(value) if value.lstrip("-").isdigit() else float(value)
    except ValueError:
        raise UsageError(f"{key}={value}: give a number") from None


def rates(gate: GateConfig, config: SimulationConfig) -> list[str]:
    """A table of how the gate ended over simulated pairs, as Markdown lines."""
    kinds = {
        "nothing changed": (0.0, 1.0),
        f"UAR {100 * config.drop:g} points lower": (config.drop, 1.0),
        f"latency {config.slowdown:g} times": (0.0, config.slowdown),
    }
    lines = [
        f"gate {gate.name}, alpha {gate.alpha:g}: {config.pairs} pairs of {config.clips} clips of "
        f"{config.speakers} speakers and {config.requests} requests each",
        "",
        "| pairs | pass | inconclusive | fail | fail, 95 % interval |",
        "|---|---:|---:|---:|---|",
    ]
    for number, (name, (drop, slowdown)) in enumerate(kinds.items()):
        found = verdicts(gate, config, drop=drop, slowdown=slowdown, seed=config.seed + 1_000_003 * number)
        shares = {verdict: found[verdict] / config.pairs for verdict in Verdict}
        low, high = clopper_pearson(found[Verdict.FAIL], config.pairs, 0.95)
        lines.append(
            f"| {name} | {shares[Verdict.PASS]:.3f} | {shares[Verdict.INCONCLUSIVE]:.3f} | "
            f"{shares[Verdict.FAIL]:.3f} | {low:.3f} to {high:.3f} |"
        )
    return lines


def verdicts(
    gate: GateConfig, config: SimulationConfig, *, drop: float, slowdown: float, seed: int
) -> Counter[Verdict]:
    """How often the gate ended how over pairs with this planted loss of UAR and factor on latency."""
    rng = np.random.default_rng(seed)
    quick = replace(gate, resamples=min(gate.resamples, _RESAMPLES))
    found: Counter[Verdict] = Counter()
    for _ in range(config.pairs):
        before, after = _pair(config, rng, drop, slowdown)
        found[judge(after, before, quick).verdict] += 1
    return found


def _pair(
    config: SimulationConfig, rng: np.random.Generator, drop: float, slowdown: float
) -> tuple[Subject, Subject]:
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
    after = np.where(redrawn, anew, before)
    right = after == reference
    spoilt = right & (rng.random(config.clips) < drop / max(float(right.mean()), drop, 1e-9))
    after = np.where(spoilt, (reference + 1) % config.emotions, after).astype(np.int8)
    latency = [factor * rng.lognormal(0.0, config.drift) * _latencies(config, rng) for factor in (1.0, slowdown)]
    return (
        simulated_subject(config, reference, before, speaker, latency[0]),
        simulated_subject(config, reference, after, speaker, latency[1]),
    )


def _latencies(config: SimulationConfig, rng: np.random.Generator) -> NDArray[np.float64]:
    """Latencies in order of sending, about 50 ms."""
    noise = rng.normal(0.0, config.spread, config.requests)
    inherited = config.correlated
    if inherited:
        # Begun where it has been going on for long, with the spread that it keeps.
        for at in range(1, config.requests):
            noise[at] = inherited * noise[at - 1] + np.sqrt(1 - inherited**2) * noise[at]
    return np.asarray(50.0 * np.exp(noise))


def _answers(
    rng: np.random.Generator, reference: NDArray[np.int8], right: NDArray[np.bool_], emotions: int
) -> NDArray[np.int8]:
    wrong = (reference + rng.integers(1, max(emotions, 2), len(reference))) % emotions
    return np.where(right, reference, wrong).astype(np.int8)


def simulated_subject(
    config: SimulationConfig,
    reference: NDArray[np.int8],
    predicted: NDArray[np.int8],
    speaker: NDArray[np.int32],
    latency_ms: NDArray[np.float64],
) -> Subject:
    """A run with these answers, a code each, and with these latencies, milliseconds, in order of sending."""
    calls = CallSample(latency_ms=latency_ms, clip=np.arange(len(latency_ms)), in_order=True)
    identity: Mapping[str, Any] = {
        "dataset_hash": "simulated", "label_map_hash": "simulated", "labels_hash": "simulated",
        "n_clips": config.clips, "device": "simulated", "load": {"schedule": "single_stream"},
    }  # fmt: skip
    table = bare_table(
        tuple(f"{clip:07d}" for clip in range(config.clips)),
        reference=reference,
        predicted=predicted,
        forced=predicted,
        speaker=speaker,
        speakers=tuple(f"{name:04d}" for name in range(config.speakers)),
    )
    return Subject(
        source="simulated",
        table=table,
        labels=EMOTIONS[: config.emotions],
        policy="wrong",
        clean=calls,
        waited=calls,
        shares=_NO_SHARES,
        others_cpu=None,
        latency_refused=None,
        identity=identity,
        figures=_NO_FIGURES,
    )
