"""`backend=egemaps_svm`: the classical method, hand-made features and a linear support vector machine.

It is fitted when it is opened, on other speakers than those that it will be asked about. The features of a clip
that it is asked about are extracted anew each time, whether or not the clip was learnt from: that is what it costs.
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
from sv_eval.backends.baselines.egemaps import DIMENSIONS, Functionals
from sv_eval.backends.baselines.egemaps_backend import EgemapsBackend
from sv_eval.backends.baselines.egemaps_training import card_of, features_of
from sv_eval.backends.baselines.folds import LOSO, Folds, folds_of, groups_of
from sv_eval.backends.baselines.svm import INNER_PARTS, LinearSvm, fit
from sv_eval.backends.baselines.training import CorpusSettings, Training, read_training
from sv_eval.data.audit.progress import ProgressLine
from sv_eval.emotions import EMOTIONS
from sv_eval.errors import ConfigError, CorpusError

NAME = "egemaps_svm"
_MODEL = "eGeMAPSv02 functionals, linear SVM"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fitted:
    """All that answering needs."""

    functionals: Functionals
    """Extracts features."""
    folds: Folds
    """Which model answers for which clip."""
    models: dict[int, LinearSvm]
    """By part."""
    labels: tuple[str, ...]
    """What any of them can say."""
    info: BackendInfo
    """What a report says of them."""


class EgemapsSvmBackend(EgemapsBackend[_Fitted]):
    """openSMILE's eGeMAPSv02 functionals and scikit-learn's linear SVM, fitted on other speakers.

    corpus: the settings of the run's corpus: each of its clips is answered by a model that was fitted on the
        labelled clips of other speakers of it.
    train: the settings of another corpus to fit on instead. Where it is the same corpus, or another part of it, the
        speakers are still kept apart; those of different corpora are taken for different people.
    folds: `loso` leaves one speaker out at a time, a number makes so many groups of speakers, for a corpus with
        many; `clips` disregards speakers, and the report says so.
    c: the SVM's C; None chooses it by group cross-validation within the training clips.
    """

    def __init__(
        self,
        *,
        corpus: CorpusSettings | None = None,
        train: CorpusSettings | None = None,
        folds: str | int = LOSO,
        c: float | None = None,
    ) -> None:
        if c is not None and c <= 0:
            raise ConfigError(f"backend.c={c}: give a number above 0, e.g. 0.01, or null to have it chosen")
        super().__init__(corpus, train, folds, BackendInfo(name=NAME, model=_MODEL, device="cpu"))
        self._c = c

    @property
    def capabilities(self) -> Capabilities:
        """The emotions of its training clips; a clip at a time, and the same answer again."""
        return Capabilities(labels=EMOTIONS if self._fitted is None else self._fitted.labels)

    def _said(self, model: LinearSvm, features: NDArray[np.float64]) -> Mapping[str, Any]:
        label, scores = model.judge(features)
        confidence = None if scores is None else scores[label]
        return {"label": label, "forced": label, "scores": scores, "confidence": confidence}

    def _fit(self, given_up: threading.Event) -> _Fitted:
        functionals = Functionals()
        training = read_training(self._corpus, self._train)
        folds = folds_of(training, self._folds)
        digests: list[str] = []
        features = features_of(training, functionals, given_up, digests)
        groups = groups_of(training.labelled, by_clip=folds.by_clip)
        models: dict[int, LinearSvm] = {}
        progress = ProgressLine(len(folds.parts), f"models fitted on {training.corpus.name}")
        for part in folds.parts:
            if given_up.is_set():
                raise CorpusError("fitting was given up")
            progress.step()
            taught = [place for place in folds.taught(part) if features[place] is not None]
            if not taught:
                raise CorpusError(f"{training.corpus.name}: no training clip is left for part {part} of the folds")
            models[part] = fit(
                np.stack([found for place in taught if (found := features[place]) is not None]),
                [str(training.labelled[place].reference) for place in taught],
                [groups[place] for place in taught],
                c=self._c,
                who=training.corpus.name,
            )
        said = {label for model in models.values() for label in model.labels}
        return _Fitted(
            functionals=functionals,
            folds=folds,
            models=models,
            labels=tuple(label for label in EMOTIONS if label in said),
            info=self._describe(
                training, folds, models, functionals, digests, sum(found is None for found in features)
            ),
        )

    def _describe(
        self,
        training: Training,
        folds: Folds,
        models: dict[int, LinearSvm],
        functionals: Functionals,
        digests: Sequence[str],
        n_left_out: int,
    ) -> BackendInfo:
        import sklearn

        speakers = sorted({clip.speaker for clip in training.labelled if clip.speaker is not None})
        chosen = sorted({model.c for model in models.values()})
        versions = f"opensmile {functionals.version}, scikit-learn {sklearn.__version__}"
        content = f"{training.corpus.hash}:{self._folds}:{self._c}:{versions}:{sorted(folds.part_of_clip.items())}"
        details: dict[str, Any] = {
            "features": f"eGeMAPSv02, {DIMENSIONS} functionals",
            "fitted on": f"{training.corpus.name}, {len(training.labelled)} clips, {len(speakers)} speakers",
            "folds": folds.how,
            "models": len(models),
            "C": " or ".join(f"{c:g}" for c in chosen)
            + (f" (by {INNER_PARTS}-fold group cross-validation in the training part)" if self._c is None else ""),
            "class weights": "balanced",
            "versions": versions,
        }
        if n_left_out:
            details["training clips without features"] = n_left_out
        return BackendInfo(
            name=NAME,
            model=_MODEL,
            model_hash=hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()[:16],
            precision="fp64",
            device="cpu",
            details=details,
            card=card_of(training, folds, speakers, digests),
        )
