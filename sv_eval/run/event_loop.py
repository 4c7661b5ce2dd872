"""The event loop of a command: what is run in it ends with a result or with an error of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from sv_eval.errors import BackendLost
from sv_eval.machine.interrupts import somebody_pressed

Result = TypeVar("Result")


def finished(
    work: Coroutine[Any, Any, Result], loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
) -> Result:
    """What `work` gives, in a loop of its own.

    The guard sees what is raised in a call to a plug-in. What a plug-in raises in tasks and callbacks of its own
    goes past it: asyncio ends the loop for SystemExit and KeyboardInterrupt, wherever they come from. That is a
    lost backend, unless a person pressed Ctrl-C. Raises BackendLost and what `work` raises. loop_factory: makes
    the loop; asyncio's own unless given.
    """
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            return runner.run(work)
    except KeyboardInterrupt as error:
        if somebody_pressed(error):
            raise
        raise _lost(error) from error
    except (SystemExit, GeneratorExit, asyncio.CancelledError) as error:
        raise _lost(error) from error


def _lost(error: BaseException) -> BackendLost:
    return BackendLost(f"the backend wanted to end the program ({error!r}), which it must not")
