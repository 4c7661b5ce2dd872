"""Runs that a gate could be given, and its rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sv_eval.emotions import EMOTIONS
from sv_eval.record_file.bare_table import bare_table
from sv_eval.report.accuracy import Headline
from sv_eval.report.interval import Interval
from sv_eval.scoring.call_sample import CallSample
from sv_eval.studies.gate.config import GateConfig, gate_config_from
from sv_eval.studies.gate.subject import EmotionRow, Figures, LatencyRow, Subject

LABELS = EMOTIONS[:4]
CI = {"margins": {"uar": 0.05, "accuracy": 0.05, "recall": 0.2}, "ratios": {"p50": 1.1, "p95": 1.15}}


def made_subject(
    *,
    accuracy: float = 0.8,
    clips: int = 400,
    seed: int = 0,
    factor: float = 1.0,
    speakers: int = 20,
    **changes: Any,
) -> Subject:
    """A run whose clip answers depend on the seed alone where accuracy is the same."""
    rng = np.random.default_rng(seed)
    reference = (np.arange(clips) % len(LABELS)).astype(np.int8)
    right = rng.random(clips) < accuracy
    predicted = np.where(right, reference, (reference + 1) % len(LABELS)).astype(np.int8)
    table = bare_table(
        tuple(f"c{n:04}" for n in range(clips)),
        reference=reference,
        predicted=predicted,
        forced=predicted,
        speaker=(np.arange(clips) // 4 % speakers).astype(np.int32),
        speakers=tuple(f"s{n:02}" for n in range(speakers)),
    )
    identity = {
        "dataset": "d", "dataset_hash": "d1", "split": "all", "label_map_hash": "m1", "labels_hash": "l1",
        "n_clips": clips, "backend": "fake", "model": "m", "model_hash": None, "precision": None, "device": "cpu",
        "load": {"schedule": "single_stream"}, "started_at": "2026", "commit": "abc",
    } | changes.pop("identity", {})  # fmt: skip
    figure, percentile = Interval(value=float(right.mean())), Interval(value=50.0 * factor, low=1, high=2)
    figures = Figures(
        accuracy=Headline(uar=figure, accuracy=figure, macro_f1=figure, weighted_f1=figure),
        per_emotion={label: EmotionRow(recall=figure, support=clips // 4) for label in LABELS},
        latency_ms=LatencyRow(n=clips, n_calls=clips, p50=percentile, p95=percentile, p99=percentile),
    )
    calls = CallSample.of_values(factor * np.random.default_rng(9).lognormal(4, 0.3, 1000))
    return replace(
        Subject(
            source="run", table=table, labels=LABELS, policy="wrong", clean=calls, waited=calls, shares={},
            others_cpu=None, latency_refused=None, identity=identity, figures=figures,
        ),
        **changes,
    )  # fmt: skip


def made_gate(**options: Any) -> GateConfig:
    return gate_config_from({"name": "g", "resamples": 500, **options})


@pytest.fixture
def subject() -> Callable[..., Subject]:
    """Makes a run with so much accuracy and so many clips."""
    return made_subject


@pytest.fixture
def gate() -> Callable[..., GateConfig]:
    """Makes a gate with these rules."""
    return made_gate


@pytest.fixture
def ci() -> GateConfig:
    """Rules for a pull request: no loss of accuracy, no slower."""
    return made_gate(**CI)
