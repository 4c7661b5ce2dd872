"""What one scores who does not listen, worked out from how often each label occurs.

With `n_l` clips of label `l`, `N` in all and `k` labels that occur:

- majority, always the most frequent label: accuracy `max(n_l) / N`; UAR `1 / k`, since one recall is 1 and the
  others are 0.
- stratified, labels drawn with the shares `n_l / N`: the expected accuracy is `sum((n_l / N)^2)`, and a recall's
  expectation its own share, so UAR is `sum(n_l / N) / k = 1 / k`.
- uniform, labels drawn with equal chances: accuracy and UAR `1 / k`.

The rules are those of scikit-learn's `DummyClassifier`; UAR as in Rosenberg (2012), Classifying Skewed Data.
"""

from __future__ import annotations

from collections.abc import Mapping

from sv_eval.emotions import EMOTIONS
from sv_eval.report.accuracy import Chance, ChanceLevel, MajorityLevel


def chance_levels(support: Mapping[str, int]) -> Chance | None:
    """The levels for so many clips of each label; None without a clip.

    >>> levels = chance_levels({"happy": 6, "sad": 3, "angry": 1, "neutral": 0})
    >>> levels.majority
    MajorityLevel(label='happy', accuracy=0.6, uar=0.333333333)
    >>> levels.stratified
    ChanceLevel(accuracy=0.46, uar=0.333333333)
    """
    held = {label: n for label, n in support.items() if n}
    if not held:
        return None
    total, uar = sum(held.values()), 1 / len(held)
    # Of equally frequent emotions the first of the seven, as `backend=majority` has it.
    most = min(
        held, key=lambda label: (-held[label], EMOTIONS.index(label) if label in EMOTIONS else len(EMOTIONS))
    )
    drawn = sum((n / total) ** 2 for n in held.values())
    return Chance(
        n=total,
        labels=tuple(held),
        majority=MajorityLevel(label=most, accuracy=held[most] / total, uar=uar),
        stratified=ChanceLevel(accuracy=drawn, uar=uar),
        uniform=ChanceLevel(accuracy=uar, uar=uar),
    )
