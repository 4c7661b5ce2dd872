"""What tests in simulated time have in common."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import pytest

from sv_eval.run import feed


class OnTheSpot(Executor):
    """Does the work when it is handed over."""

    def __init__(self, **settings: Any) -> None:
        pass

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*arguments, **named))
        return done


@pytest.fixture
def decoded_on_the_spot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clips are decoded without threads, which need real time; simulated time leaves them next to none."""
    monkeypatch.setattr(feed, "ThreadPoolExecutor", OnTheSpot)
