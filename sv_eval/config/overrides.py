"""Words of the command line as Hydra's grammar takes them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sv_eval.config.foreign_yaml import read_yaml
from sv_eval.errors import UsageError, nearest

FROM_YAML = "from_yaml"
_BARE = re.compile(r"[A-Za-z0-9_/.+-]*")
_KEY = re.compile(r"[+~]{0,2}[\w@./:$-]+")
_WITH_VALUE = (
    *("-c", "--cfg", "-p", "--package", "-cp", "--config-path", "-cn", "--config-name", "-cd", "--config-dir"),
    *("-i", "--info", "--experimental-rerun"),
)
_ALONE = ("-m", "--multirun", "--resolve", "--run", "-r", "--hydra-help", "-sc", "--shell-completion")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_NO_TEXT = ("true", "false", "null", "nan", "inf", "yes", "no", "on", "off", "y", "n")
_BREAK = re.compile(r"[\r\n]")
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
    words: list[str] = []
    several = bool(_MULTIRUN & set(arguments))
    flag = ""
    for word in _with_mappings_merged(arguments):
        if flag in _WITH_VALUE:
            words.append(word)
        elif word.startswith("-"):
            words.append(_flag(word, flags))
        else:
            words.append(_readable(word, several=several))
        flag = "" if flag in _WITH_VALUE else word
    return words


def as_override(key: str, value: Any, *, literal: bool = False) -> str:
    """`key=value` in Hydra's grammar that means this plain value, whatever letters it holds.

    literal: whether `${...}` in it is text, too.
    """
    hidden = literal and "${" in json.dumps(value, ensure_ascii=False)
    if not hidden and (words := _in_grammar(value)) is not None and _is_read(word := f"{key}={words}"):
        return word
    # It has no line breaks, and a mapping's keys can't be quoted, so that none has letters beyond ASCII.
    text = json.dumps(value, ensure_ascii=False)
    # What YAML doesn't take as it is.
    text = "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in text)
    text = _escaped(text.replace("${", "\\u0024{") if literal else text, "'")
    return f"{key}=" + _text("${" + f"{FROM_YAML}:'{text}'" + "}")


def teach_omegaconf() -> None:
    """Let configurations say `${from_yaml:'{高兴: happy}'}` for what no override can."""
    from omegaconf import OmegaConf

    OmegaConf.register_new_resolver(FROM_YAML, read_yaml, replace=True)


def typed(key: str, value: Any) -> str:
    """`key=value` as a person can copy it into a POSIX shell, behind any command here."""
    import shlex

    text = _in_yaml(value)
    # Hydra and YAML don't agree on what a backslash is.
    special = "\\" in text or "${" in text or not text.isprintable()
    return shlex.quote(as_override(key, value, literal=True) if special else f"{key}={text}")


def as_word(value: Any) -> str:
    """A setting's value as the command line has it, for people: a float has six digits at most.

    >>> [as_word(value) for value in (None, True, 0.5, 3.0, "auto")]
    ['null', 'true', '0.5', '3', 'auto']
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def _with_mappings_merged(arguments: Sequence[str]) -> list[str]:
    """The words, with one for all mappings of the same setting if Hydra can't read them: it would merge them."""
    words: list[str] = []
    begun: dict[str, int] = {}
    for word in arguments:
        key, _, value = word.partition("=")
        name = key.lstrip("+")
        if value[:1] != "{":
            words.append(word)
        elif name in begun and not (_is_read(word) and _is_read(words[begun[name]])):
            first, _, earlier = words[begun[name]].partition("=")
            merged = {**_from_yaml(earlier, words[begun[name]]), **_from_yaml(value, word)}
            words[begun[name]] = f"{first}={_in_yaml(merged)}"
        else:
            begun.setdefault(name, len(words))
            words.append(word)
    return words


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
    if not _KEY.fullmatch(key):
        raise UsageError(f"'{word}': {key or 'nothing'} before the = is no setting's name (see --help)")
    if _BARE.fullmatch(value) or _is_read(word):
        return word
    if value[:1] in "[{":
        return as_override(key, _from_yaml(value, word))
    if _BREAK.search(value):
        return as_override(key, value)
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
        found = read_yaml(value)
    except yaml.YAMLError as error:
        said = " ".join(str(getattr(error, "problem", None) or error).split())
        raise UsageError(
            f"'{word}' can't be read: {said}; is every bracket closed, every quote in pairs?"
        ) from error
    if not isinstance(found, list | dict):
        raise UsageError(f"'{word}' can't be read; a list is [a, b], a mapping {{a: b}}")
    return found


def _in_grammar(value: Any) -> str | None:
    """A plain value in Hydra's grammar; None where there is no way to write it."""
    if isinstance(value, Mapping):
        pairs = [(_in_grammar(key), _in_grammar(item)) for key, item in value.items()]
        inside = [None if None in pair else f"{pair[0]}: {pair[1]}" for pair in pairs]
        return _joined("{", inside, "}")
    if isinstance(value, list | tuple):
        return _joined("[", [_in_grammar(item) for item in value], "]")
    if value is None or isinstance(value, bool | int | float):
        return repr(value) if isinstance(value, float) else as_word(value)
    return None if _BREAK.search(str(value)) else _text(str(value))


def _joined(begin: str, inside: Sequence[str | None], end: str) -> str | None:
    written = [one for one in inside if one is not None]
    return begin + ", ".join(written) + end if len(written) == len(inside) else None


def _text(value: str) -> str:
    """Quoted for Hydra, whose only escapes are those of the quote, and of backslashes that stand before one."""
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
        bare = _WORD.fullmatch(value) and value.lower() not in _NO_TEXT
        return value if bare else json.dumps(value, ensure_ascii=False)
    return as_word(value)
