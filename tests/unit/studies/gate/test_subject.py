"""What is known of a run beside its answers."""

from __future__ import annotations

from dataclasses import replace

from sv_eval.report.environment import Telemetry
from sv_eval.studies.gate.subject import device_of, load_of, settings_of


def test_device_classes(bare_report, bare_environment):
    t4 = {"name": "Tesla T4", "class": {"class": "T4"}}
    seen = Telemetry(
        samples=1, interval_s=1, process_cpu=None, machine_cpu=None, rss_mib=None, cpu_held_back_s=None, gpus=(t4,)
    )
    report = replace(bare_report, latency_ms=replace(bare_report.latency_ms, session=0), machine=seen)

    def device(name, *, in_process=True):
        backend = replace(bare_environment.backend, device=name, in_process=in_process)
        return device_of(report, replace(bare_environment, backend=backend))

    assert device("cpu") == "A CPU, 4 cores"
    assert device("cuda:0") == "cuda: T4"
    assert device("remote, cpu", in_process=False) == "remote, cpu, asked from A CPU, 4 cores"
    assert device("mps") == "mps: A CPU, 4 cores"


def test_what_makes_loads_the_same():
    assert load_of({"schedule": "single_stream", "rate": 3, "warmup_clips": 8}) == {"schedule": "single_stream"}
    assert load_of({"schedule": "poisson", "rate": 3.0, "seed": 1}) == {"schedule": "poisson", "rate": 3.0}


def test_a_baseline_keeps_no_secret_of_a_connection(bare_environment):
    backend = {
        "_target_": "x", "url": "https://me:secret@host/v1", "concurrency": 8, "models": ["a"],
        "dialect": {"headers": {"Auth": "secret"}},
    }  # fmt: skip

    settings = {"backend": backend}
    assert settings_of(replace(bare_environment, settings=settings)) == {
        "url": "https://host/v1", "concurrency": 8,
    }  # fmt: skip
    assert settings_of(bare_environment) == {}
