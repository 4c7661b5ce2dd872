"""Configuration composed by Hydra for commands that have a command line of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sv_eval.config.explaining import explain_composition
from sv_eval.config.places import conf_dir
from sv_eval.errors import ConfigError, SvEvalError

_OF_HYDRA = ("hydra.run.", "hydra.sweep.")


def composed(main: str, overrides: Sequence[str], groups: Sequence[str] | None = None) -> dict[str, Any]:
    """The named groups of the main file `main` (all of it: None) with `overrides`, as plain data.

    Raises ConfigError for what can't be composed, and for a directory that Hydra would be given in vain.
    """
    for word in overrides:
        key = word.lstrip("+~").partition("=")[0]
        if key.startswith(_OF_HYDRA):
            raise ConfigError(
                f"{key}: means nothing to this command; its results go where out=DIR says, if it has any"
            )
    from hydra import compose, initialize_config_dir

    from sv_eval.config.overrides import quoted, teach_omegaconf

    teach_omegaconf()

    try:
        with initialize_config_dir(version_base="1.3", config_dir=str(conf_dir().resolve())):
            config = compose(main, overrides=quoted(overrides, flags=False))
        if groups is None:
            return {str(name): value for name, value in _plain(config).items()}
        return {name: _plain(config[name]) for name in groups}
    except SvEvalError:
        raise
    except Exception as error:
        said = explain_composition(error, main, overrides)
        if said is None:
            raise
        raise ConfigError(said) from error


def _plain(config: Any) -> Any:
    from omegaconf import OmegaConf

    return OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
