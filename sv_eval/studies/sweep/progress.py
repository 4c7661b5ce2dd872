"""How far a sweep is: before each setting which one it is and how long the rest takes, after it what came out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from sv_eval.machine.terminal import note
from sv_eval.studies.sweep.plan import Setting

_CURRENT: ContextVar[SweepProgress | None] = ContextVar("sweep_progress", default=None)
_LONG_S = 90.0


@dataclass(slots=True, kw_only=True)
class SweepProgress:
    """The settings of a sweep that are run in this process, one after another."""

    todo: Sequence[Setting]
    """Those that are to be run."""
    n_settings: int
    """All of the sweep, finished ones too."""
    clock: Callable[[], float] = time.monotonic
    """Seconds."""
    tell: Callable[[object], None] = note
    """Where lines go."""
    _took_s: list[float] = field(default_factory=list)
    _begin_s: float = 0.0

    def before(self, number: int) -> None:
        """Say which setting begins."""
        place = next((place for place, one in enumerate(self.todo) if one.number == number), None)
        if place is None:
            return
        done = self.n_settings - len(self.todo) + place + 1
        self.tell(
            f"setting {done} of {self.n_settings}: {self.todo[place].name}{self._left(len(self.todo) - place)}"
        )
        self._begin_s = self.clock()

    def after(self, result: str) -> None:
        """Say what came out of it."""
        self._took_s.append(self.clock() - self._begin_s)
        self.tell(f"  {result}")

    def _left(self, n: int) -> str:
        """How long so many more will take, by those that were run; empty before the first is."""
        if not self._took_s:
            return ""
        seconds = n * sum(self._took_s) / len(self._took_s)
        about = f"{seconds:.0f} s" if seconds < _LONG_S else f"{seconds / 60:.0f} min"
        return f"; about {about} left"


@contextmanager
def telling(progress: SweepProgress) -> Iterator[None]:
    """Within it, jobs of this process tell how far the sweep is."""
    token = _CURRENT.set(progress)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current() -> SweepProgress | None:
    """The progress that jobs of this process tell; None outside of a sweep, and in a launcher's other processes."""
    return _CURRENT.get()
