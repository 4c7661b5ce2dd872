"""Where a backend works: in this process, or in workers elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sv_eval.backend import Backend
from sv_eval.config.structure import structure
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.errors import ConfigError
from sv_eval.run.executors.config import RAY, executor_config_from


def executed(
    settings: Mapping[str, Any],
    executor: Mapping[str, Any],
    build: Callable[[Mapping[str, Any]], Backend],
    dataset: Mapping[str, Any] | None = None,
) -> Backend:
    """The backend that `build` makes of its settings, or workers that `executor` asks for; raises ConfigError.

    dataset: the configuration group, whose limits hold for clips that workers read.
    """
    config, backend = executor_config_from(executor), build(settings)
    if config.name != RAY:
        return backend
    from sv_eval.run.executors.ray_workers import RayWorkers

    limits = structure(AudioLimits, (dataset or {}).get("limits") or {}, "dataset.limits", ConfigError)
    return RayWorkers(settings, backend, config, limits)
