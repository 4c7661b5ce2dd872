"""The calibration and the thresholds that a run is judged under, and whether they may judge it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Self

from sv_eval.backend import BackendInfo
from sv_eval.errors import ConfigError
from sv_eval.report.calibration_file import CalibratedModel, CalibrationFile, FittedOn, calibration_from
from sv_eval.report.environment import CorpusFacts
from sv_eval.report.thresholds_file import ThresholdsFile, thresholds_from
from sv_eval.scoring.calibration.applying import clip_digest, refuse_other_model
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.decisions import refuse_mismatch

_FEW = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgingFiles:
    """What a run's scoring settings hold of both."""

    calibration: CalibrationFile | None
    """None for scores as they came."""
    thresholds: ThresholdsFile | None
    """None for answers as they came."""

    @classmethod
    def of(cls, config: ScoringConfig) -> Self:
        """Raises ConfigError where one is no such file, or the two don't belong together."""
        found = cls(
            calibration=None if config.calibration is None else calibration_from(config.calibration),
            thresholds=None if config.thresholds is None else thresholds_from(config.thresholds),
        )
        if found.thresholds is not None:
            refuse_mismatch(found.thresholds, found.calibration)
        return found

    def refuse_strangers(
        self, backend: BackendInfo, dataset: CorpusFacts, speakers: Collection[str], clip_ids: Collection[str]
    ) -> None:
        """Raise ConfigError where one is of another model, or was found on some of these speakers or clips."""
        if self.calibration is not None:
            named = "calibration", self.calibration.model, self.calibration.fitted_on
            _refuse(*named, backend, dataset, speakers, clip_ids)
        if self.thresholds is not None:
            chosen = "thresholds", self.thresholds.model or None, self.thresholds.chosen_on or None
            _refuse(*chosen, backend, dataset, speakers, clip_ids)


def _refuse(
    what: str,
    model: CalibratedModel | None,
    fitted: FittedOn | None,
    backend: BackendInfo,
    dataset: CorpusFacts,
    speakers: Collection[str],
    clip_ids: Collection[str],
) -> None:
    if model is not None:
        refuse_other_model(what, model, backend)
    if fitted is None:
        return
    corpus = dataset.identity or dataset.card
    if dataset.hash != fitted.dataset_hash and (corpus is None or corpus != fitted.corpus):
        return
    shared = sorted({*fitted.speakers} & {*speakers})
    if shared:
        raise ConfigError(
            f"{what}: it was fitted on {_few(shared)}, speakers of this run, whose figures would flatter it; "
            "judge it on others (dataset.split)"
        )
    known = frozenset(fitted.clips)
    if clips := [clip_id for clip_id in clip_ids if clip_digest(clip_id) in known]:
        raise ConfigError(f"{what}: it was fitted on clips of this run, {_few(clips)}; judge it on others")


def _few(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:_FEW]) + (f" and {len(listed) - _FEW} more" if len(listed) > _FEW else "")
