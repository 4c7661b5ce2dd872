"""What a baseline learns from: the labelled clips of the run's own corpus, or of another one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sv_eval.data.corpus.reading import Corpus, dataset_config_from, read_corpus
from sv_eval.emotions import EMOTIONS
from sv_eval.errors import ConfigError, CorpusError
from sv_eval.records import Clip

CorpusSettings = Mapping[str, Any]
"""The settings of a corpus, with the keys of `conf/dataset/`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """The corpus to learn from, and the one whose clips will be asked about."""

    corpus: Corpus
    """Holds the training clips."""
    labelled: tuple[Clip, ...]
    """Its clips that can be learnt from, by id."""
    asked: tuple[Clip, ...]
    """The clips of the run's corpus; empty where there is no run, as in a service."""
    same_people: bool
    """Whether a speaker's name means the same person in both: they are one corpus, or parts of one."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The emotions that the training clips hold, in the usual order."""
        held = {clip.reference for clip in self.labelled}
        return tuple(emotion for emotion in EMOTIONS if emotion in held)

    def counts(self) -> dict[str, int]:
        """How many training clips each emotion has."""
        found = Counter(clip.reference for clip in self.labelled)
        return {label: found[label] for label in self.labels}


def has_emotion(clip: Clip) -> bool:
    """Whether a clip has one of the seven emotions."""
    return clip.reference in EMOTIONS


def read_training(
    corpus: CorpusSettings | None,
    train: CorpusSettings | None,
    *,
    teaches: Callable[[Clip], bool] = has_emotion,
    what: str = "one of the seven emotions",
) -> Training:
    """The training clips: of `train`, or of the run's own `corpus` where that is None.

    teaches: which clips can be learnt from, for what they have (`what`). Raises ConfigError when there is neither
    corpus, CorpusError when one can't be read or has nothing to learn.
    """
    if corpus is None and train is None:
        raise ConfigError(
            "backend.corpus and backend.train are both empty, so there is nothing to learn from; give "
            "backend.train a corpus's settings, e.g. 'backend.train={name: demo, card: demo}'"
        )
    asked = None if corpus is None else _read(corpus, "backend.corpus")
    taught = asked if train is None else _read(train, "backend.train")
    assert taught is not None
    labelled = tuple(clip for clip in taught.clips if teaches(clip))
    if not labelled:
        raise CorpusError(f"{taught.name}: no clip has {what}, so there is nothing to learn from")
    return Training(
        corpus=taught,
        labelled=labelled,
        asked=() if asked is None else asked.clips,
        same_people=asked is None or asked.card.identity == taught.card.identity,
    )


def without_speaker(clips: Sequence[Clip]) -> tuple[Clip, ...]:
    """The clips whose speaker is not known."""
    return tuple(clip for clip in clips if clip.speaker is None)


def _read(settings: CorpusSettings, where: str) -> Corpus:
    try:
        return read_corpus(dataset_config_from(settings))
    except (ConfigError, CorpusError) as error:
        raise type(error)(f"{where}: {error}") from error
