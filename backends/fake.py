"""`backend=fake`: a recogniser whose confusion matrix, latency and failures are known beforehand.

It is the tool that proves the harness right: what a run reports about it can be held against what was
planted. Its answers depend on the seed and the clip's id alone, never on order, batch or clock.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import NormalDist
from typing import Any, Self

from sv_eval.backend import Answer, BackendInfo, Capabilities, Request
from sv_eval.backends.planted_dimension import planted_dimensions
from sv_eval.emotions import EMOTIONS, NO_SPEECH, NO_TAG, UNKNOWN
from sv_eval.errors import ConfigError, nearest
from sv_eval.machine.clock import Clock, WallClock
from sv_eval.records import Failure, Prediction

ANSWERS = (*EMOTIONS, UNKNOWN, NO_TAG, NO_SPEECH)
"""What a row of the planted confusion matrix may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedLatency:
    """A latency distribution: log-normal through two percentiles, or constant when they are equal."""

    p50_ms: float = 0.0
    """The median, ms; 0 answers at once."""
    p95_ms: float = 0.0
    """The 95th percentile, ms; 0 or p50_ms makes every answer take p50_ms."""

    def __post_init__(self) -> None:
        if self.p50_ms < 0 or (self.p95_ms and self.p95_ms < self.p50_ms):
            raise ConfigError("backend.latency: 0 <= p50_ms <= p95_ms is needed")

    def quantile_ms(self, share: float) -> float:
        """The latency that this share (0 < share < 1) of the answers stays below, ms."""
        if not self.p95_ms or self.p95_ms == self.p50_ms:
            return self.p50_ms
        standard = NormalDist()
        sigma = math.log(self.p95_ms / self.p50_ms) / standard.inv_cdf(0.95)
        return self.p50_ms * math.exp(sigma * standard.inv_cdf(share))


