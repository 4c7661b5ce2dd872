"""`python -m sv_eval`: one evaluation, or with `-m` a sweep of them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sv_eval.cli.help import help_of
from sv_eval.config.named_files import with_named_files
from sv_eval.config.overrides import quoted, teach_omegaconf
from sv_eval.config.own_label_map import with_own_label_map
from sv_eval.config.places import conf_dir
from sv_eval.errors import (
    EXIT_PASS,
    ConfigError,
    GateFailed,
    GateInconclusive,
    RunInterrupted,
    SvEvalError,
    worst,
)
from sv_eval.machine.process import run_command

if TYPE_CHECKING:
    from sv_eval.run.sharing import Sharing


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints for the choices that the words make."""
    return help_of(words)


def run(words: Sequence[str]) -> int:
    """Evaluate as the words say, once or as a sweep; the worst of the exit codes comes back."""
    teach_omegaconf()
    sys.argv[1:] = quoted(with_named_files(with_own_label_map(words), "scoring"))
    return _hydra()


def _hydra() -> int:
    import hydra

    codes = [EXIT_PASS]
    jobs = _Jobs()

    def task(config: Any) -> int:
        # A job that fails leaves the other jobs of a sweep alone; the worst code is the command's.
        try:
            codes.append(run_command(lambda: jobs.evaluate(config), let_through=(RunInterrupted,)))
        except RunInterrupted as error:
            # Hydra lets this one through, so that Ctrl-C ends the whole sweep.
            codes.append(error.exit_code)
            raise KeyboardInterrupt from error
        return codes[-1]

    def compose_and_run() -> None:
        hydra_main = hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")
        try:
            hydra_main(task)()
        except KeyboardInterrupt as error:
            if not isinstance(error.__cause__, RunInterrupted):
                raise

    codes.append(run_command(compose_and_run, main_file="config", words=sys.argv[1:]))
    return worst(codes)


class _Jobs:
    """The jobs of one command; those of a sweep share what can be shared."""

    def __init__(self) -> None:
        self._sharing: Sharing | None = None

    def evaluate(self, config: Any) -> None:
        """Run one job as Hydra composed it."""
        from hydra.core.hydra_config import HydraConfig
        from hydra.types import RunMode
        from omegaconf import OmegaConf

        from sv_eval.cli.job import run_job
        from sv_eval.run.sharing import Sharing
        from sv_eval.studies.sweep.config import sweep_config_from
        from sv_eval.studies.sweep.runs import keep_why

        settings: Any = OmegaConf.to_container(config.sweep, resolve=True)
        options = sweep_config_from(settings)
        job: Any = HydraConfig.get()
        if job.mode != RunMode.MULTIRUN:
            if options.params:
                raise ConfigError(f"sweep={job.runtime.choices.sweep} is a grid of settings: add -m to run them")
        elif options.share and self._sharing is None:
            self._sharing = Sharing(options.sharing)
        directory, why = Path(job.runtime.output_dir), None
        try:
            run_job(config, job, directory, self._sharing)
        except (GateFailed, GateInconclusive):
            raise
        except SvEvalError as error:
            why = error
            raise
        finally:
            if job.mode == RunMode.MULTIRUN:
                keep_why(directory, why)
            else:
                # Hydra made it for a run that was refused; a folder that holds something stays.
                with contextlib.suppress(OSError):
                    directory.rmdir()
