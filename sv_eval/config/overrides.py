"""Words of the command line as Hydra's grammar takes them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sv_eval.errors import ConfigError, UsageError, nearest

FROM_YAML = "from_yaml"
_BARE = re.compile(r"[A-Za-z0-9_/.+-]*")
_KEY = re.compile(r"[+~]{0,2}[\w@./:$-]+")
_WITH_VALUE = (
    *("-c", "--cfg", "-p", "--package", "-cp", "--config-path", "-cn", "--config-name", "-cd", "--config-dir"),
    *("-i", "--info", "--experimental-rerun"),
)
_ALONE = ("-m", "--multirun", "--resolve", "--run", "-r", "--hydra-help", "-sc", "--shell-completion")
_MULTIRUN = {"-m", "--multirun"}


def quoted(arguments: Sequence[str], *, flags: bool = True) -> list[str]:
    """The arguments, with quotes where Hydra's grammar wants them and a shell has none left.

    A value that Hydra can't read stands for itself, as text: `$.choices[0].text`, `d/ep=3,lr=0.1`, `/data/语音`. In
    brackets or braces it is read as YAML: `{高兴: happy}`. Of a sweep, values between commas are looked at one by
    one. Raises UsageError that names the word where there is no way to read it.

    flags: whether Hydra's own are known here.

    >>> quoted(["dataset.root=/data/语音", "backend.threads=2", "-m"])
    ['dataset.root="/data/语音"', 'backend.threads=2', '-m']
    """
    words, several = [], bool(_MULTIRUN & set(arguments))
    flag = ""
    for word in arguments:
        if flag in _WITH_VALUE:
            words.append(word)
        elif word.startswith("-"):
            words.append(_flag(word, flags))
        else:
            words.append(_readable(word, several=several))
        flag = "" if flag in _WITH_VALUE else word
    return words


def as_override(key: str, value: Any) -> str:
    """`key=value` in Hydra's grammar that means this plain value, whatever letters it holds."""
    if _is_read(word := f"{key}={_in_grammar(value)}"):
        return word
    # A mapping's keys can't be quoted there, so that it knows none with letters beyond ASCII.
    text = _escaped(json.dumps(value, ensure_ascii=False), "'")
    return f"{key}=" + _text("${" + f"{FROM_YAML}:'{text}'" + "}")


def teach_omegaconf() -> None:
    """Let configurations say `${from_yaml:'{高兴: happy}'}` for what no override can."""
    import yaml
    from omegaconf import OmegaConf

    OmegaConf.register_new_resolver(FROM_YAML, yaml.safe_load, replace=True)


def typed(key: str, value: Any) -> str:
    """`key=value` as a person can copy it into a POSIX shell, behind any command here."""
    import shlex

    return shlex.quote(f"{key}={_in_yaml(value)}")


def as_word(value: Any) -> str:
    """A setting's value as the command line has it, for people: a float has six digits at most.

    >>> [as_word(value) for value in (None, True, 0.5, 3.0, "auto")]
    ['null', 'true', '0.5', '3', 'auto']
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def _flag(word: str, flags: bool) -> str:
    known = (*_WITH_VALUE, *_ALONE) if flags else ()
    if word.partition("=")[0] not in known:
        raise UsageError(f"'{word}' is no flag of this command; {nearest(word, ['--help', '--json', *known])}")
    return word


def _readable(word: str, *, several: bool) -> str:
    key, equals, value = word.partition("=")
    if not equals:
        if word.startswith("~"):
            return word
        raise UsageError(f"'{word}' is not understood; settings are KEY=VALUE (see --help)")
    if _BARE.fullmatch(value) or _is_read(word):
        return word
    if not _KEY.fullmatch(key):
        raise UsageError(f"'{word}': {key or 'nothing'} before the = is no setting's name (see --help)")
    if value[:1] in "[{":
        return as_override(key, _from_yaml(value, word))
    values = value.split(",") if several else [value]
    return f"{key}=" + ",".join(one if _is_read(f"{key}={one}") else _text(one) for one in values)


def _is_read(word: str) -> bool:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        OverridesParser.create().parse_override(word)
    except HydraException:
        return False
    return True


def _from_yaml(value: str, word: str) -> Any:
    import yaml

    try:
        found = yaml.safe_load(value)
    except yaml.YAMLError as error:
        said = " ".join(str(getattr(error, "problem", None) or error).split())
        raise UsageError(
            f"'{word}' can't be read: {said}; is every bracket closed, every quote in pairs?"
        ) from error
    if not isinstance(found, list | dict):
        raise UsageError(f"'{word}' can't be read; a list is [a, b], a mapping {{a: b}}")
    return found


def _in_grammar(value: Any) -> str:
    """A plain value in Hydra's grammar."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_in_grammar(key)}: {_in_grammar(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_in_grammar, value)) + "]"
    if value is None or isinstance(value, bool | int | float):
        return repr(value) if isinstance(value, float) else as_word(value)
    return _text(str(value))


def _text(value: str) -> str:
    """Quoted for Hydra, whose only escapes are those of the quote, and of backslashes that stand before one."""
    if "\n" in value:
        raise ConfigError(f"{value!r}: a value of the command line has no line breaks")
    return f'"{_escaped(value, chr(34))}"'


def _escaped(value: str, quote: str) -> str:
    inside = re.sub(rf"(\\*){quote}", lambda found: found[1] * 2 + "\\" + quote, value)
    return re.sub(r"(\\+)$", lambda found: found[1] * 2, inside)


def _in_yaml(value: Any) -> str:
    """A plain value on one line, as YAML and `quoted` read it; text that means itself without quotes has none."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_in_yaml(key)}: {_in_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_in_yaml, value)) + "]"
    if isinstance(value, str):
        return value if re.fullmatch(r"[\w][\w /.-]*", value) else json.dumps(value, ensure_ascii=False)
    return as_word(value)
