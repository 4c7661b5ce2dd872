"""What the baselines over eGeMAPSv02 functionals share: features of training clips, and their model card."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.backends.baselines.egemaps import LICENCE, Functionals
from sv_eval.backends.baselines.folds import Folds
from sv_eval.backends.baselines.training import Training
from sv_eval.data.audio.digest import sound_digest
from sv_eval.data.audit.progress import ProgressLine
from sv_eval.errors import AudioError, CorpusError


def card_of(training: Training, folds: Folds, speakers: Sequence[str], digests: Sequence[str]) -> dict[str, Any]:
    """The model card: what kind of model, under which licence, and what its figures may be compared with."""
    card: dict[str, Any] = {"kind": "baseline", "licence": LICENCE}
    if folds.by_clip:
        return card | {"folds": "clips"}
    if folds.part_of_clip:
        return card | {"folds": "speakers"}
    taught = {"corpus": training.corpus.card.identity, "speakers": list(speakers), "audio": list(digests)}
    return card | {"training": [taught]}


def features_of(
    training: Training, functionals: Functionals, given_up: threading.Event, digests: list[str]
) -> list[NDArray[np.float64] | None]:
    """The features of each training clip; None for one that can't be decoded or is too short.

    digests: filled with those of the clips' sound.
    """
    found: list[NDArray[np.float64] | None] = []
    progress = ProgressLine(len(training.labelled), f"training clips of {training.corpus.name} listened to")
    for clip in training.labelled:
        if given_up.is_set():
            raise CorpusError("fitting was given up")
        progress.step()
        try:
            samples = training.corpus.source.load(clip).samples
        except AudioError:
            # The run itself meets the clip again, and makes a failure of it.
            found.append(None)
            continue
        found.append(functionals.of(samples))
        if digest := sound_digest(samples):
            digests.append(digest)
    return found
