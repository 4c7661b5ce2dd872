"""Configuration composed by Hydra for commands that have a command line of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sv_eval.config.explaining import explain_composition
from sv_eval.config.places import conf_dir
from sv_eval.errors import ConfigError
from sv_eval.written_files import write_whole

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
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from sv_eval.config.overrides import quoted, teach_omegaconf
    from sv_eval.config.own_label_map import with_own_label_map

    teach_omegaconf()
    overrides = with_own_label_map(overrides)
    try:
        with _hydra_to_ourselves(), initialize_config_dir(version_base="1.3", config_dir=str(conf_dir().resolve())):
            config = compose(main, overrides=quoted(overrides, flags=False))
        if groups is None:
            return {str(name): value for name, value in _plain(config).items()}
        return {name: _plain(config[name]) for name in groups}
    # Hydra uses plain ValueErrors here and there.
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        said = explain_composition(error, main, overrides)
        if said is None:
            raise
        raise ConfigError(said) from error


def keep_composition(directory: Path, parts: Mapping[str, Any]) -> None:
    """Write `.hydra/` into a run directory as Hydra does: a YAML file for each part, by its name."""
    from omegaconf import OmegaConf

    for name, part in parts.items():
        config = part if OmegaConf.is_config(part) else OmegaConf.create(part)
        write_whole(directory / ".hydra" / f"{name}.yaml", OmegaConf.to_yaml(config))


@contextmanager
def _hydra_to_ourselves() -> Iterator[None]:
    """Within it, Hydra's one global state is free, also where the caller is a Hydra application of its own."""
    from hydra.core.global_hydra import GlobalHydra

    theirs, GlobalHydra.instance().hydra = GlobalHydra.instance().hydra, None
    try:
        yield
    finally:
        GlobalHydra.instance().hydra = theirs


def _plain(config: Any) -> Any:
    from omegaconf import OmegaConf

    return OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
