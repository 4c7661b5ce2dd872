"""What is known of a run beside its answers."""

from __future__ import annotations

from typing import Any

from sv_eval.gate.subject import device_of, load_of, settings_of


def test_device_classes():
    machine = {"cpu": "A CPU", "cores": 4}
    base: dict[str, Any] = {"machine": machine, "sessions": [], "backend": {"in_process": True, "device": "cpu"}}
    metrics: dict[str, Any] = {"latency_ms": {"session": 0}, "machine": {"gpus": [{"class": {"class": "T4"}}]}}

    assert device_of(metrics, base) == "A CPU, 4 cores"
    assert device_of(metrics, base | {"backend": {"in_process": True, "device": "cuda:0"}}) == "cuda: T4"
    elsewhere = {"backend": {"in_process": False, "device": "remote, cpu"}}
    assert device_of(metrics, base | elsewhere) == "remote, cpu, asked from A CPU, 4 cores"
    assert device_of(metrics, base | {"backend": {"in_process": True, "device": "mps"}}) == "mps: A CPU, 4 cores"


def test_what_makes_loads_the_same():
    assert load_of({"schedule": "single_stream", "rate": 3, "warmup_clips": 8}) == {"schedule": "single_stream"}
    assert load_of({"schedule": "poisson", "rate": 3.0, "seed": 1}) == {"schedule": "poisson", "rate": 3.0}


def test_a_baseline_keeps_no_secret_of_a_connection():
    backend = {
        "_target_": "x", "url": "https://me:secret@host/v1", "concurrency": 8, "models": ["a"],
        "dialect": {"headers": {"Auth": "secret"}},
    }  # fmt: skip

    assert settings_of({"settings": {"backend": backend}}) == {"url": "https://host/v1", "concurrency": 8}
    assert settings_of({}) == {}
