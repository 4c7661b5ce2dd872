"""A condition: steps that change a clip's sound, one after the other, the same on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sv_eval.config.structure import structure
from sv_eval.data.conditions.noise import Noise
from sv_eval.data.conditions.room import Room
from sv_eval.data.conditions.shaping import Band, Clipping, Dc, Level, Padding, Pitch, RateHeader, Speed
from sv_eval.data.conditions.step import Around, Float32, Step
from sv_eval.data.conditions.telephone import Telephone
from sv_eval.errors import ConfigError, nearest
from sv_eval.records import Clip

KINDS: Mapping[str, type[Any]] = {
    "telephone": Telephone, "noise": Noise, "level": Level, "clipping": Clipping, "padding": Padding,
    "speed": Speed, "pitch": Pitch, "band": Band, "dc": Dc, "rate_header": RateHeader,
    "room": Room,
}  # fmt: skip
"""What a step may be."""
_TARGET = "_target_"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionConfig:
    """What the group `condition` holds."""

    name: str = "none"
    """What the report calls it."""
    seed: int = 0
    """Decides, with a clip's id, what is left to chance."""
    steps: Mapping[str, Mapping[str, bool | int | float | str | None]] = field(default_factory=dict)
    """The steps, in order: a name, and the settings of its `kind`, which is the name unless it is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Steps with their names, and the seed."""

    name: str
    seed: int
    steps: Sequence[tuple[str, Step]]

    def __call__(self, samples: Float32, clip: Clip, others: Callable[[int], Sequence[Float32]]) -> Float32:
        """The changed sound, rounded to 16 bits and cut off at full scale.

        So every recogniser hears the same, be it in this process or elsewhere by a wav of 16 bits.
        """
        for name, step in self.steps:
            samples = step(samples, Around(rng=rng_of(self.seed, name, clip.id), others=others))
        scaled = np.clip(np.rint(samples * np.float32(32_768)), -32_768, 32_767)
        return np.asarray(scaled / np.float32(32_768), dtype=np.float32)


def condition_from(settings: object) -> Condition | None:
    """The condition in the group's plain data; None for none. Raises ConfigError."""
    config = structure(ConditionConfig, settings or {}, "condition", ConfigError)
    steps = [(name, _step(name, dict(each or {}))) for name, each in config.steps.items()]
    return Condition(name=config.name, seed=config.seed, steps=steps) if steps else None


def rng_of(seed: int, step: str, clip_id: str) -> np.random.Generator:
    """The generator of a step for a clip: by their names alone, so that neither order nor machine matters."""
    text = f"{seed}\0{step}\0{clip_id}".encode(errors="surrogatepass")
    return np.random.default_rng(int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "little"))


def _step(name: str, settings: dict[str, Any]) -> Step:
    if _TARGET in settings:
        from sv_eval.config.building import instantiated

        plugged: Step = instantiated(settings, f"condition.steps.{name}")
        return plugged
    kind = str(settings.pop("kind", name))
    if kind not in KINDS:
        raise ConfigError(f"condition.steps.{name}: '{kind}' is no kind of step; {nearest(kind, list(KINDS))}")
    step: Step = structure(KINDS[kind], settings, f"condition.steps.{name}", ConfigError)
    return step
