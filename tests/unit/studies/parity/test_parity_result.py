"""What a parity check found is read back as it was written, and reads the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sv_eval.backend import Answer
from sv_eval.records import Clip, Failure, Prediction
from sv_eval.report.codec import as_json, from_json
from sv_eval.report.environment import Environment, Surroundings
from sv_eval.report.parity import ParityResult
from sv_eval.reports.parity import render_parity
from sv_eval.studies.parity.config import ParityConfig
from sv_eval.studies.parity.differences import agreement
from sv_eval.studies.parity.invariance import Check
from sv_eval.studies.parity.measure import Measured, Pair, Traced
from sv_eval.studies.parity.result import result_of

LATE = Failure(kind="timeout", message="late | again")


def said(label: str | None, **scores: float) -> Prediction:
    return Prediction(label=label, scores=scores or None, confidence=max(scores.values(), default=None))


def measured(environment: Environment, answers: list[tuple[Answer, Answer]], **more: Any) -> Measured:
    """What was measured of clips that were answered so."""
    pairs = [
        Pair(
            clip=Clip(id=f"c{n}", path=f"w/{n}.wav", reference="sad" if n % 2 else None, raw_label="x"),
            answers=both,
            latency_ms=(10.0 + n, 12.0 + n % 3),
        )
        for n, both in enumerate(answers)
    ]
    return Measured(infos=[environment.backend] * 2, pairs=pairs, **more)


def with_everything(environment: Environment) -> Measured:
    answers: list[tuple[Answer, Answer]] = [
        (said("sad", sad=0.6, happy=0.4), said("happy", sad=0.45, happy=0.55)),
        (said("sad", sad=0.9, happy=0.1), said("sad", sad=0.9, happy=0.1)),
        (LATE, said("sad")),
        *[(said("sad", sad=0.8, happy=0.2), said(None, sad=0.5, happy=0.5))] * 12,
    ]
    same = agreement([answers[1][0]], [answers[1][1]])
    return measured(
        environment,
        answers,
        undecoded=[("c99", Failure(kind="decode_error", message="no audio"))],
        traced=[
            Traced(clip_id="c0", gaps={"features": 0.5, "posterior": 0.15}, first="features"),
            Traced(clip_id="c1", gaps={"features": float("inf"), "posterior": 0.0}, first="features"),
        ],
        untraced=[("c3", 1, Failure(kind="trace_error", message="nothing"))],
        checks=(
            [Check(name="rerun", size=1, result=same), Check(name="batch", size=1, result=None)],
            [Check(name="rerun", size=1, result=same)],
        ),
    )


def result(environment: Environment, found: Measured, **limits: Any) -> ParityResult:
    surroundings = Surroundings(machine=environment.machine, packages=environment.packages, git=environment.git)
    return result_of(found, ParityConfig(**limits), ("fake", "fake,seed=2"), environment.dataset, surroundings)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_result_is_read_back_as_it_was_written(language: str, environment_of: Callable[..., Environment]) -> None:
    environment = environment_of()
    bare = measured(environment, [(said("sad"), said("sad"))])
    for found in (
        result(environment, with_everything(environment), max_flips=2, max_dp=0.1),
        result(environment, bare),
    ):
        data = json.loads(json.dumps(as_json(found), allow_nan=False))

        again = from_json(ParityResult, data, "parity.json")

        assert json.dumps(as_json(again)) == json.dumps(data)
        assert again == found
        assert render_parity(again, language) == render_parity(found, language)


def test_what_is_not_known_is_null_and_what_does_not_apply_is_left_out(
    environment_of: Callable[..., Environment],
) -> None:
    environment = environment_of()
    whole = as_json(result(environment, with_everything(environment), max_dp=0.1))
    bare = as_json(result(environment, measured(environment, [(said("sad"), said("sad"))])))

    assert list(whole["sides"][0])[:3] == ["title", "name", "model"]
    assert whole["failures"][0] == {"clip": "c99", "side": None, "kind": "decode_error", "message": "no audio"}
    assert whole["stages"]["gaps"][0] == {
        "stage": "features", "max": None, "shapes_differ": 1, "tolerance": 0.001, "beyond": 2,
    }  # fmt: skip
    assert whole["invariance"][0][1] == {
        "check": "batch", "size": 1, "reason": "the backend takes one clip a call",
    }  # fmt: skip
    assert whole["broken_limits"] == ["parity.max_dp"]
    assert "reason" not in whole["stages"]
    assert bare["stages"] == {"n": 0, "reason": "a side shows no stages", "first": {}, "gaps": []}
    assert (bare["dp"], bare["explained"]) == ({"max": None, "mean": None}, None)
    assert bare["limits"] == {"max_flips": None, "max_dp": None}
