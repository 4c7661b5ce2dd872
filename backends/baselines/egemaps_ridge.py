"""`backend=egemaps_ridge`: the classical method for arousal, valence and dominance, fitted on other speakers.

It is fitted when it is opened, by the same route as `egemaps_svm`: hand-made features, and no clip judged by a
model that has heard its speaker.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.backend import BackendInfo, Capabilities
from sv_eval.backends.baselines.egemaps import DIMENSIONS as N_FEATURES
from sv_eval.backends.baselines.egemaps import Functionals
from sv_eval.backends.baselines.egemaps_backend import EgemapsBackend
from sv_eval.backends.baselines.egemaps_training import card_of, features_of
from sv_eval.backends.baselines.folds import LOSO, Folds, folds_of, groups_of
from sv_eval.backends.baselines.ridge import Ridge, fit
from sv_eval.backends.baselines.svm import INNER_PARTS
from sv_eval.backends.baselines.training import CorpusSettings, Training, read_training
from sv_eval.data.audit.progress import ProgressLine
from sv_eval.dimensions import Range
from sv_eval.errors import ConfigError, CorpusError
from sv_eval.records import Clip

NAME = "egemaps_ridge"
_MODEL = "eGeMAPSv02 functionals, ridge regression"
_FEWEST = 10
"""With fewer training clips of a dimension it is not learnt."""

_Features = list[NDArray[np.float64] | None]
_Models = dict[int, dict[str, Ridge]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fitted:
    """All that answering needs."""

    functionals: Functionals
    """Extracts features."""
    folds: Folds
    """Which models answer for which clip."""
    models: _Models
    """By part and dimension."""
    ranges: dict[str, Range]
    """Of the dimensions that are told: those of the training corpus."""
    info: BackendInfo
    """What a report says of them."""


class EgemapsRidgeBackend(EgemapsBackend[_Fitted]):
    """openSMILE's eGeMAPSv02 functionals and scikit-learn's ridge regression, one a dimension, for other speakers.

    corpus: the settings of the run's corpus: each of its clips is answered by models that were fitted on the clips
        of other speakers of it that have references of dimensions.
    train: the settings of another corpus to fit on instead; answers are then in its ranges.
    folds: as `egemaps_svm` has it.
    alpha: the ridge's strength; None chooses it by group cross-validation within the training clips.
    """

    def __init__(
        self,
        *,
        corpus: CorpusSettings | None = None,
        train: CorpusSettings | None = None,
        folds: str | int = LOSO,
        alpha: float | None = None,
    ) -> None:
        if alpha is not None and alpha <= 0:
            raise ConfigError(f"backend.alpha={alpha}: give a number above 0, e.g. 100, or null to have it chosen")
        super().__init__(corpus, train, folds, BackendInfo(name=NAME, model=_MODEL, device="cpu"))
        self._alpha = alpha

    @property
    def capabilities(self) -> Capabilities:
        """No emotion; the dimensions of its training clips, a clip at a time, and the same answer again."""
        return Capabilities(labels=(), dimensions={} if self._fitted is None else self._fitted.ranges)

    def _said(self, model: Mapping[str, Ridge], features: NDArray[np.float64]) -> Mapping[str, Any]:
        return {"dimensions": {name: one.judge(features) for name, one in model.items()} or None}

    def _fit(self, given_up: threading.Event) -> _Fitted:
        functionals = Functionals()
        training = read_training(
            self._corpus,
            self._train,
            teaches=lambda clip: bool(clip.dimensions),
            what="references of arousal, valence or dominance (dataset.dimensions declares their ranges)",
        )
        folds = folds_of(training, self._folds)
        digests: list[str] = []
        features = features_of(training, functionals, given_up, digests)
        groups = groups_of(training.labelled, by_clip=folds.by_clip)
        models: _Models = {}
        progress = ProgressLine(len(folds.parts), f"models fitted on {training.corpus.name}")
        for part in folds.parts:
            if given_up.is_set():
                raise CorpusError("fitting was given up")
            progress.step()
            taught = [place for place in folds.taught(part) if features[place] is not None]
            models[part] = self._models(training, taught, features, groups)
            if not models[part]:
                raise CorpusError(
                    f"{training.corpus.name}: no dimension has {_FEWEST} training clips for part {part} of the "
                    "folds"
                )
        told = {name for each in models.values() for name in each}
        return _Fitted(
            functionals=functionals,
            folds=folds,
            models=models,
            ranges={name: one for name, one in training.corpus.card.ranges.items() if name in told},
            info=self._describe(training, folds, models, functionals, digests),
        )

    def _models(
        self, training: Training, taught: Sequence[int], features: _Features, groups: Sequence[Any]
    ) -> dict[str, Ridge]:
        """A regression of each dimension that enough of these training clips have."""
        found = {}
        for name, ends in training.corpus.card.ranges.items():
            places = [place for place in taught if _truth(training.labelled[place], name) is not None]
            if len(places) >= _FEWEST:
                found[name] = fit(
                    np.stack([one for place in places if (one := features[place]) is not None]),
                    np.array([_truth(training.labelled[place], name) for place in places], dtype=np.float64),
                    [groups[place] for place in places],
                    alpha=self._alpha,
                    ends=ends,
                    who=training.corpus.name,
                )
        return found

    def _describe(
        self, training: Training, folds: Folds, models: _Models, functionals: Functionals, digests: Sequence[str]
    ) -> BackendInfo:
        import sklearn

        speakers = sorted({clip.speaker for clip in training.labelled if clip.speaker is not None})
        chosen = sorted({model.alpha for each in models.values() for model in each.values()})
        versions = f"opensmile {functionals.version}, scikit-learn {sklearn.__version__}"
        content = (
            f"{training.corpus.hash}:{self._folds}:{self._alpha}:{versions}:{sorted(folds.part_of_clip.items())}"
            f":{sorted(training.corpus.card.ranges.items())}"
        )
        how = f" (by {INNER_PARTS}-fold group cross-validation in the training part)" if self._alpha is None else ""
        return BackendInfo(
            name=NAME,
            model=_MODEL,
            model_hash=hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()[:16],
            precision="fp64",
            device="cpu",
            details={
                "features": f"eGeMAPSv02, {N_FEATURES} functionals",
                "fitted on": f"{training.corpus.name}, {len(training.labelled)} clips, {len(speakers)} speakers",
                "folds": folds.how,
                "models": sum(map(len, models.values())),
                "alpha": " or ".join(f"{alpha:g}" for alpha in chosen) + how,
                "versions": versions,
            },
            card=card_of(training, folds, speakers, digests),
        )


def _truth(clip: Clip, name: str) -> float | None:
    return (clip.dimensions or {}).get(name)
