"""Where the time went: the stages that a backend tells of each answer."""

from __future__ import annotations

import numpy as np

from sv_eval.report.interval import plain
from sv_eval.report.latency import StageTimes
from sv_eval.scoring.percentiles import percentile
from sv_eval.scoring.scope import Scope

_ON_THE_WAY = ("encode", "queue", "dns", "connect", "tls", "send", "wait", "receive")
"""A request's stages on its way, in the order in which they happen; others keep that of their occurrence."""


def stage_times(scope: Scope) -> dict[str, StageTimes]:
    """Percentiles of each stage over the clean records that have it, milliseconds, in the order of the stages.

    They do not add up to the latency's: percentiles of parts never do. What a backend does not tell is in none.
    """
    clean, stages_ms, confidence = scope.timing.clean, scope.timing.requests.stages_ms, scope.config.confidence
    found = {}
    for name in sorted(stages_ms, key=_place):
        column = stages_ms[name]
        values = column[clean & np.isfinite(column)]
        if len(values):
            found[name] = StageTimes(
                n=len(values),
                mean=plain(float(values.mean())),
                p50=percentile(values, 0.5, confidence=confidence, clips=len(values)),
                p95=percentile(values, 0.95, confidence=confidence, clips=len(values)),
            )
    return found


def _place(name: str) -> int:
    return _ON_THE_WAY.index(name) if name in _ON_THE_WAY else len(_ON_THE_WAY)
