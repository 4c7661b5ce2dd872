"""What a user may choose about labels: `conf/labels/*.yaml` as a dataclass."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sv_eval.answer_words import canonical_of
from sv_eval.config.own_label_map import read_label_map_file
from sv_eval.config.places import conf_dir
from sv_eval.config.settings_index import options_of
from sv_eval.config.structure import structure
from sv_eval.emotions import EMOTIONS, OTHER, PREDICTION_LABELS, REFERENCE_LABELS, UNREAD
from sv_eval.errors import ConfigError, nearest
from sv_eval.finer_words import FINE, NEVER_A_CLASS
from sv_eval.report.context import LabelMap, Quadrants
from sv_eval.scoring.labels.quadrants import check_quadrants

OWN = "own"
"""A merge that leaves a finer word a class of its own, which no recogniser of the seven can say."""
EVERY_WORD = "every"
"""Stands for all finer words that `merges` does not name."""
TAKEN = ("unknown", "no_tag", "no_speech", *UNREAD, "failed", "unlabelled", OTHER)
"""Names of what is no class."""
_MOST = 100
"""Classes have codes of one byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsConfig:
    """A label map: which classes are scored, and which emotions and finer words each of them holds."""

    name: str = "sensevoice7"
    """What reports call it."""
    version: int = 1
    """Raised by hand whenever a class or a merge of the file changes."""
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {name: (name,) for name in EMOTIONS})
    """Class to the emotions that it holds, and finer words; an emotion in none of them is not scored."""
    merges: Mapping[str, str | None] = field(default_factory=dict)
    """Finer word to what it counts as: an emotion, `other`, or `own`, a class of its own. A word that is not
    named, or with None, counts as the corpus's card has it; `every` names all others."""
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Emotion, finer word or a word of the user's own to what corpora and recognisers call it, in any language.
    These go before a corpus's card and before what a service's words mean otherwise."""

    quadrants: Quadrants | None = None
    """Emotions for answers that tell arousal and valence and no emotion; None leaves them without."""

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
                    self._check_finer(f"labels.classes.{name}", emotion)
                if emotion in held:
                    raise ConfigError(f"labels.classes: '{emotion}' is in {held[emotion]} and in {name}; once only")
                held[emotion] = name
        object.__setattr__(self, "merges", {word: to for word, to in self.merges.items() if to is not None})
        self._check_merges()
        self._check_words()
        check_quadrants(self.quadrants)
        if len(held) + len(self.merges) > _MOST:
            raise ConfigError(f"labels '{self.name}': {_MOST} classes and merges at most")

    def _check_finer(self, where: str, word: str) -> None:
        """Raise ConfigError for a word that nobody has declared."""
        if word in NEVER_A_CLASS or (word not in FINE and word not in self.words):
            known = [name for name in (*EMOTIONS, *FINE, *self.words) if name not in NEVER_A_CLASS]
            raise ConfigError(
                f"{where}: '{word}' is no emotion name; {nearest(word, known)} (a word of your own is declared "
                f"with what it is called, labels.words.{word}=[...])"
            )

    def _check_words(self) -> None:
        """Every word means one thing, and every meaning is an emotion or leads to a class."""
        taken: dict[str, str] = {}
        for meaning, spellings in self.words.items():
            if not meaning or not meaning.isprintable() or meaning in (*TAKEN, EVERY_WORD, OWN):
                raise ConfigError(
                    f"labels.words: {meaning!r} can't be a meaning; give an emotion or a word of your own"
                )
            for spelling in (meaning, *spellings):
                other = taken.setdefault(spelling.strip().casefold(), meaning)
                if other != meaning:
                    raise ConfigError(
                        f"labels.words: '{spelling}' stands under {other} and under {meaning}; once only"
                    )

    @property
    def spellings(self) -> Mapping[str, str]:
        """Word in lower case to what it means, for those of `words`."""
        return {
            spelling.strip().casefold(): meaning
            for meaning, spellings in self.words.items()
            for spelling in (meaning, *spellings)
        }

    @property
    def meant(self) -> Mapping[str, str]:
        """Word in lower case to the emotion or `other` that it counts as by default, for those of `words`."""
        return {spelling: canonical_of(meaning) for spelling, meaning in self.spellings.items()}

    def merged_into(self, word: str) -> str | None:
        """What `merges` let a finer word count as: an emotion, `other` or `own`; None where they say nothing."""
        return self.merges.get(word) or self.merges.get(EVERY_WORD)

    def _check_merges(self) -> None:
        for word, target in self.merges.items():
            if word not in EMOTIONS and any(word in held for held in self.classes.values()):
                raise ConfigError(f"labels.merges.{word}: it is in a class of labels.classes already; once only")
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
        """The first 12 hex digits of a SHA-256 over classes, merges and words; two maps with one hash map alike."""
        classes = [[name, sorted(emotions)] for name, emotions in self.classes.items()]
        told: list[Any] = [classes, sorted(self.merges.items())]
        if self.words:
            told.append(sorted((meaning, sorted(spellings)) for meaning, spellings in self.words.items()))
        if self.quadrants is not None:
            told.append(asdict(self.quadrants))
        content = json.dumps(told, ensure_ascii=False)
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
        name=label_map.name,
        version=label_map.version,
        classes=label_map.classes,
        merges=label_map.merges,
        words=label_map.words or {},
        quadrants=label_map.quadrants or None,
    )


def list_label_maps() -> tuple[str, ...]:
    """The names of the label maps that come with sv_eval."""
    return tuple(options_of("labels"))


def read_label_map(name_or_path: str) -> dict[str, Any]:
    """A label map's file as plain data: one of ours by name, or any YAML file; raises ConfigError."""
    ours = conf_dir() / "labels" / f"{name_or_path}.yaml"
    if ours.is_file():
        return read_label_map_file(ours)
    if not Path(name_or_path).expanduser().is_file():
        raise ConfigError(
            f"labels={name_or_path}: there is no such label map; {nearest(name_or_path, list_label_maps())} "
            "(or give the path of a YAML file)"
        )
    return read_label_map_file(Path(name_or_path).expanduser())
