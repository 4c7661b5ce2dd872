"""What the machine did: sampled at a rate, summed up, and written; GPUs through a stand-in for NVML."""

from __future__ import annotations

import csv
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sv_eval.machine.devices import device_class
from sv_eval.machine.gpus import Gpus
from sv_eval.machine.telemetry import Telemetry
from sv_eval.report import environment as told
from sv_eval.report.environment import Spread
from sv_eval.scoring.caveats import held_back

THERMAL, IDLE = 0x20, 0x1


class Nvml:
    """NVML with one T4: 70 W, clocks that fall once it is hot; `without` names what the device can't tell."""

    NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = 1, 2, 0

    class NVMLError(Exception):
        pass

    def __init__(self, *, driver: bool = True, without: tuple[str, ...] = ()) -> None:
        self.driver, self.without, self.looks, self.open = driver, without, 0, 0

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("nvml"):
            raise AttributeError(name)

        def ask(*arguments: Any) -> Any:
            if name in self.without:
                raise self.NVMLError("not supported")
            return self._known(name, arguments)

        return ask

    def _known(self, name: str, arguments: tuple[Any, ...]) -> Any:
        if name == "nvmlInit":
            if not self.driver:
                raise self.NVMLError("driver not loaded")
            self.open += 1
            return None
        if name == "nvmlShutdown":
            self.open -= 1
            return None
        if name == "nvmlDeviceGetUtilizationRates":
            self.looks += 1
            return SimpleNamespace(gpu=80, memory=30)
        return {
            "nvmlDeviceGetCount": 1,
            "nvmlDeviceGetHandleByIndex": "handle",
            "nvmlDeviceGetName": b"Tesla T4",
            "nvmlDeviceGetMemoryInfo": SimpleNamespace(used=3 * 2**30, total=16 * 2**30),
            "nvmlDeviceGetClockInfo": 1590 if arguments[1:] == (self.NVML_CLOCK_SM,) else 5001,
            "nvmlDeviceGetPowerUsage": 70_000,
            "nvmlDeviceGetTotalEnergyConsumption": 1_000_000 + 7000 * self.looks,
            "nvmlDeviceGetTemperature": 83,
            "nvmlDeviceGetCurrentClocksThrottleReasons": THERMAL if self.looks % 2 else IDLE,
        }[name]


def watched(nvml: Nvml, path: Path | None = None, *, audio_s: float | None = None) -> told.Telemetry:
    telemetry = Telemetry(path, interval_s=0.01, gpus=Gpus(nvml))
    with telemetry:
        until = time.monotonic() + 120
        while nvml.looks < 4 and time.monotonic() < until:
            time.sleep(0.01)
    return telemetry.summary(audio_s=audio_s)


def test_a_gpu_is_sampled_and_its_class_is_told() -> None:
    nvml = Nvml()

    found = watched(nvml, audio_s=7200.0)

    (gpu,) = found.gpus
    assert (gpu["name"], gpu["class"]["class"], gpu["class"]["compute_capability"]) == ("Tesla T4", "T4", "7.5")
    assert gpu["utilisation"] == Spread(mean=0.8, max=0.8)
    assert gpu["memory_mib"].max == 3072
    assert (gpu["sm_mhz"].mean, gpu["memory_mhz"].mean) == (1590, 5001)
    # 7 J between two looks, by the device's own counter.
    assert gpu["energy_j"] == pytest.approx(7 * (found.samples - 1))
    assert gpu["energy_wh_per_audio_hour"] == pytest.approx(gpu["energy_j"] / 3600 / 2, abs=1e-4)
    assert set(gpu["throttled"]) == {"thermal_software"}
    assert 0.3 < gpu["throttled"]["thermal_software"] < 0.8
    assert nvml.open == 0


def test_without_a_counter_energy_is_power_over_time() -> None:
    telemetry = Telemetry(None, interval_s=0.01, gpus=Gpus(Nvml(without=("nvmlDeviceGetTotalEnergyConsumption",))))
    with telemetry:
        until = time.monotonic() + 120
        while len(telemetry._rows) < 4 and time.monotonic() < until:
            time.sleep(0.01)
    (gpu,) = telemetry.summary().gpus

    spent_s = telemetry._rows[-1][0] - telemetry._rows[0][0]
    assert gpu["energy_j"] == pytest.approx(70 * spent_s, rel=1e-3)
    assert gpu["energy_wh_per_audio_hour"] is None


def test_what_a_device_can_not_tell_is_none_and_a_missing_driver_no_error() -> None:
    (gpu,) = watched(Nvml(without=("nvmlDeviceGetPowerUsage", "nvmlDeviceGetClockInfo"))).gpus
    telemetry = Telemetry(None, interval_s=0.01, gpus=Gpus(Nvml(driver=False)))
    with telemetry:
        pass

    assert (gpu["power_w"], gpu["sm_mhz"]) == (None, None)
    assert telemetry.summary().gpus == ()


def test_the_processor_and_memory_are_those_of_this_process() -> None:
    telemetry = Telemetry(None, interval_s=0.02, gpus=Gpus(Nvml(driver=False)))
    begin_s, worked_s = time.perf_counter(), time.process_time()
    with telemetry:
        while time.process_time() < worked_s + 0.3 or len(telemetry._rows) < 3:
            pass
    worked_s, passed_s = time.process_time() - worked_s, time.perf_counter() - begin_s
    found = telemetry.summary()

    assert found.samples >= 3
    # Of one core, and what this process got of it: on a busy machine not all.
    assert 0.2 < found.process_cpu.mean / (worked_s / passed_s) < 4
    assert 20 < found.rss_mib.max < 20_000


def test_every_sample_is_in_the_file_and_a_second_start_goes_on_below(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.csv"

    first = watched(Nvml(), path)
    second = Telemetry(path, interval_s=0.01, session=1, gpus=Gpus(Nvml()))
    with second:
        pass

    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == first.samples + second.summary().samples
    assert [rows[0]["session"], rows[-1]["session"]] == ["0", "1"]
    assert rows[0]["gpu0_power_w"] == "70.0"


def test_names_that_drivers_give_lead_to_their_class_and_others_to_none() -> None:
    names = {
        "Tesla T4": "T4", "NVIDIA A10": "A10", "NVIDIA A10G": "A10G", "NVIDIA L4": "L4", "NVIDIA L40S": "L40S",
        "NVIDIA A100-SXM4-40GB": "A100 40GB", "NVIDIA A100-SXM4-80GB": "A100 80GB",
        "NVIDIA H100 80GB HBM3": "H100 SXM", "NVIDIA H100 PCIe": "H100 PCIe", "NVIDIA H200": "H200",
    }  # fmt: skip

    assert {name: (device_class(name) or {})["class"] for name in names} == names
    assert device_class("NVIDIA GeForce GT 710") is None
    assert device_class("NVIDIA T400") is None


def test_a_machine_that_was_held_back_is_told_of() -> None:
    machine = replace(watched(Nvml()), cpu_held_back_s=1.5)

    lines = held_back(machine)

    assert any("thermal_software" in line for line in lines)
    assert lines[-1] == "CPU: 1.5 s held back by the container's quota"
    assert held_back(replace(machine, gpus=(), cpu_held_back_s=0.0)) == []