class FakeBackend:
    """A simulated recogniser.

    seed: makes another draw of everything.
    accuracy: the planted recall of every emotion; the wrong answers are spread evenly over `labels`.
    confusion: rows that replace this, e.g. `{happy: {happy: 0.7, sad: 0.2, unknown: 0.1}}`; a row's shares
        are of `labels`, `unknown`, `no_tag` or `no_speech`, and must sum to 1.
    failure_rate: the share of clips that fail, 0 to 1.
    latency: `p50_ms` and `p95_ms` of a log-normal distribution.
    labels: the emotions that it can say.
    dimensions: emotional dimensions that it tells with a planted concordance; see `PlantedDimension`.
    batch_size, concurrency: the most clips in a call, and the most calls at once.
    clock: what the planted latency is waited for on; the wall's unless given.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        accuracy: float = 0.8,
        confusion: Mapping[str, Mapping[str, float]] | None = None,
        failure_rate: float = 0.0,
        latency: Mapping[str, float] | None = None,
        labels: Sequence[str] = EMOTIONS,
        dimensions: Mapping[str, Mapping[str, Any]] | None = None,
        batch_size: int = 1,
        concurrency: int = 1,
        clock: Clock | None = None,
    ) -> None:
        if not (0 <= accuracy <= 1 and 0 <= failure_rate <= 1):
            raise ConfigError("backend.accuracy and backend.failure_rate must lie between 0 and 1")
        if batch_size < 1 or concurrency < 1 or not labels:
            raise ConfigError(
                "backend.batch_size and backend.concurrency must be at least 1, backend.labels not empty"
            )
        for label in labels:
            if label not in EMOTIONS:
                raise ConfigError(f"backend.labels: '{label}' is no emotion; {nearest(label, EMOTIONS)}")
        try:
            self._latency = PlantedLatency(**(latency or {}))
        except TypeError as error:
            raise ConfigError("backend.latency takes p50_ms and p95_ms only") from error
        self._dimensions = planted_dimensions(dimensions or {})
        self._clock = clock or WallClock()
        self._seed, self._failure_rate = seed, failure_rate
        self._labels, self._batch_size, self._concurrency = tuple(labels), batch_size, concurrency
        self.planted = {label: _even_row(label, self._labels, accuracy) for label in self._labels}
        self.planted |= {label: _checked_row(label, row) for label, row in (confusion or {}).items()}
        self._ladders = {label: _Ladder(row) for label, row in self.planted.items()}
        self._forced = {label: _Ladder(_without_silence(row, self._labels)) for label, row in self.planted.items()}
        guess = {answer: 1 / len(self._labels) for answer in self._labels}
        self._guess = _Ladder(guess)

    @property
    def capabilities(self) -> Capabilities:
        """It sees the truth, and says so."""
        return Capabilities(
            labels=self._labels,
            max_batch=self._batch_size,
            max_in_flight=self._concurrency,
            needs_reference=True,
            dimensions={name: one.range for name, one in self._dimensions.items()},
        )

    @property
    def info(self) -> BackendInfo:
        """What was planted."""
        return BackendInfo(
            name="fake",
            model="simulated recogniser",
            device="none",
            details={
                "seed": self._seed,
                "failure_rate": self._failure_rate,
                "planted_p50_ms": self._latency.p50_ms,
                "planted_p95_ms": self._latency.p95_ms,
                **{f"planted_ccc_{name}": one.ccc for name, one in self._dimensions.items()},
            },
            card={"kind": "simulation"},
        )

    async def __aenter__(self) -> Self:
        """Nothing to load."""
        return self

    async def __aexit__(self, *reason: object) -> None:
        """Nothing to release."""

    async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """The planted answers, after the planted time."""
        begin = self._clock.now()
        draws = [_uniforms(self._seed, request.clip_id) for request in requests]
        answers = [self._answer(request, draw) for request, draw in zip(requests, draws, strict=True)]
        if self._latency.p50_ms:
            slowest = max(self._latency.quantile_ms(draw[0]) for draw in draws)
            await self._clock.wait_until(begin + slowest / 1000)
        return answers

    def _answer(self, request: Request, draw: tuple[float, float, float, float]) -> Answer:
        _, failing, choice, again = draw
        if failing < self._failure_rate:
            return Failure(kind="planted", message="this failure was planted")
        reference = request.reference or ""
        said = self._ladders.get(reference, self._guess).climb(choice)
        forced = said if said in EMOTIONS else self._forced.get(reference, self._guess).climb(again)
        if said == NO_SPEECH:
            return Prediction(no_speech=True)
        label = None if said == NO_TAG else said
        scores = _scores(label or forced, self._labels)
        return Prediction(
            label=label,
            forced=forced,
            scores=scores,
            confidence=None if label is None else scores[label],
            dimensions=self._felt(request),
        )

    def _felt(self, request: Request) -> dict[str, float] | None:
        """The planted dimensions of a clip that has references for them."""
        truth = request.dimensions or {}
        if not self._dimensions or not truth:
            return None
        return {
            name: planted.answer(truth[name], _uniforms(self._seed, f"{name}:{request.clip_id}")[0])
            for name, planted in self._dimensions.items()
            if name in truth
        } or None


class _Ladder:
    """A discrete distribution, drawn from by one uniform number."""

    def __init__(self, shares: Mapping[str, float]) -> None:
        self._answers = tuple(shares)
        self._steps = tuple(accumulate(shares.values()))

    def climb(self, height: float) -> str:
        """The answer at this height, 0 to 1."""
        for answer, step in zip(self._answers, self._steps, strict=True):
            if height < step:
                return answer
        return self._answers[-1]


def _even_row(label: str, labels: Sequence[str], accuracy: float) -> dict[str, float]:
    wrong = (1 - accuracy) / (len(labels) - 1) if len(labels) > 1 else 0.0
    return {answer: accuracy if answer == label else wrong for answer in labels}


def _checked_row(label: str, row: Mapping[str, float]) -> dict[str, float]:
    if label not in EMOTIONS:
        raise ConfigError(f"backend.confusion: row '{label}' is no emotion; {nearest(label, EMOTIONS)}")
    for answer in row:
        if answer not in ANSWERS:
            raise ConfigError(f"backend.confusion.{label}: '{answer}' is no answer; {nearest(answer, ANSWERS)}")
    if abs(sum(row.values()) - 1) > 1e-6 or min(row.values()) < 0:
        raise ConfigError(
            f"backend.confusion.{label}: shares must be positive and sum to 1, got {sum(row.values())}"
        )
    return dict(row)


def _without_silence(row: Mapping[str, float], labels: Sequence[str]) -> dict[str, float]:
    """The row given that an emotion is named; even over all labels where it never is."""
    named = {answer: share for answer, share in row.items() if answer in EMOTIONS}
    total = sum(named.values())
    if not total:
        return {answer: 1 / len(labels) for answer in labels}
    return {answer: share / total for answer, share in named.items()}


def _scores(top: str, labels: Sequence[str]) -> dict[str, float]:
    names = (*labels, UNKNOWN)
    rest = 0.4 / (len(names) - 1)
    return {name: 0.6 if name == top else rest for name in names}


def _uniforms(seed: int, clip_id: str) -> tuple[float, float, float, float]:
    """Four numbers, uniform on (0, 1), that depend on the seed and the clip's id alone."""
    digest = hashlib.blake2b(f"{seed}:{clip_id}".encode(), digest_size=32).digest()
    a, b, c, d = ((int.from_bytes(digest[i : i + 8], "little") + 0.5) / 2**64 for i in range(0, 32, 8))
    return a, b, c, d
