"""NVIDIA's graphics processors as NVML sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

THROTTLING = {
    0x4: "power_cap",
    0x8: "hardware_slowdown",
    0x20: "thermal_software",
    0x40: "thermal_hardware",
    0x80: "power_brake",
}
"""NVML's reasons for a lower clock that are no choice of anybody's; idle and set clocks are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSample:
    """One device at one moment; None where the device does not tell."""

    index: int
    """NVML's number of the device."""
    utilisation: float | None
    """Share of the last sampling period in which a kernel ran, 0 to 1."""
    memory_mib: float | None
    """Memory in use, MiB."""
    sm_mhz: float | None
    """Clock of the multiprocessors."""
    memory_mhz: float | None
    """Clock of the memory."""
    power_w: float | None
    """Power drawn."""
    temperature_c: float | None
    """Of the chip."""
    energy_j: float | None
    """Since the driver was loaded."""
    throttled: tuple[str, ...]
    """Why the clock is held down, if it is."""


class Gpus:
    """The devices of this machine; without a driver or the package `nvidia-ml-py` there are none.

    nvml: a module with NVML's functions, for tests.
    """

    def __init__(self, nvml: Any = None) -> None:
        self._nvml = nvml
        self._handles: list[Any] = []

    def __enter__(self) -> Self:
        """Find the devices."""
        self._nvml = _nvml_here() if self._nvml is None else self._nvml
        if self._nvml is None:
            return self
        try:
            self._nvml.nvmlInit()
        except self._nvml.NVMLError:
            self._nvml = None
            return self
        count = self._nvml.nvmlDeviceGetCount()
        self._handles = [self._nvml.nvmlDeviceGetHandleByIndex(index) for index in range(count)]
        return self

    def __exit__(self, *reason: object) -> None:
        """Let go of the driver."""
        if self._nvml is not None:
            self._nvml.nvmlShutdown()

    def names(self) -> list[str]:
        """The devices' names, in order."""
        return [self._text(self._ask("nvmlDeviceGetName", handle)) for handle in self._handles]

    def sample(self) -> list[GpuSample]:
        """Every device now."""
        return [self._sample(index, handle) for index, handle in enumerate(self._handles)]

    def _sample(self, index: int, handle: Any) -> GpuSample:
        nvml = self._nvml
        busy, memory = (
            self._ask("nvmlDeviceGetUtilizationRates", handle),
            self._ask("nvmlDeviceGetMemoryInfo", handle),
        )
        power, energy = (
            self._ask(f"nvmlDeviceGet{what}", handle) for what in ("PowerUsage", "TotalEnergyConsumption")
        )
        reasons = self._ask("nvmlDeviceGetCurrentClocksThrottleReasons", handle) or 0
        return GpuSample(
            index=index,
            utilisation=None if busy is None else busy.gpu / 100,
            memory_mib=None if memory is None else memory.used / 2**20,
            sm_mhz=self._ask("nvmlDeviceGetClockInfo", handle, nvml.NVML_CLOCK_SM),
            memory_mhz=self._ask("nvmlDeviceGetClockInfo", handle, nvml.NVML_CLOCK_MEM),
            power_w=None if power is None else power / 1000,
            temperature_c=self._ask("nvmlDeviceGetTemperature", handle, nvml.NVML_TEMPERATURE_GPU),
            energy_j=None if energy is None else energy / 1000,
            throttled=tuple(name for bit, name in THROTTLING.items() if reasons & bit),
        )

    def _ask(self, function: str, *arguments: Any) -> Any:
        """What NVML says, or None where this device can't."""
        try:
            return getattr(self._nvml, function)(*arguments)
        except self._nvml.NVMLError:
            return None

    def _text(self, name: Any) -> str:
        return name.decode() if isinstance(name, bytes) else str(name)


def _nvml_here() -> Any:
    """The package, where it is installed."""
    try:
        import pynvml
    except ImportError:
        return None
    return pynvml
