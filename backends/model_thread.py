"""The one thread that a model is used from.

Inference engines are not safe, or not fast, when called from several threads at once. Work is handed to this
thread and awaited; a second piece may wait in its queue, so that the thread is never idle between two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class ModelThread:
    """A single named worker thread with an awaitable `run`."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of `work()`, computed in the thread; its exceptions are raised here."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def close(self) -> None:
        """Finish what was begun and end the thread."""
        self._executor.shutdown(wait=True, cancel_futures=True)
