"""How a race is written on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sv_eval.errors import ConfigError, nearest

_SHARED = ("dataset", "load", "scoring", "labels", "report", "run")
_OWN = ("rounds", "pause_s", "find", "out")


@dataclass(frozen=True, slots=True, kw_only=True)
class RaceConfig:
    """What was asked for."""

    sides: tuple[tuple[str, ...], ...]
    """Hydra overrides of each backend."""
    titles: tuple[str, ...]
    """The backends as they were written."""
    shared: tuple[str, ...]
    """Overrides of all of them."""
    rounds: int = 5
    """How often the corpus is gone through by each."""
    pause_s: float = 0.0
    """Seconds of rest before every turn."""
    find: float = 0.1
    """The difference, as a share, whose number of rounds is named."""
    out: str | None = None
    """Where to write; None for the default."""

    def __post_init__(self) -> None:
        if len(self.sides) < 2:
            raise ConfigError("two backends at least are needed: python -m sv_eval.race onnx onnx,threads=1")
        if self.rounds < 2:
            raise ConfigError(f"rounds={self.rounds}: give 2 or more, or there are no turns")
        if self.pause_s < 0:
            raise ConfigError(f"pause_s={self.pause_s}: seconds, 0 or more")
        if not 0 < self.find < 10:
            raise ConfigError(f"find={self.find}: the share by which one is slower, such as 0.1")


def parse(arguments: Sequence[str]) -> RaceConfig:
    """What the arguments mean; raises ConfigError.

    >>> parse(["onnx", "onnx,precision=int8", "dataset=demo", "rounds=3"]).sides[1]
    ('backend=onnx', 'backend.precision=int8')
    """
    sides, titles, shared, own = [], [], [], dict[str, str]()
    for word in arguments:
        key, equals, value = word.partition("=")
        if not equals or "," in key:
            sides.append(_side(word))
            titles.append(word)
        elif key in _OWN:
            own[key] = value
        elif key.lstrip("+").split(".")[0] in _SHARED:
            shared.append(word)
        else:
            known = [*_SHARED, *_OWN]
            raise ConfigError(f"'{word}' is not understood; {nearest(key.split('.')[0], known)} (see --help)")
    try:
        rounds, pause_s = int(own.get("rounds", "5")), float(own.get("pause_s", "0"))
        find = float(own.get("find", "0.1"))
    except ValueError as error:
        raise ConfigError(f"rounds is a whole number, pause_s and find are numbers: {error}") from error
    return RaceConfig(
        sides=tuple(sides),
        titles=tuple(titles),
        shared=tuple(shared),
        rounds=rounds,
        pause_s=pause_s,
        find=find,
        out=own.get("out"),
    )


def _side(word: str) -> tuple[str, ...]:
    name, *settings = word.split(",")
    for setting in settings:
        if "=" not in setting:
            raise ConfigError(f"'{word}': '{setting}' is no setting; write BACKEND,KEY=VALUE,KEY=VALUE")
    return (f"backend={name}", *(f"backend.{setting}" for setting in settings))
