"""The threads that a model is used from.

Inference engines are not safe, or not fast, when called from any number of threads at once. Work is handed to
one thread, or to as many as the engine is meant for, and awaited; more may wait in the queue, so that a thread
is never idle between two pieces.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class ModelThread:
    """A named worker thread, or `count` of them, with an awaitable `run`."""

    def __init__(self, name: str, count: int = 1) -> None:
        self._executor = ThreadPoolExecutor(max_workers=count, thread_name_prefix=name)

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of `work()`, computed in a thread; its exceptions are raised here."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def close(self) -> None:
        """Finish what was begun and end the threads."""
        self._executor.shutdown(wait=True, cancel_futures=True)
