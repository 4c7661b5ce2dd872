"""How far an audit, or a fit, is: on a terminal one line that is written over, elsewhere a line now and then."""

from __future__ import annotations

import sys
import time

_ON_TERMINAL_S = 0.2
_ELSEWHERE_S = 10.0


class ProgressLine:
    """Counts clips as they are measured, or other things as they are done; what: in words, `clips checked`."""

    def __init__(self, total: int, what: str = "clips checked") -> None:
        self._what = what
        self._stream = sys.stderr
        self._total, self._done = total, 0
        self._begin = time.monotonic()
        self._terminal = self._stream.isatty()
        self._next = self._begin + (_ON_TERMINAL_S if self._terminal else _ELSEWHERE_S)

    @property
    def wall_s(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._begin

    def step(self) -> None:
        """Counts one clip."""
        self._done += 1
        now = time.monotonic()
        if now >= self._next or (self._terminal and self._done == self._total):
            self._next = now + (_ON_TERMINAL_S if self._terminal else _ELSEWHERE_S)
            self._show(now)

    def _show(self, now: float) -> None:
        rate = self._done / max(now - self._begin, 1e-9)
        left = (self._total - self._done) / rate
        text = f"{self._done} of {self._total} {self._what}, {rate:.3g}/s, {left:.0f} s left"
        if not self._terminal:
            print(text, file=self._stream, flush=True)
            return
        end = "\n" if self._done == self._total else ""
        print(f"\r\x1b[K{text}", end=end, file=self._stream, flush=True)
