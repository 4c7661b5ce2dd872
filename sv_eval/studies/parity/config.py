"""What a user may choose about a parity check, and how its two sides are written."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sv_eval.config.foreign_yaml import read_yaml
from sv_eval.config.structure import structure
from sv_eval.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityConfig:
    """The settings `parity.*`."""

    trace_clips: int = 24
    """Clips whose stages are compared, besides those whose labels differ (of which at most as many again)."""
    invariance: bool = True
    """Check each side against itself, too: batches, padding, callers at once, a rerun."""
    invariance_clips: int = 32
    """Clips that those checks use, evenly from the corpus."""
    tolerance: Mapping[str, float] = field(
        default_factory=lambda: {"waveform": 0.0, "features": 1e-3, "logits": 1e-2, "posterior": 1e-4}
    )
    """From which difference on a stage counts as diverging."""
    max_flips: int | None = None
    """More differing labels than this end the command with exit code 3."""
    max_dp: float | None = None
    """A larger difference of any probability ends the command with exit code 3."""

    def __post_init__(self) -> None:
        if min(self.trace_clips, self.invariance_clips) < 0:
            raise ConfigError("parity.trace_clips and parity.invariance_clips can't be negative")
        for name in ("max_flips", "max_dp"):
            limit = getattr(self, name)
            if limit is not None and limit < 0:
                raise ConfigError(f"parity.{name}={limit} can't be negative; 0 allows no difference at all")


_DEFAULT_TOLERANCE = ParityConfig().tolerance


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLine:
    """A parsed command line of `python -m sv_eval.parity`."""

    sides: tuple[list[str], list[str]]
    """Hydra overrides of either side."""
    titles: tuple[str, str]
    """The sides as they were written."""
    shared: list[str]
    """Overrides of both: dataset and report."""
    parity: ParityConfig
    """The check's own settings."""
    out: str | None
    """Where to write; None for the default."""


def parse(arguments: Sequence[str]) -> CommandLine:
    """What the arguments mean; raises ConfigError.

    >>> parse(["onnx", "onnx,precision=int8", "dataset=demo", "parity.max_flips=3"]).sides
    (['backend=onnx'], ['backend=onnx', 'backend.precision=int8'])
    """
    sides: list[list[str]] = []
    titles: list[str] = []
    shared: list[str] = []
    own: dict[str, object] = {}
    later: list[tuple[int, str]] = []
    out = None
    for word in arguments:
        key, equals, value = word.partition("=")
        if not equals or "," in key:
            titles.append(word)
            sides.append(_side(word))
        elif key.startswith("parity."):
            _set(own, key.removeprefix("parity."), value)
        elif key in ("out", "hydra.run.dir"):
            out = value
        elif key[:2] in ("a.", "b."):
            later.append((ord(key[0]) - ord("a"), f"backend.{key[2:]}={value}"))
        elif key.split(".")[0] in ("dataset", "report"):
            shared.append(word)
        else:
            raise ConfigError(
                f"'{word}' is not understood; settings begin with dataset, report, parity, a. or b. (see --help)"
            )
    if len(sides) != 2:
        raise ConfigError(f"two backends are compared, and {len(sides)} are named: {', '.join(titles) or 'none'}")
    for index, override in later:
        sides[index].append(override)
        titles[index] += "," + override.removeprefix("backend.")
    return CommandLine(
        sides=(sides[0], sides[1]), titles=(titles[0], titles[1]), shared=shared, parity=_parity(own), out=out
    )


def _side(word: str) -> list[str]:
    name, *settings = word.split(",")
    for setting in settings:
        if "=" not in setting:
            raise ConfigError(f"'{word}': '{setting}' is no setting; write BACKEND,KEY=VALUE,KEY=VALUE")
    return [f"backend={name}", *(f"backend.{setting}" for setting in settings)]


def _set(settings: dict[str, object], key: str, value: str) -> None:
    import yaml

    group, dot, name = key.partition(".")
    try:
        parsed = read_yaml(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"parity.{key}={value[:40]}: no YAML ({' '.join(str(error).split())[:80]})") from error
    # YAML reads 1e-4 as a word; JSON and people mean a number.
    if isinstance(parsed, str):
        with contextlib.suppress(ValueError):
            parsed = float(parsed)
    if not dot:
        settings[key] = parsed
        return
    inner = settings.setdefault(group, {})
    if not isinstance(inner, dict):
        raise ConfigError(f"parity.{key}: parity.{group} is no group of settings")
    inner[name] = parsed


def _parity(own: Mapping[str, object]) -> ParityConfig:
    chosen = dict(own)
    tolerance = chosen.get("tolerance")
    if isinstance(tolerance, Mapping):
        chosen["tolerance"] = {**_DEFAULT_TOLERANCE, **tolerance}
    config = structure(ParityConfig, chosen, "parity", ConfigError)
    unknown = set(config.tolerance) - set(_DEFAULT_TOLERANCE)
    if unknown:
        raise ConfigError(f"parity.tolerance.{min(unknown)}: stages are {', '.join(_DEFAULT_TOLERANCE)}")
    return config
