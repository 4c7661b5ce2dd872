"""Ctrl-C where nobody would hear of it: Python drops what is raised within a C library's callback."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


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
