"""What a user may choose about where the backend runs: `conf/executor/*.yaml` as a dataclass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sv_eval.config.structure import structure
from sv_eval.errors import ConfigError, nearest

LOCAL, RAY = "local", "ray"
EXECUTORS = (LOCAL, RAY)
HERE, WORKERS = "here", "workers"
READERS = (HERE, WORKERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorConfig:
    """Where the backend runs."""

    name: str = LOCAL
    """One of EXECUTORS."""
    address: str | None = None
    """`ray`: of a cluster; None starts one on this machine."""
    workers: int | None = None
    """`ray`: how many; None for one a GPU, or one a core where the cluster has none."""
    cpus_per_worker: float = 1.0
    """`ray`: cores that a worker is given."""
    gpus_per_worker: float | None = None
    """`ray`: GPUs that a worker is given; None for one where the cluster has any."""
    read: str = HERE
    """`ray`: where clips are read and decoded, one of READERS."""
    retries: int = 3
    """`ray`: how often a batch is given to another worker when its own was lost."""

    def __post_init__(self) -> None:
        if self.name not in EXECUTORS:
            raise ConfigError(f"executor.name={self.name} is not known; {nearest(self.name, EXECUTORS)}")
        if self.read not in READERS:
            raise ConfigError(f"executor.read={self.read} is not known; {nearest(self.read, READERS)}")
        if self.read == WORKERS and self.name != RAY:
            raise ConfigError("executor.read=workers: there are no workers here; set executor=ray too")
        if self.workers is not None and self.workers < 1:
            raise ConfigError(f"executor.workers={self.workers}: give 1 or more, or null")
        if self.cpus_per_worker < 0 or (self.gpus_per_worker or 0) < 0 or self.retries < 0:
            raise ConfigError("executor: cpus_per_worker, gpus_per_worker and retries must be at least 0")


def executor_config_from(settings: Mapping[str, Any]) -> ExecutorConfig:
    """The configuration group `executor`, given as plain data; a wrong key or type is a ConfigError."""
    return structure(ExecutorConfig, settings, "executor", ConfigError)
