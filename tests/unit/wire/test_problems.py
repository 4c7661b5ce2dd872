"""The codes, and the documents that carry them."""

from __future__ import annotations

import http

import grpc
import pytest

from sv_eval.wire.messages import Problem
from sv_eval.wire.problems import CODES, ServiceError, problem


@pytest.mark.parametrize("word", CODES)
def test_every_code_is_whole(word: str) -> None:
    code = CODES[word]
    assert code.word == word
    assert http.HTTPStatus(code.status) >= 400
    assert code.grpc in grpc.StatusCode.__members__
    assert code.title
    assert code.advice.endswith(".")
    document = problem(ServiceError(word, "why"), "id")
    assert Problem.model_validate(document).code == word
    assert ("retry_after_s" in document) == code.retry


def test_time_to_come_back_is_in_whole_seconds_and_never_now() -> None:
    assert ServiceError("overloaded", "x", retry_after_s=0.01).retry_after_s == 1
    assert ServiceError("overloaded", "x", retry_after_s=2.1).retry_after_s == 3
    assert ServiceError("not_audio", "x").retry_after_s is None
