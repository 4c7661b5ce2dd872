"""What the raters of a clip said, as one value that clips can share.

A ballot is what one rater said: one word of the corpus, or several, between which that rater's vote is shared.
Ballots are counted, since who cast which changes no figure. A distribution has shares in the place of counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Ballots = tuple[tuple[tuple[str, ...], float], ...]
"""Ballots, each with how many raters cast it, sorted."""


def ballots_of(votes: Mapping[str, float] | None, raters: Mapping[str, Sequence[str]] | None) -> Ballots | None:
    """The ballots of a clip; None where nobody voted.

    >>> ballots_of({"sad": 1, "angry": 3}, None)
    ((('angry',), 3.0), (('sad',), 1.0))
    >>> ballots_of(None, {"r1": ["sad"], "r2": ["angry", "sad"], "r3": ["sad"]})
    ((('angry', 'sad'), 1.0), (('sad',), 2.0))
    """
    counted: dict[tuple[str, ...], float] = {}
    if raters:
        for given in raters.values():
            # One word for most raters, which need no sorting.
            ballot = tuple(given) if len(given) == 1 else tuple(sorted(set(given)))
            counted[ballot] = counted.get(ballot, 0.0) + 1.0
    else:
        counted = {(word,): float(count) for word, count in (votes or {}).items()}
    return tuple(sorted((ballot, count) for ballot, count in counted.items() if ballot and count > 0)) or None


def are_shares(ballots: Ballots) -> bool:
    """Whether it is a distribution: it has parts of votes, of which nobody knows how many there were."""
    return any(count != int(count) for _, count in ballots)
