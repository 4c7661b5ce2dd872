"""What a person sees while a run goes on: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Self

from sv_eval.records import Outcome, Record

_LINE_EVERY_S = 10.0


class RunningUar:
    """Mean recall over the references seen so far; unknown and missing answers count as wrong."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        self._labels = labels
        self._seen: Counter[str] = Counter()
        self._right: Counter[str] = Counter()

    def add(self, reference: str | None, label: str | None, count: int = 1) -> None:
        """Take answered clips into account; a failure is no answer."""
        if reference in self._labels:
            self._seen[reference] += count
            self._right[reference] += count * (label == reference)

    @property
    def value(self) -> float | None:
        """The running figure, 0 to 1; None before anything could be scored."""
        if not self._seen:
            return None
        return sum(self._right[label] / seen for label, seen in self._seen.items()) / len(self._seen)

    def __str__(self) -> str:
        value = self.value
        return "UAR -" if value is None else f"UAR {value:.3f}"


class Progress:
    """Shows rate, time left and running UAR on stderr. A context manager; `add` costs microseconds."""

    def __init__(self, total: int, uar: RunningUar, *, done: int, failed: int) -> None:
        self._stream = sys.stderr
        self._total, self._done, self._begun_with = total, done, done
        self._uar = uar
        self._failed = failed
        self._again = 0
        self._bar: Any = None
        self._task: Any = None
        self._next_update = 0.0

    def __enter__(self) -> Self:
        """Begin the clock."""
        self._begin = time.monotonic()
        self._next_update = self._begin + (0.1 if self._stream.isatty() else _LINE_EVERY_S)
        if self._stream.isatty():
            self._open_bar()
        else:
            self._line()
        return self

    def __exit__(self, *reason: object) -> None:
        """Show the last state."""
        if self._bar is not None:
            self._update_bar()
            self._bar.stop()
        else:
            self._line()

    def add(self, record: Record) -> None:
        """Count one finished record; of later rounds only that they are under way."""
        if record.round:
            self._again += 1
        else:
            self._count(record)
        now = time.monotonic()
        if now < self._next_update:
            return
        if self._bar is not None:
            self._update_bar()
            self._next_update = now + 0.1
        else:
            self._line()
            self._next_update = now + _LINE_EVERY_S

    def _count(self, record: Record) -> None:
        self._done += 1
        self._failed += record.outcome is Outcome.FAILURE
        if record.prediction is not None:
            self._uar.add(record.clip.reference, record.prediction.label)

    @property
    def _rate(self) -> float:
        elapsed = time.monotonic() - self._begin
        return (self._done + self._again - self._begun_with) / elapsed if elapsed > 0 else 0.0

    def _open_bar(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (
            BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
            TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.fields[state]}"),
        )  # fmt: skip
        self._bar = Bar(*columns, console=Console(file=self._stream), transient=False)
        self._task = self._bar.add_task("", total=self._total, completed=self._done, rate="", state="")
        self._bar.start()

    def _update_bar(self) -> None:
        self._bar.update(
            self._task,
            completed=self._done,
            rate=f"{self._rate:.1f} clips/s",
            state=f"{self._uar}{self._failures}",
        )

    @property
    def _failures(self) -> str:
        again = f", {self._again} requests of further rounds" if self._again else ""
        return again + (f", {self._failed} failed" if self._failed else "")

    def _line(self) -> None:
        rate = self._rate
        left = f", {(self._total - self._done) / rate:.0f} s left" if rate > 0 and self._done < self._total else ""
        speed = f", {rate:.1f} clips/s" if rate > 0 else ""
        line = f"{self._done}/{self._total} clips{speed}{left}, {self._uar}{self._failures}\n"
        # Whoever closed our stderr no longer wants to be told; the run goes on.
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(line)
            self._stream.flush()


def recorder(keep: Callable[[Record], object], progress: Progress) -> Callable[[Record], None]:
    """What becomes of a finished record: kept, and shown."""

    def on_record(record: Record) -> None:
        keep(record)
        progress.add(record)

    return on_record
