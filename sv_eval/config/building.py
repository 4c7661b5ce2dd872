"""What a configuration names by `_target_`, built with its other settings."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from typing import Any

from sv_eval.backend import Backend, is_backend
from sv_eval.config.former_names import TARGET, present_name, with_present_names
from sv_eval.config.structure import check_scalars
from sv_eval.errors import ConfigError, SvEvalError
from sv_eval.foreign_text import visible


def build_backend(settings: Mapping[str, Any]) -> Backend:
    """The object that `_target_` names, built with the other settings."""
    backend = instantiated(settings, "backend")
    if not is_backend(backend):
        raise ConfigError(f"backend._target_={settings['_target_']}: not a backend (sv_eval.backend.Backend)")
    return backend


def instantiated(settings: Mapping[str, Any], where: str) -> Any:
    """What `_target_` names, called with the other settings; `where` stands in errors. Raises ConfigError."""
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    settings = with_present_names(settings, _name_of_today)
    target = str(settings.get(TARGET))
    check_scalars(_import_target(target, where), settings, where, ConfigError)
    try:
        return instantiate(dict(settings), _convert_="all")
    except SystemExit as error:
        raise ConfigError(f"{where}._target_={target}: it ends the program where it should be built") from error
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, SvEvalError):
            raise cause from error
        detail = " ".join(str(cause or error).split())
        missing = re.search(r"No module named '([\w.]+)'", detail)
        if missing and (hint := _extra_with(missing[1])):
            raise ConfigError(f"{where}: {missing[0]}{hint}") from error
        raise ConfigError(f"{where}._target_={target}: can't be built ({detail})") from error


@cache
def _name_of_today(target: str) -> str:
    """The present name of a class of ours, which is said once; any other name as it is."""
    now = present_name(target)
    if now == target or not _is_there(now):
        return target
    print(visible(f"sv_eval: _target_: {target} is called {now} now; please change it"), file=sys.stderr)
    return now


def _is_there(target: str) -> bool:
    """Whether there is such a class here; a package of the user's own may be called `backends`, too."""
    module, _, name = target.rpartition(".")
    try:
        return hasattr(importlib.import_module(module), name)
    except ImportError as error:
        # One of ours whose extra is missing is there all the same.
        return error.name is None or not module.startswith(error.name)


def _import_target(target: str, where: str) -> Any:
    module, _, name = target.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except SystemExit as error:
        raise ConfigError(f"{where}._target_={target}: it ends the program where it is imported") from error
    except (ImportError, AttributeError, ValueError) as error:
        hint = _extra_with(error.name) if isinstance(error, ModuleNotFoundError) and error.name else ""
        raise ConfigError(f"{where}._target_={target}: can't be imported ({error}){hint}") from error


def _extra_with(module: str) -> str:
    """How to install a module that one of this package's extras brings; empty for any other."""
    wanted = re.compile(rf"{re.escape(module.partition('.')[0])}\b.*extra == [\"'](\w+)[\"']")
    try:
        found = [match[1] for line in metadata.requires("sv-eval") or () if (match := wanted.match(line))]
    except metadata.PackageNotFoundError:
        return ""
    return f"; pip install 'sv-eval[{found[0]}]'" if found else ""
