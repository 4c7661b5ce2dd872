"""The Ray cluster of this process: joined or started for a run, and kept up between the runs of a sweep."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sv_eval.errors import BackendLost, ConfigError
from sv_eval.places import house


@dataclass(slots=True)
class _State:
    """What this process did about a cluster; a process has one at most."""

    keeping: int = 0
    """Sweeps under way that want it kept."""
    joined: bool = False
    """Whether it was we who joined or started one, and not whoever started us."""
    address: str | None = None
    """Where; None for one on this machine that we started."""


_STATE = _State()


@contextmanager
def cluster_kept() -> Iterator[None]:
    """Within it, the cluster that a run joined or started is there for the next one; at the end it is left."""
    _STATE.keeping += 1
    try:
        yield
    finally:
        _STATE.keeping -= 1
        if _STATE.joined and not _STATE.keeping:
            _leave(imported_ray())


def join_cluster(address: str | None) -> None:
    """Join the cluster at the address, or start one for None; raises BackendLost.

    One that this process was in before, whoever saw to that, is kept.
    """
    ray = imported_ray()
    if ray.is_initialized():
        if not _STATE.joined or _STATE.address == address:
            return
        _leave(ray)
    # Workers import what this process does, from wherever it was started.
    paths = os.pathsep.join(filter(None, [str(house()), os.environ.get("PYTHONPATH")]))
    options: dict[str, Any] = {
        "log_to_driver": False,
        "configure_logging": False,
        "runtime_env": {"env_vars": {"PYTHONPATH": paths}},
    }
    if address is None:
        # A cluster of this process's own is nobody else's business: it listens to this machine alone, and how it
        # tells its workers from others needs no mention.
        options |= {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
        logging.getLogger("ray._private.authentication").setLevel(logging.ERROR)
    else:
        options["address"] = address
    try:
        ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = address or "a cluster on this machine"
        raise BackendLost(f"executor.address: {where} can't be reached or started ({first_line(error)})") from error
    _STATE.joined, _STATE.address = True, address


def leave_cluster(*, lost: bool = False) -> None:
    """Leave the cluster that was joined for a run, and stop it if it was started; not while it is kept.

    lost: nothing works there any more, and what comes next needs another one.
    """
    if _STATE.joined and (lost or not _STATE.keeping):
        _leave(imported_ray())


def imported_ray() -> Any:
    """The package; raises ConfigError without it."""
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ConfigError(f"executor=ray: {error}; pip install 'sv-eval[ray]'") from error
    return ray


def first_line(error: BaseException) -> str:
    """What an error says first; its name where it says nothing."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _leave(ray: Any) -> None:
    ray.shutdown()
    _STATE.joined, _STATE.address = False, None
