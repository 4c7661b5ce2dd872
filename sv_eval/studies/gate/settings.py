"""A gate's configuration from the words of a command line and from files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sv_eval.config.foreign_yaml import read_yaml
from sv_eval.config.places import conf_dir
from sv_eval.errors import ConfigError, nearest
from sv_eval.studies.gate.config import RESAMPLING, GateConfig, gate_config_from


def gate_settings(given: Mapping[str, str]) -> GateConfig:
    """The gate's configuration from `gate=` (`ci` without it), `gate.` and `scoring.`; raises ConfigError."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    words = [f"{key.removeprefix('gate.')}={value}" for key, value in given.items() if key.startswith("gate.")]
    words += [f"{key}={given[name]}" for key in RESAMPLING if (name := f"scoring.{key}") in given]
    try:
        base = OmegaConf.create(read_gate(given.get("gate", "ci")))
        merged = OmegaConf.merge(base, OmegaConf.from_dotlist(words))
    except (OmegaConfBaseException, YAMLError) as error:
        raise ConfigError(f"gate: the settings can't be read: {' '.join(str(error).split())}") from error
    plain: Any = OmegaConf.to_container(merged, resolve=True)
    return gate_config_from(plain)


def read_gate(name_or_path: str) -> dict[str, Any]:
    """A gate's file as plain data: one of ours by name, or any YAML file; raises ConfigError."""
    import yaml

    folder = conf_dir() / "gate"
    ours = folder / f"{name_or_path}.yaml"
    path = ours if ours.is_file() else Path(name_or_path).expanduser()
    if not path.is_file():
        names = [each.stem for each in folder.glob("[a-z]*.yaml")]
        raise ConfigError(f"gate={name_or_path}: there is no such gate; {nearest(name_or_path, names)}")
    try:
        common = read_yaml((folder / "_common.yaml").read_text(encoding="utf-8"))
        data = read_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, OSError, ValueError) as error:
        raise ConfigError(f"{path} can't be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path} should hold a gate: name, margins, ratios, floors, ceilings")
    from omegaconf import OmegaConf

    own = {str(key): value for key, value in data.items() if key != "defaults"}
    merged: Any = OmegaConf.to_container(OmegaConf.merge(common, own))
    return {str(key): value for key, value in merged.items()}
