"""Hydra's multirun as a sweep of settings: one plan, one report, and nothing run twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hydra.plugins.sweeper import Sweeper


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

        self._config, self._loader = config, hydra_context.config_loader
        self._launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Plan, run what is not finished, report."""
        from sv_eval.sweep.command import run_sweep

        return run_sweep(self._config, self._loader, self._launch, self._params, arguments)

    def _launch(self, jobs: Sequence[Sequence[str]], first: int) -> Sequence[Any]:
        done: Sequence[Any] = self._launcher.launch(jobs, initial_job_idx=first)
        return done
