"""What a user may choose about labels: `conf/labels/*.yaml` as a dataclass."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sv_eval.config.foreign_yaml import read_yaml
from sv_eval.config.places import conf_dir
from sv_eval.config.settings_index import options_of
from sv_eval.config.structure import structure
from sv_eval.emotions import EMOTIONS, OTHER, PREDICTION_LABELS, REFERENCE_LABELS
from sv_eval.errors import ConfigError, nearest
from sv_eval.report.context import LabelMap

OWN = "own"
"""A merge that leaves a finer word a class of its own, which no recogniser of the seven can say."""
EVERY_WORD = "every"
"""Stands for all finer words that `merges` does not name."""
TAKEN = ("unknown", "no_tag", "no_speech", "failed", "unlabelled", OTHER)
"""Names of what is no class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsConfig:
    """A label map: which classes are scored, and which emotions and finer words each of them holds."""

    name: str = "sensevoice7"
    """What reports call it."""
    version: int = 1
    """Raised by hand whenever a class or a merge of the file changes."""
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {name: (name,) for name in EMOTIONS})
    """Class to the emotions that it holds; an emotion in none of them is not scored."""
    merges: Mapping[str, str | None] = field(default_factory=dict)
    """Finer word to what it counts as: an emotion, `other`, or `own`, a class of its own. A word that is not
    named, or with None, counts as the corpus's card has it; `every` names all others."""

    def __post_init__(self) -> None:
        if not self.classes:
            raise ConfigError(f"labels.classes of '{self.name}' is empty; give {{class: [emotion, ...]}}")
        held: dict[str, str] = {}
        for name, emotions in self.classes.items():
            if name in TAKEN or (name in EMOTIONS and name not in emotions):
                raise ConfigError(f"labels.classes: '{name}' means something else already; give another name")
            if not name.isprintable():
                # Figures draw it, tables and other programs' files hold it.
                raise ConfigError(f"labels.classes: {name!r} can't be printed; give a name of letters")
            if not emotions:
                raise ConfigError(f"labels.classes.{name} holds no emotion; give at least one of {EMOTIONS}")
            for emotion in emotions:
                if emotion not in EMOTIONS:
                    raise ConfigError(
                        f"labels.classes.{name}: '{emotion}' is no emotion name; {nearest(emotion, EMOTIONS)}"
                    )
                if emotion in held:
                    raise ConfigError(f"labels.classes: '{emotion}' is in {held[emotion]} and in {name}; once only")
                held[emotion] = name
        object.__setattr__(self, "merges", {word: to for word, to in self.merges.items() if to is not None})
        self._check_merges()

    def _check_merges(self) -> None:
        for word, target in self.merges.items():
            known = (*REFERENCE_LABELS, OWN)
            if target not in known:
                raise ConfigError(f"labels.merges.{word}: '{target}' is no target; {nearest(str(target), known)}")
            if word in PREDICTION_LABELS and word != OTHER:
                raise ConfigError(
                    f"labels.merges.{word}: only words finer than the seven emotions can be merged; "
                    "use labels.classes to put emotions together"
                )

    @property
    def hash(self) -> str:
        """The first 12 hex digits of a SHA-256 over classes and merges; two maps with one hash map alike."""
        classes = [[name, sorted(emotions)] for name, emotions in self.classes.items()]
        content = json.dumps([classes, sorted(self.merges.items())], ensure_ascii=False)
        return hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()[:12]


def labels_config_from(options: Mapping[str, Any]) -> LabelsConfig:
    """The configuration group `labels`, given as plain data; raises ConfigError.

    >>> labels_config_from({"name": "two", "classes": {"calm_voice": ["neutral", "sad"]}}).merges
    {}
    """
    return structure(LabelsConfig, options, "labels", ConfigError)


def labels_config_of(label_map: LabelMap) -> LabelsConfig:
    """The configuration that a finished run was scored under."""
    return LabelsConfig(
        name=label_map.name, version=label_map.version, classes=label_map.classes, merges=label_map.merges
    )


def list_label_maps() -> tuple[str, ...]:
    """The names of the label maps that come with sv_eval."""
    return tuple(options_of("labels"))


def read_label_map(name_or_path: str) -> dict[str, Any]:
    """A label map's file as plain data: one of ours by name, or any YAML file; raises ConfigError."""
    import yaml

    ours = conf_dir() / "labels" / f"{name_or_path}.yaml"
    path = ours if ours.is_file() else Path(name_or_path).expanduser()
    if not path.is_file():
        raise ConfigError(
            f"labels={name_or_path}: there is no such label map; {nearest(name_or_path, list_label_maps())} "
            "(or give the path of a YAML file)"
        )
    try:
        data = read_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, OSError, ValueError) as error:
        raise ConfigError(f"{path} can't be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path} should hold a label map: name, version, classes, merges")
    return {str(key): value for key, value in data.items() if key != "defaults"}
