"""Whether others worked on the machine so much that the latency of a run is not its backend's alone."""

from __future__ import annotations

from sv_eval.report.environment import Telemetry

CONTENDED = 0.15
"""From this share of the time of all cores on, what others took counts as a disturbance."""


def contended(machine: Telemetry | None) -> float | None:
    """The share of the machine that others took, where it is a disturbance; None where it is not, or can't be told.

    >>> from dataclasses import replace
    >>> from sv_eval.report.environment import NOT_SAMPLED
    >>> contended(replace(NOT_SAMPLED, others_cpu=0.4)), contended(replace(NOT_SAMPLED, others_cpu=0.1))
    (0.4, None)
    """
    others = None if machine is None else machine.others_cpu
    return others if isinstance(others, float) and others >= CONTENDED else None
