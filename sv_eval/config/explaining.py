"""What Hydra and OmegaConf found wrong, in one line that names the setting and the nearest ones there are."""

from __future__ import annotations

import difflib
import re
import shlex
import traceback
from collections.abc import Sequence

from sv_eval.config.places import conf_dir
from sv_eval.config.settings_index import meant
from sv_eval.errors import nearest

_FEW = 8
"""Choices that are listed whole, where none of them was nearly typed."""
_CLOSE = 0.7
_NOUNS = {"labels": "label map", "load": "schedule"}


def explain_composition(
    error: BaseException, main_file: str | None = None, words: Sequence[str] = ()
) -> str | None:
    """One line for an error of Hydra's or OmegaConf's about the command line; None for any other error.

    main_file and words: what was composed, for the names of settings that are near.
    """
    import omegaconf.errors
    from hydra.errors import HydraException, MissingConfigException

    if isinstance(error, MissingConfigException):
        return _explain_missing_option(str(error))
    cause = error.__cause__
    if isinstance(cause, omegaconf.errors.ConfigAttributeError | omegaconf.errors.ConfigKeyError):
        return _explain_unknown_key(cause, str(error), main_file, words)
    if isinstance(error, omegaconf.errors.MissingMandatoryValue):
        return f"{error.full_key} is needed; give it as {error.full_key}=VALUE"
    if found := re.search(r"Could not override '([\w/@.-]+)'\. No match in the defaults list", str(error)):
        hint = meant(found[1], main_file, words) if main_file else ""
        return f"{found[1]} is no setting or choice of this command; {hint or 'see --help'}"
    if found := re.search(r"Ambiguous value for argument '([^=]+)=(.*?)'\n", str(error)):
        return _explain_several(found[1], found[2])
    if isinstance(error, HydraException | omegaconf.errors.OmegaConfBaseException) or _is_of_composing(error):
        return " ".join(str(error).split())
    return None


def _explain_several(key: str, value: str) -> str:
    """Values between commas where one is wanted."""
    as_text = shlex.quote(f'{key}="{value}"')
    as_list = shlex.quote(f"{key}=[{value}]")
    return (
        f"'{key}={value}': several values between commas are for a sweep: add -m to measure each of them; a list "
        f"is {as_list}, a text that holds a comma {as_text}"
    )


def _is_of_composing(error: BaseException) -> bool:
    """Whether Hydra itself raised it, before any job of ours began; it uses plain ValueErrors here and there."""
    modules = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = {"sv_eval.cli.job", "sv_eval.config.building"}
    return modules[-1].startswith(("hydra.", "omegaconf.")) and ours.isdisjoint(modules)


def _explain_missing_option(message: str) -> str:
    """`Could not find 'dataset/emobd'`, with the nearest options there are."""
    found = re.search(r"[Cc]ould not (?:find|load) '?([\w/@.-]+)'?", message)
    if found is None or "/" not in found[1]:
        return " ".join(message.split())
    group, _, name = found[1].rpartition("/")
    listed = re.search(r"Available options in '.*?':\n(.*?)\nConfig search path", message, re.DOTALL)
    options = (
        [line.strip() for line in listed[1].splitlines()]
        if listed
        else [path.stem for path in (conf_dir() / group).glob("*.yaml")]
    )
    # A file that begins with an underscore is a part of others.
    options = [option for option in options if not option.startswith("_")]
    if not options:
        groups = sorted(path.name for path in conf_dir().iterdir() if path.is_dir() and path.name != "hydra")
        return f"'{group}' is no group of choices; {nearest(group, groups)}"
    close = difflib.get_close_matches(name, options, n=1, cutoff=_CLOSE)
    few = len(options) <= _FEW and not close
    hint = f"choose one of: {', '.join(sorted(options))}" if few else nearest(name, options)
    return f"{group}={name}: there is no such {_NOUNS.get(group, group)}; {hint}"


def _explain_unknown_key(error: BaseException, said: str, main_file: str | None, words: Sequence[str]) -> str:
    typed = re.search(r"Could not (?:override|append|delete)[^']*'([^'=]+)", said)
    if main_file and typed and (hint := meant(typed[1].lstrip("+~"), main_file, words)):
        return f"{typed[1]} is not a setting here; {hint}"
    key = str(getattr(error, "full_key", None) or getattr(error, "key", "?"))
    parent = getattr(error, "parent_node", None)
    choices = [str(name) for name in parent] if parent is not None else []
    prefix, _, name = key.rpartition(".")
    if not choices and prefix:
        return f"{key} is not a setting; if {prefix} holds a mapping, write '{prefix}={{{name}: VALUE}}'"
    return f"{key} is not a setting; {nearest(name, choices)}" + (f" (below {prefix})" if prefix else "")
