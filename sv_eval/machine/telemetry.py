"""What the machine did while it was measured, at a fixed rate, beside the measurement."""

from __future__ import annotations

import csv
import io
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from sv_eval.errors import SvEvalError
from sv_eval.machine.devices import device_class
from sv_eval.machine.gpus import Gpus, GpuSample
from sv_eval.report import environment as told
from sv_eval.written_files import append_whole

TELEMETRY = "telemetry.csv"
_CGROUP = Path("/sys/fs/cgroup/cpu.stat")
_OF_PROCESS = ("session", "at_s", "process_cpu", "machine_cpu", "rss_mib")
_OF_GPU = ("utilisation", "memory_mib", "sm_mhz", "memory_mhz", "power_w", "temperature_c", "energy_j")


class Telemetry:
    """Samples processor, memory and graphics processors in a thread of its own, and appends to `telemetry.csv`.

    path: the file; None keeps the samples in memory alone. interval_s: seconds between them. session: which start
    of the run this is. gpus: the devices; those of this machine unless given.

    `process_cpu` is of one core, 2.0 being two cores busy; `machine_cpu` is the busy share of all cores.

    A context manager that may be entered again and again; the summary is of all stretches together.
    """

    def __init__(self, path: Path | None, *, interval_s: float, session: int = 0, gpus: Gpus | None = None) -> None:
        self._path, self._interval_s, self._session = path, interval_s, session
        self._gpus = Gpus() if gpus is None else gpus
        self._rows: list[tuple[float, float, float, float]] = []
        self._of_gpus: list[list[GpuSample]] = []
        self._begin_s: float | None = None
        self._stretches: list[int] = []
        self._held_back_s: float | None = None
        self._names: list[str] = []

    def __enter__(self) -> Self:
        """Begin to sample."""
        import psutil

        self._process = psutil.Process()
        self._machine_cpu = psutil.cpu_percent
        self._gpus.__enter__()
        self._throttled = _throttled_s()
        self._process.cpu_percent()
        self._machine_cpu()
        self._begin_s = time.perf_counter() if self._begin_s is None else self._begin_s
        self._stretches.append(len(self._rows))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Take a last sample, end, and write the file; an error that ended it before is the one that is told."""
        self._ended.set()
        self._thread.join()
        self._sample()
        after = _throttled_s()
        if after is not None and self._throttled is not None:
            self._held_back_s = (self._held_back_s or 0.0) + after - self._throttled
        self._names = self._gpus.names()
        self._gpus.__exit__()
        if self._path is not None:
            try:
                self._write(self._path)
            except SvEvalError:
                if error is None:
                    raise

    def _run(self) -> None:
        while not self._ended.wait(self._interval_s):
            self._sample()

    def _sample(self) -> None:
        at_s, memory = time.perf_counter() - (self._begin_s or 0.0), self._process.memory_info().rss / 2**20
        cpu = self._process.cpu_percent() / 100
        self._rows.append((at_s, cpu, self._machine_cpu() / 100, memory))
        self._of_gpus.append(self._gpus.sample())

    def _write(self, path: Path) -> None:
        """A row a sample; the columns of graphics processors bear their number."""
        names = [f"gpu{one.index}_{name}" for one in self._of_gpus[0] for name in (*_OF_GPU, "throttled")]
        table = io.StringIO(newline="")
        rows = csv.writer(table)
        if not path.exists():
            rows.writerow([*_OF_PROCESS, *names])
        here = self._stretches[-1]
        for row, gpus in zip(self._rows[here:], self._of_gpus[here:], strict=True):
            values = [
                value for one in gpus for value in (*(getattr(one, n) for n in _OF_GPU), "+".join(one.throttled))
            ]
            rows.writerow([self._session, *(round(value, 4) for value in row), *values])
        append_whole(path, table.getvalue())

    def summary(self, *, audio_s: float | None = None) -> told.Telemetry:
        """Means and extremes of all samples; with the seconds of audio worked on, energy per hour of audio too.

        Valid once it has ended.
        """
        rows = np.array(self._rows)
        return told.Telemetry(
            samples=len(rows),
            interval_s=self._interval_s,
            process_cpu=_spread(rows[:, 1]),
            machine_cpu=_spread(rows[:, 2]),
            rss_mib=_spread(rows[:, 3]),
            cpu_held_back_s=None if self._held_back_s is None else round(self._held_back_s, 3),
            gpus=tuple(self._of_one_gpu(index, name, audio_s) for index, name in enumerate(self._names)),
        )

    def _of_one_gpu(self, index: int, name: str, audio_s: float | None) -> told.Gpu:
        samples = [gpus[index] for gpus in self._of_gpus]
        energy_j = self._energy_j(samples)
        reasons = Counter(reason for sample in samples for reason in sample.throttled)
        per_hour = energy_j / 3600 / (audio_s / 3600) if energy_j is not None and audio_s else None
        spread = {n: _spread([v for one in samples if (v := getattr(one, n)) is not None]) for n in _OF_GPU[:-1]}
        return {
            "name": name,
            "class": device_class(name),
            "utilisation": spread["utilisation"],
            "memory_mib": spread["memory_mib"],
            "sm_mhz": spread["sm_mhz"],
            "memory_mhz": spread["memory_mhz"],
            "power_w": spread["power_w"],
            "temperature_c": spread["temperature_c"],
            "energy_j": None if energy_j is None else round(energy_j, 3),
            "energy_wh_per_audio_hour": None if per_hour is None else round(per_hour, 4),
            "throttled": {reason: round(count / len(samples), 4) for reason, count in reasons.items()},
        }

    def _energy_j(self, samples: Sequence[GpuSample]) -> float | None:
        """Of all stretches: by the device's own counter where it has one, else power over time."""
        ends = [*self._stretches[1:], len(samples)]
        found = [
            self._energy_of(begin, samples[begin:end]) for begin, end in zip(self._stretches, ends, strict=True)
        ]
        known = [energy_j for energy_j in found if energy_j is not None]
        return sum(known) if len(known) == len(found) else None

    def _energy_of(self, begin: int, samples: Sequence[GpuSample]) -> float | None:
        first, last = samples[0].energy_j, samples[-1].energy_j
        if first is not None and last is not None:
            return last - first
        drawn = [one.power_w for one in samples]
        if len(drawn) < 2 or None in drawn:
            return None
        at_s = [row[0] for row in self._rows[begin : begin + len(samples)]]
        return float(np.trapezoid(np.array(drawn, dtype=float), at_s))


def _spread(values: Any) -> told.Spread | None:
    values = np.asarray(values, dtype=float)
    if not len(values):
        return None
    return told.Spread(mean=round(float(values.mean()), 4), max=round(float(values.max()), 4))


def _throttled_s() -> float | None:
    """Seconds for which this container was held back to its share of the processor, so far; None where not told."""
    try:
        words = dict(line.split() for line in _CGROUP.read_text(encoding="ascii").splitlines())
        return int(words["throttled_usec"]) / 1e6
    except (OSError, ValueError, KeyError):
        return None
