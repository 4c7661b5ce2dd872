"""The Ray cluster of this process: joined or started for a run, and kept up between the runs of a sweep."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sv_eval.errors import BackendLost, ConfigError


def imported_ray() -> Any:
    """The package; raises ConfigError without it."""
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ConfigError(f"executor=ray: {error}; pip install 'sv-eval[ray]'") from error
    return ray


class Cluster:
    """The cluster that a process is in; it is in one at most.

    ray: gives the package once it is needed; raises ConfigError without it.
    """

    def __init__(self, ray: Callable[[], Any] = imported_ray) -> None:
        self._imported = ray
        # Sweeps under way that want it kept.
        self._keeping = 0
        # Whether it was we who joined or started one, and not whoever started us.
        self._joined = False
        # Where; None for one on this machine that we started.
        self._address: str | None = None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Within it, what a run joined or started is there for the next one; at the end it is left."""
        self._keeping += 1
        try:
            yield
        finally:
            self._keeping -= 1
            if self._joined and not self._keeping:
                self._leave(self._imported())

    def join(self, address: str | None) -> Any:
        """Join the cluster at the address, or start one for None; the package is given, to use it by.

        One that this process was in before, whoever saw to that, is kept. Raises BackendLost.
        """
        ray = self._imported()
        if ray.is_initialized():
            if not self._joined or self._address == address:
                return ray
            self._leave(ray)
        try:
            ray.init(**_options(address))
        except (ConnectionError, RuntimeError, ValueError) as error:
            where = address or "a cluster on this machine"
            raise BackendLost(
                f"executor.address: {where} can't be reached or started ({first_line(error)})"
            ) from error
        self._joined, self._address = True, address
        return ray

    def leave(self, *, lost: bool = False) -> None:
        """Leave what was joined for a run, and stop it if it was started; not while it is kept.

        lost: nothing works there any more, and what comes next needs another one.
        """
        if self._joined and (lost or not self._keeping):
            self._leave(self._imported())

    def _leave(self, ray: Any) -> None:
        ray.shutdown()
        self._joined, self._address = False, None


OF_THIS_PROCESS = Cluster()
"""What runs and sweeps of this process have in common."""


def _options(address: str | None) -> dict[str, Any]:
    options: dict[str, Any] = {
        "log_to_driver": False,
        "configure_logging": False,
    }
    if address is not None:
        return options | {"address": address}
    # A cluster of this process's own is nobody else's business: it listens to this machine alone, and how it tells
    # its workers from others needs no mention.
    logging.getLogger("ray._private.authentication").setLevel(logging.ERROR)
    return options | {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}


def first_line(error: BaseException) -> str:
    """What an error says first; its name where it says nothing."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
