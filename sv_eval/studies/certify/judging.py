"""How far two answers are apart, how far they are by themselves, and what may be called broken. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sv_eval.backend import Answer
from sv_eval.records import Prediction
from sv_eval.scoring.paired.significance import Discordant, mcnemar_worse
from sv_eval.studies.parity.differences import flipped, margin, score_gap

FLIP, WORDS = 1.0, 0.5
"""The gap of answers without scores whose labels differ, and of those whose words alone do."""
_CLOSE = 0.02
_LEAST = 0.005
_LEAST_SEEN = 0.002
_MOST = 0.5
_QUANTILE = 0.9
_TIMES = 2.0
_FAR = 0.3
_SHARE_OF_OTHERS = 0.75
_UNHEARD = 0.2


def gap(one: Prediction, other: Prediction, *, words: bool) -> float:
    """How far two answers are apart, 0 to 1: the largest difference of a probability where both have scores.

    A label that differs although the probabilities don't, beyond what a close call explains, is 1, and so is one
    without scores. With `words`, a text that differs is 0.5 at least.

    >>> gap(Prediction(label="sad", text="a"), Prediction(label="sad", text="b"), words=True)
    0.5
    """
    apart, other_label = score_gap(one, other), flipped(one, other)
    least = WORDS if words and one.text != other.text else 0.0
    if other_label and (apart is None or apart + _CLOSE < min(margin(one) or 0.0, margin(other) or 0.0)):
        return FLIP
    return max(apart or 0.0, least)


def gap_of(one: Answer, other: Answer, *, words: bool) -> float | None:
    """The gap of two answers; None where either is a failure."""
    if not isinstance(one, Prediction) or not isinstance(other, Prediction):
        return None
    return gap(one, other, words=words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What a recogniser's answers to identical requests do."""

    gaps: tuple[float, ...]
    """Of each repeated request to the first one."""
    scored: bool
    """Whether answers have scores."""
    words: bool
    """Whether answers have texts, and those stay the same."""

    @property
    def typical(self) -> float:
        """The 90 % quantile of the gaps."""
        return float(np.quantile(self.gaps, _QUANTILE)) if self.gaps else 0.0

    @property
    def off_from(self) -> float:
        """From which gap on an answer is another one: twice the typical one, but 0.005 at least and 0.5 at most."""
        if not self.scored:
            return WORDS if self.words else FLIP
        return min(_MOST, max(_LEAST, _TIMES * self.typical))

    @property
    def seen_from(self) -> float:
        """From which gap on a difference was heard: twice the typical one, 0.002 at least."""
        if not self.scored:
            return self.off_from
        return min(_MOST, max(_LEAST_SEEN, _TIMES * self.typical))

    @property
    def far(self) -> float:
        """The share of repeated requests whose answers could be another clip's."""
        return sum(one > _FAR for one in self.gaps) / len(self.gaps) if self.gaps else 0.0

    @property
    def n_off(self) -> int:
        """Repeated requests that were answered otherwise."""
        return sum(one >= self.off_from for one in self.gaps)


def noise_of(first: Sequence[Answer], rounds: Sequence[Sequence[Answer]]) -> Noise:
    """The noise of rounds of the same requests, and of such as nobody can tell from them."""
    pairs = [
        (one, other)
        for answers in rounds
        for one, other in zip(first, answers, strict=True)
        if isinstance(one, Prediction) and isinstance(other, Prediction)
    ]
    words = (
        bool(pairs) and all(one.text == other.text for one, other in pairs) and any(one.text for one, _ in pairs)
    )
    return Noise(
        gaps=tuple(gap(one, other, words=words) for one, other in pairs),
        scored=any(one.scores is not None for one, _ in pairs),
        words=words,
    )


def unrelated(answer: Answer, own: Answer, others: Sequence[Answer]) -> bool | None:
    """Whether an answer has no more to do with its own clip than with the others; None for a failure.

    That is a gap beyond 0.3 to the own clip's answer that is no less than three quarters of the median one to those
    of the others.
    """
    apart = gap_of(answer, own, words=False)
    if apart is None:
        return None
    far = [one for other in others if (one := gap_of(answer, other, words=False)) is not None]
    return apart > _FAR and apart >= _SHARE_OF_OTHERS * float(np.median(far or [0.0]))


def more_than_noise(off: int, n: int, noise_off: int, noise_n: int) -> float:
    """The chance of so many of the answers that are off being among these `n`, were all alike (Fisher's test)."""
    from scipy.stats import hypergeom

    return float(hypergeom.sf(off - 1, n + noise_n, off + noise_off, n)) if off else 1.0


def more_than_allowed(off: int, n: int, allowed: float) -> float:
    """The chance of so many of `n` being off where a share of `allowed` is (binomial)."""
    from scipy.stats import binom

    return float(binom.sf(off - 1, n, allowed)) if off else 1.0


def unheard(subject: Sequence[bool], control: Sequence[bool]) -> float:
    """The chance of a difference being heard so much less than its control, were both heard alike.

    McNemar's exact test on the clips where one of the two is heard. 1 where more than a fifth of what is heard at
    the control is heard here, too: less heard is not unheard.
    """
    if sum(subject) > _UNHEARD * sum(control):
        return 1.0
    only_control = sum(c and not s for s, c in zip(subject, control, strict=True))
    only_subject = sum(s and not c for s, c in zip(subject, control, strict=True))
    return mcnemar_worse(Discordant(gained=only_subject, lost=only_control), mid=False)


def least_unheard(control: Sequence[bool]) -> float:
    """The smallest that `unheard` can be: nothing heard of the subject."""
    return 0.5 ** sum(control)


def apart(one: Sequence[Prediction], other: Sequence[Prediction], *, words: bool, least: float = 0.0) -> float:
    """The chance of two equally large groups of answers being so clearly two, were all given to one request.

    2 / C(2m, m) where every gap between the groups is larger than any within one, and `least` at least; else 1: of
    the C(2m, m) / 2 ways to part exchangeable answers into halves, at most one parts them so.

    >>> low, high = [Prediction(label="sad")] * 3, [Prediction(label="happy")] * 3
    >>> apart(low, high, words=False), apart(low, [*low[:2], *high[:1]], words=False)
    (0.1, 1.0)
    """
    if len(one) != len(other) or len(one) < 2:
        return 1.0
    between = min(gap(a, b, words=words) for a in one for b in other)
    within = max(gap(a, b, words=words) for group in (one, other) for a in group for b in group)
    return 2 / math.comb(2 * len(one), len(one)) if between > within and between >= least else 1.0
