"""Ctrl-C where nobody would hear of it: within a C library's callback, or in another thread than the main one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from types import FrameType
from typing import TypeVar

T = TypeVar("T")
_LOOK_EVERY_S = 0.2


def raise_interrupt(_number: int, _frame: FrameType | None) -> None:
    """A handler for Ctrl-C that `somebody_pressed` knows, unlike Python's own."""
    raise KeyboardInterrupt


def somebody_pressed(error: KeyboardInterrupt) -> bool:
    """Whether the error comes from Ctrl-C; code that was called can raise the same class.

    Handlers written in Python leave their frame in the traceback. Where Python's own is at work, which does not, a
    person's wish is not to be lost: every KeyboardInterrupt of the main thread counts as one.
    """
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is not None:
        frame = last.tb_frame
        if frame.f_code is raise_interrupt.__code__ or frame.f_globals.get("__name__") in (
            __name__,
            "asyncio.runners",
        ):
            return True
    if threading.current_thread() is not threading.main_thread():
        return False
    return signal.getsignal(signal.SIGINT) is signal.default_int_handler


class _Wish:
    """An interrupt of the thread that waits, for the one that works."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stops: list[Callable[[], object]] = []
        self.made = False
        self.heard = False

    def make(self) -> None:
        """Ask whoever can be asked now, or else whoever can be later."""
        with self._lock:
            self.made = True
            for stop in self._stops:
                self.heard = True
                stop()

    @contextmanager
    def heard_by(self, stop: Callable[[], object]) -> Iterator[None]:
        """Within it, the wish calls `stop`; at once, if it was made before."""
        with self._lock:
            self._stops.append(stop)
            if self.made and not self.heard:
                self.heard = True
                stop()
        try:
            yield
        finally:
            with self._lock:
                self._stops.remove(stop)


_WISH: ContextVar[_Wish | None] = ContextVar("wish", default=None)


def in_a_thread(work: Callable[[], T]) -> T:
    """What `work` gives, done in a thread of its own; Ctrl-C asks it to stop as it is asked in the main thread.

    Its errors are raised here. An interrupt that nothing in it heard of is raised once it has ended, a second one
    at once.
    """
    wish = _Wish()
    found: list[T] = []
    errors: list[BaseException] = []
    ended = threading.Event()

    def body() -> None:
        _WISH.set(wish)
        try:
            found.append(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again, in the thread that waits
            errors.append(error)
        finally:
            ended.set()

    context = copy_context()
    with _wishing(wish):
        threading.Thread(target=lambda: context.run(body), name="sv_eval", daemon=True).start()
        while True:
            try:
                # Not `join`: interrupted, it takes the thread for ended (Python 3.11).
                if ended.wait(_LOOK_EVERY_S):
                    break
            except KeyboardInterrupt:
                # Raised by a handler of somebody else's.
                if wish.made:
                    raise
                wish.make()
    if errors:
        raise errors[0]
    if wish.made and not wish.heard:
        raise KeyboardInterrupt
    return found[0]


@contextmanager
def _wishing(wish: _Wish) -> Iterator[None]:
    """Within it, the first Ctrl-C makes the wish, wherever the main thread is; a second one is an interrupt.

    Python's own handler would raise between any two steps of the code that waits, where nothing may catch it.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def asked(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, raise_interrupt)
        wish.make()

    signal.signal(signal.SIGINT, asked)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def stoppable(stop: Callable[[], object]) -> Iterator[None]:
    """Within it, an interrupt of the thread that waits in `in_a_thread` for this one calls `stop`."""
    wish = _WISH.get()
    if wish is None:
        yield
        return
    with wish.heard_by(stop):
        yield


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
