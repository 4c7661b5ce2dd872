"""onnxruntime's execution providers: what each is called, is given, and needs; the table is onnx_providers.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sv_eval.config.structure import structure
from sv_eval.errors import ConfigError, ModelError, nearest

Option = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One of them."""

    provider: str
    """What onnxruntime calls it."""
    device: str
    """Where it computes, as reports say it; `{id}` is the device's number."""
    options: Mapping[str, Option] = field(default_factory=dict)
    """What it is given; `{id}` likewise."""
    memory: str | None = None
    """What onnxruntime calls the device's memory; None where outputs come to the processor whole."""
    behind: tuple[str, ...] = ()
    """Those that take over what it has no kernel for, before the CPU."""
    needs: str | None = None
    """What to install where onnxruntime lacks it."""


@cache
def providers() -> Mapping[str, Provider]:
    """The table, by the names that `backend.provider` takes."""
    import yaml

    text = Path(__file__).with_name("onnx_providers.yaml").read_text(encoding="utf-8")
    found: dict[str, Mapping[str, Any]] = yaml.safe_load(text)
    return {
        name: structure(Provider, row, f"onnx_providers.yaml: {name}", ConfigError) for name, row in found.items()
    }


def provider_named(name: str) -> Provider:
    """One of the table; raises ConfigError for another name."""
    if name not in providers():
        raise ConfigError(f"backend.provider={name} is not known; {nearest(name, providers())}")
    return providers()[name]


def for_session(name: str, device_id: int, options: Mapping[str, Option]) -> list[tuple[str, dict[str, str]]]:
    """What a session is given: the provider with its options, those behind it, and the CPU.

    Raises ModelError where this onnxruntime lacks the provider.

    >>> for_session("cpu", 0, {})
    [('CPUExecutionProvider', {})]
    """
    import onnxruntime

    chosen, available = provider_named(name), onnxruntime.get_available_providers()
    if chosen.provider not in available:
        raise ModelError(
            f"backend.provider={name} needs {chosen.provider}, and this onnxruntime has only "
            f"{', '.join(available)}; install {chosen.needs}, or use backend.provider=cpu"
        )
    if chosen.device.startswith("cuda") and find_spec("nvidia") is not None:
        # NVIDIA's packages lie where no linker looks.
        onnxruntime.preload_dlls()
    rows = [(chosen, {**chosen.options, **options})]
    rows += [(one, {**one.options}) for one in map(provider_named, (*chosen.behind, "cpu")) if one != chosen]
    return [
        (one.provider, {key: _text(value, device_id) for key, value in given.items()})
        for one, given in rows
        if one.provider in available
    ]


def _text(value: Option, device_id: int) -> str:
    """As onnxruntime takes it."""
    return str(value).replace("{id}", str(device_id))
