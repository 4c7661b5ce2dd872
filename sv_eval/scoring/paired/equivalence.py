"""Whether two runs are as good as each other: shown, and not only not disproved."""

from __future__ import annotations

from sv_eval.report.change import Equivalence
from sv_eval.scoring.paired.differences import Difference


def equivalence_of(difference: Difference, margin: float, *, unchanged: bool, alpha: float = 0.05) -> Equivalence:
    """Two one-sided tests (Schuirmann 1987) of whether a difference lies within a margin on either side.

    unchanged: whether no clip turned right or wrong, which needs no test. A difference whose spread can't be seen
    is neither shown to be within the margin nor beyond it.
    """
    if unchanged:
        return Equivalence(margin=margin, p_value=0.0, verdict="equivalent")
    if difference.value is None or difference.error is None:
        return Equivalence(margin=margin, p_value=None, verdict="unknown")
    from scipy.stats import t

    below = float(t.sf((difference.value + margin) / difference.error, difference.freedom))
    above = float(t.sf((margin - difference.value) / difference.error, difference.freedom))
    p = max(below, above)
    if p <= alpha:
        return Equivalence(margin=margin, p_value=p, verdict="equivalent")
    differs = difference.p_value is not None and difference.p_value <= alpha
    return Equivalence(margin=margin, p_value=p, verdict="different" if differs else "unknown")
