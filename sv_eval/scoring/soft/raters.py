"""What raters said, as numbers over the scored classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.record_file.ballots import Ballots, are_shares

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Raters:
    """The different sets of ballots of a corpus, a row each; clips share them."""

    votes: Floats
    """Votes by scored class; shape [sets, classes]. A rater who said several shares one vote between them."""
    n: Floats
    """How many raters said a scored class: the sum of the row."""
    outside: Floats
    """Votes for none of the scored classes."""
    top: Floats
    """The share of all votes that is for the class, scored or not, that most are for."""
    shares: bool
    """Whether there are shares in the place of votes: of how many raters, nobody knows."""
    of_set: Codes
    """Of each different ballot: the set that it is in."""
    ballot: Floats
    """Its vote by scored class, adding up to 1; shape [ballots, classes]."""
    cast: Floats
    """How many raters cast it."""

    @property
    def distribution(self) -> Floats:
        """The raters' distribution over the scored classes; zeros for a set that has no vote for any."""
        return np.asarray(self.votes / np.where(self.n > 0, self.n, 1.0)[:, None], dtype=np.float64)

    @property
    def several(self) -> NDArray[np.bool_]:
        """Which sets are of two raters and more, so that one can be held against the others."""
        return np.asarray((self.n > 1.5) & (not self.shares), dtype=np.bool_)

    def mean_by_set(self, of_ballot: Floats) -> Floats:
        """The mean over a set's raters of what is given for each ballot; shape [sets] or [sets, classes]."""
        weight = self.cast / np.where(self.n > 0, self.n, 1.0)[self.of_set]
        if of_ballot.ndim == 1:
            summed = np.bincount(self.of_set, of_ballot * weight, minlength=len(self.n))
            return np.asarray(summed, dtype=np.float64)
        return _summed(self.of_set, of_ballot * weight[:, None], len(self.n))

    def others(self) -> Floats:
        """Of each ballot: the votes of its set without it."""
        return np.asarray(self.votes[self.of_set] - self.ballot, dtype=np.float64)


def raters_of(sets: Sequence[Ballots], labels: Sequence[str], class_of: Callable[[str], str]) -> Raters:
    """The ballots under a label map; class_of: the corpus's own word to its class.

    A vote for a class that is not scored is left out. A rater who said such a class beside a scored one counts as
    one rater of the scored one.
    """
    place = {label: column for column, label in enumerate(labels)}
    classes = {word: class_of(word) for ballots in sets for ballot, _ in ballots for word in ballot}
    outside, top = np.zeros(len(sets)), np.zeros(len(sets))
    of_set, cast, ballots_in = [], [], []
    for row, ballots in enumerate(sets):
        of_class: dict[str, float] = {}
        for ballot, count in ballots:
            each = count / len(ballot)
            inside = []
            for word in ballot:
                name = classes[word]
                of_class[name] = of_class.get(name, 0.0) + each
                if name in place:
                    inside.append(place[name])
                else:
                    outside[row] += each
            if inside:
                of_set.append(row)
                cast.append(count)
                ballots_in.append(inside)
        whole = sum(of_class.values())
        top[row] = max(of_class.values()) / whole if whole else 0.0
    split = np.zeros((len(cast), len(labels)))
    for number, inside in enumerate(ballots_in):
        for column in inside:
            split[number, column] += 1 / len(inside)
    counts, owner = np.array(cast, dtype=np.float64), np.array(of_set, dtype=np.int64)
    votes = _summed(owner, split * counts[:, None], len(sets))
    return Raters(
        votes=votes,
        n=votes.sum(axis=1),
        outside=outside,
        top=top,
        shares=any(map(are_shares, sets)),
        of_set=owner,
        ballot=split,
        cast=counts,
    )


def _summed(owner: Codes, values: Floats, size: int) -> Floats:
    """The sums of rows by who owns them; shape [size, columns]."""
    return np.stack([np.bincount(owner, column, minlength=size) for column in values.T], axis=1)
