"""Where a backend works: in this process, or in workers elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sv_eval.backend import Backend
from sv_eval.run.executors.config import RAY, executor_config_from


def executed(
    settings: Mapping[str, Any], executor: Mapping[str, Any], build: Callable[[Mapping[str, Any]], Backend]
) -> Backend:
    """The backend that `build` makes of its settings, or workers that `executor` asks for; raises ConfigError."""
    config, backend = executor_config_from(executor), build(settings)
    if config.name != RAY:
        return backend
    from sv_eval.run.executors.ray_workers import RayWorkers

    return RayWorkers(settings, backend, config)
