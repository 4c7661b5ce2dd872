"""Hydra's multirun as a sweep of settings: one plan, one report, and nothing run twice."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader


class _Remembering:
    """A loader that composes each setting once: planning needs it, and so does the launcher."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._composed: dict[tuple[str, ...], Any] = {}

    def load_sweep_config(self, master_config: Any, sweep_overrides: list[str]) -> Any:
        """The configuration of one job, free to be changed."""
        key = tuple(sweep_overrides)
        if key not in self._composed:
            self._composed[key] = self._loader.load_sweep_config(master_config, sweep_overrides)
        return copy.deepcopy(self._composed[key])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


class SettingsSweeper(Sweeper):
    """Runs every combination through the configured launcher, and whatever is compared with first.

    Hydra's own sweeper begins anew when it is called again, and leaves a folder of runs behind. This one keeps to a
    plan in the sweep's directory, leaves out what is finished, and ends with `sweep.md`.
    """

    def __init__(self, params: Mapping[str, Any] | None = None) -> None:
        self._params = dict(params or {})

    def setup(self, *, hydra_context: Any, task_function: Any, config: Any) -> None:
        """Take what Hydra hands over."""
        from hydra.core.plugins import Plugins

        self._config, self._loader = config, _Remembering(hydra_context.config_loader)
        launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )
        if isinstance(launcher, BasicLauncher):
            # Other launchers send their context to other processes, where nothing is remembered.
            launcher.hydra_context = HydraContext(
                config_loader=cast("ConfigLoader", self._loader), callbacks=hydra_context.callbacks
            )
        self._launcher = launcher

    def sweep(self, arguments: list[str]) -> Any:
        """Plan, run what is not finished, report."""
        from sv_eval.studies.sweep.command import run_sweep

        return run_sweep(self._config, self._loader, self._launch, self._params, arguments)

    def _launch(self, jobs: Sequence[Sequence[str]], first: int) -> Sequence[Any]:
        done: Sequence[Any] = self._launcher.launch(jobs, initial_job_idx=first)
        return done
