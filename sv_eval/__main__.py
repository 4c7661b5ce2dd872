"""`python -m sv_eval`: one evaluation, or with `-m` a sweep of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from sv_eval.command import run_command, say
from sv_eval.command_line import quoted
from sv_eval.errors import EXIT_PASS, RunInterrupted
from sv_eval.help import help_text, wants_help
from sv_eval.places import conf_dir, house


def main() -> None:
    """Parse the command line, evaluate, and end with one of the documented exit codes."""
    arguments = sys.argv[1:]
    if any(word.startswith("suite=") for word in arguments):
        from sv_eval.suite.__main__ import main as measure_suite

        sys.exit(measure_suite(arguments))
    if wants_help(arguments):
        sys.exit(run_command(lambda: say(help_text(arguments))))
    # The packages beside this one come first: a `backends` or `reports` in the working directory is not ours,
    # and a `datasets` there would hide Hugging Face's.
    sys.path.insert(0, str(house()))
    # Hydra then raises its errors instead of printing them, and `run_command` says them in one line.
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    sys.argv[1:] = quoted(arguments)
    sys.exit(_run())


def _run() -> int:
    import hydra

    codes = [EXIT_PASS]

    def task(config: Any) -> None:
        # A job that fails leaves the other jobs of a sweep alone; the worst code is the command's.
        try:
            codes.append(run_command(lambda: _evaluate(config), let_through=(RunInterrupted,)))
        except RunInterrupted as error:
            # Hydra lets this one through, so that Ctrl-C ends the whole sweep.
            codes.append(error.exit_code)
            raise KeyboardInterrupt from error

    def compose_and_run() -> None:
        hydra_main = hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")
        try:
            hydra_main(task)()
        except KeyboardInterrupt as error:
            if not isinstance(error.__cause__, RunInterrupted):
                raise

    codes.append(run_command(compose_and_run))
    return max(codes)


def _evaluate(config: Any) -> None:
    from hydra.core.hydra_config import HydraConfig

    from sv_eval.job import run_job

    run_job(config, HydraConfig.get(), Path(HydraConfig.get().runtime.output_dir))


if __name__ == "__main__":
    main()
