"""Configuration composed by Hydra for commands that have a command line of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sv_eval.places import conf_dir


def composed(main: str, overrides: Sequence[str], groups: Sequence[str]) -> dict[str, Any]:
    """The named groups of the main file `main` with `overrides`, as plain data. Raises Hydra's errors."""
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    from sv_eval.command_line import quoted

    with initialize_config_dir(version_base="1.3", config_dir=str(conf_dir().resolve())):
        config = compose(main, overrides=quoted(overrides))
    return {name: OmegaConf.to_container(config[name], resolve=True, throw_on_missing=True) for name in groups}
