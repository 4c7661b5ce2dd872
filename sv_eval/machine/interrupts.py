"""Ctrl-C where nobody would hear of it: Python drops what is raised within a C library's callback."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")
_STOPPERS: ContextVar[list[Callable[[], object]] | None] = ContextVar("stoppers", default=None)
_LOOK_EVERY_S = 0.2


def in_a_thread(work: Callable[[], T]) -> T:
    """What `work` gives, done in a thread of its own; Ctrl-C asks it to stop as it is asked in the main thread.

    Its errors are raised here. An interrupt that it knows no answer to is raised once it has ended.
    """
    stoppers: list[Callable[[], object]] = []
    found: list[T] = []
    errors: list[BaseException] = []
    ended = threading.Event()

    def body() -> None:
        _STOPPERS.set(stoppers)
        try:
            found.append(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again, in the thread that waits
            errors.append(error)
        finally:
            ended.set()

    context = copy_context()
    thread = threading.Thread(target=lambda: context.run(body), name="sv_eval", daemon=True)
    thread.start()
    interrupted: KeyboardInterrupt | None = None
    while not ended.is_set():
        try:
            # Not `join`: interrupted, it takes the thread for ended (Python 3.11).
            ended.wait(_LOOK_EVERY_S)
        except KeyboardInterrupt as error:
            if interrupted is not None:
                raise
            interrupted = error
            for stop in stoppers:
                stop()
    if errors:
        raise errors[0]
    if interrupted is not None and not stoppers:
        raise interrupted
    return found[0]


@contextmanager
def stoppable(stop: Callable[[], Any]) -> Iterator[None]:
    """Within it, an interrupt of the thread that waits in `in_a_thread` for this one calls `stop`."""
    stoppers = _STOPPERS.get()
    if stoppers is None:
        yield
        return
    stoppers.append(stop)
    try:
        yield
    finally:
        stoppers.remove(stop)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """An interrupt within it has its effect at its end; in other threads than the main one nothing is to be held.

    A blocked signal would not do: the kernel gives it to any other thread, a numerical library's for example,
    and Python raises in the main one all the same.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    if before is None:  # set outside Python, and not to be put back from here
        yield
        return
    frames: list[FrameType | None] = []
    signal.signal(signal.SIGINT, lambda _, frame: frames.append(frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if frames and callable(before):
            before(signal.SIGINT, frames[0])
        elif frames and before is signal.SIG_DFL:
            signal.raise_signal(signal.SIGINT)
