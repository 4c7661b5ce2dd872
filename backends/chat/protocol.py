"""A protocol: everything that a chat model is told and asked, in one place, versioned and hashed.

One model answers a third or three times as much rightly by how it is asked and how its answer is read; so a figure
without its protocol says nothing, and runs under different ones are not alike.
"""

from __future__ import annotations

import hashlib
import json
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from sv_eval.config.foreign_yaml import read_yaml
from sv_eval.config.structure import structure
from sv_eval.emotions import PREDICTION_LABELS
from sv_eval.errors import ConfigError, nearest
from sv_eval.option_orders import CYCLIC, ORDERS, order_of

LETTERS, WORD, JSON = "letters", "word", "json"
FORMS = (LETTERS, WORD, JSON)
"""What the model is to answer: a letter, one word, or a JSON object."""
_SHIPPED = Path(__file__).parent / "protocols"
_FEWEST = 2
_LANGUAGES = ("en", "zh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How a model is asked about a clip."""

    name: str
    """What reports call it."""
    version: int
    """Raised with every change."""
    language: str
    """Of the prompt and of the words that are understood in answers: `en` or `zh`."""
    form: str
    """One of FORMS."""
    options: Mapping[str, str]
    """Emotion (or `unknown`) to what the option is called, in the order of the protocol."""
    user: str
    """What is asked; `{options}` is where the options stand."""
    words: str | None = None
    """What is asked where the words alone are given, to see how much they tell: `{transcript}` is where they stand,
    `{options}` as in `user`. None where that can't be asked."""
    system: str | None = None
    """What stands before the conversation; None for nothing."""
    key: str = "emotion"
    """Of the form JSON: the key of the answer."""
    order: str = CYCLIC
    """`cyclic` begins the options at another place for each clip, by its id; `fixed` leaves them."""
    temperature: float | None = 0.0
    """None leaves the server's own."""
    max_tokens: int | None = 64
    """None leaves the server's own."""
    seed: int | None = 0
    """For servers that take one; None for none."""

    def __post_init__(self) -> None:
        where = f"protocol {self.name}"
        for key, value, known in (("form", self.form, FORMS), ("order", self.order, ORDERS)):
            if value not in known:
                raise ConfigError(f"{where}: {key} is '{value}'; {nearest(value, known)}")
        if self.language not in _LANGUAGES:
            raise ConfigError(f"{where}: language is '{self.language}'; {nearest(self.language, _LANGUAGES)}")
        for name in self.options:
            if name not in PREDICTION_LABELS:
                raise ConfigError(f"{where}: options: '{name}' is no emotion; {nearest(name, PREDICTION_LABELS)}")
        words = [word.casefold() for word in self.options.values()]
        if len(words) < _FEWEST or len(words) > len(string.ascii_uppercase) or len(set(words)) < len(words):
            raise ConfigError(f"{where}: options: give two to 26, each called otherwise")
        if "{options}" not in self.user:
            raise ConfigError(f"{where}: user: it needs {{options}} where the options are to stand")
        if self.words is not None and not ("{options}" in self.words and "{transcript}" in self.words):
            raise ConfigError(f"{where}: words: it needs {{options}} and {{transcript}} where they are to stand")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise ConfigError(f"{where}: max_tokens={self.max_tokens}: at least 1")

    @property
    def hash(self) -> str:
        """Twelve digits that change with anything that the model is told or that its answers mean."""
        told = {**asdict(self), "options": list(self.options.items())}
        return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:12]

    def order_of(self, clip_id: str, seed: int = 0) -> tuple[str, ...]:
        """The emotions in the order in which the options stand for a clip.

        Each shift is as likely as any other over the clips of a corpus, and a clip's is the same on any machine.
        """
        return order_of(tuple(self.options), clip_id, self.order, seed)

    def asked(self, order: Sequence[str], words: str | None = None) -> str:
        """What the user says, with the options in this order: about a recording, or about `words` alone."""
        if self.form == LETTERS:
            lines = (
                f"{letter}. {self.options[name]}"
                for letter, name in zip(string.ascii_uppercase, order, strict=False)
            )
            told = "\n".join(lines)
        else:
            told = ("、" if self.language == "zh" else ", ").join(self.options[name] for name in order)
        if words is None:
            return self.user.replace("{options}", told)
        # In one go: a transcript may hold what looks like a place for something.
        places = {"{options}": told, "{transcript}": words}
        return re.sub("|".join(map(re.escape, places)), lambda found: places[found[0]], self.words or self.user)

    def answers(self, order: Sequence[str]) -> tuple[str, ...]:
        """What the model may answer, of the forms letters and word."""
        if self.form == LETTERS:
            return tuple(string.ascii_uppercase[: len(order)])
        return tuple(self.options[name] for name in order)

    def json_schema(self, order: Sequence[str]) -> dict[str, Any]:
        """The JSON Schema of an answer of the form JSON, for servers that hold a model to one."""
        words = [self.options[name] for name in order]
        return {
            "type": "object",
            "properties": {self.key: {"type": "string", "enum": words}},
            "required": [self.key],
            "additionalProperties": False,
        }


def shipped_protocols() -> dict[str, Path]:
    """The protocols that come along, by name."""
    return {path.stem: path for path in sorted(_SHIPPED.glob("*.yaml"))}


def protocol_of(given: str | Mapping[str, Any]) -> Protocol:
    """The protocol of a shipped name, of a YAML file's path, or of its settings.

    Raises ConfigError that names the file and key.
    """
    if isinstance(given, Mapping):
        return structure(Protocol, given, "backend.protocol", ConfigError)
    shipped = shipped_protocols()
    place = shipped.get(given, Path(given))
    if place.suffix not in (".yaml", ".yml"):
        raise ConfigError(
            f"backend.protocol={given}: there is no such protocol; {nearest(given, list(shipped))} (or give a "
            "YAML file)"
        )
    try:
        data = read_yaml(place.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"backend.protocol={given}: can't be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{place}: is not UTF-8") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{place}: is no YAML ({error})") from error
    return structure(Protocol, data, str(place), ConfigError)
