"""The part of a report that holds answers against what each rater heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from sv_eval.report.interval import Interval, Rounded
from sv_eval.report.shares import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftFigure(Rounded):
    """A figure of the answers, and the same of people."""

    of_answers: Interval
    """Of the answers against the raters' distribution; bounds allow for speakers."""
    of_raters: Interval | UnsetType = UNSET
    """Of each rater against the others of the same clip; not set for shares, and where there is one rater."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementSlice(Rounded):
    """Clips on which raters agree about as much."""

    n: int
    """Clips with votes and an answer."""
    accuracy: Share
    """The right answers among those that are scored: by the label, under the headline policy."""
    soft_accuracy: SoftFigure
    """The share of raters that said what the answer says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftLabels(Rounded):
    """How answers stand to what raters heard, over the scored classes."""

    n_voted: int
    """Clips with votes for a scored class."""
    n: int
    """Those of them whose answer is a distribution that can be held against theirs."""
    n_without_scores: int
    """Those that have an answer without scores; they are in `n` only where `one_hot` says so."""
    n_cut_off: int
    """Those whose scores lack what is below a cut-off: they are no distributions, and are left out."""
    n_failed: int
    """Those that have no answer."""
    one_hot: bool
    """Whether an answer without scores counts as a distribution that has all of it on the answer."""
    votes_a_clip: float | None
    """The mean number of a clip's raters who said a scored class; null where there are shares in place of votes."""
    outside: float
    """The share of all votes that is for none of the scored classes: left out."""
    n_outside: int
    """Clips all of whose votes are."""
    rest: float | None
    """How much of an answer's scores is on none of the scored classes, on average: it counts as wrong. Under the
    policy `ban` nothing is: the scores of the classes are divided by their sum. Null without scores."""
    entropy: float
    """The mean entropy of the raters' distributions, nats: what `cross_entropy` of the best answers would be."""
    cross_entropy: SoftFigure
    """Nats; of raters: of one's vote under the others' votes, half a vote added to each class."""
    kl: SoftFigure
    """`cross_entropy` less `entropy`: the Kullback-Leibler divergence from the answers to the raters, nats."""
    js: SoftFigure
    """The Jensen-Shannon divergence, bits: 0 to 1."""
    tvd: SoftFigure
    """The total variation distance: half the sum of differences, 0 to 1."""
    soft_macro_f1: SoftFigure
    """The mean over the scored classes of F1 with the smaller of both shares as what is hit."""
    soft_accuracy: SoftFigure
    """The share of raters that said what the answer says."""
    per_emotion: Mapping[str, SoftFigure]
    """By scored class: its soft F1."""
    alpha: Interval
    """Krippendorff's alpha of the raters, nominal, over the scored classes."""
    agreement: Mapping[str, AgreementSlice]
    """Clips by how far raters agree: `unanimous`, `majority` (more than half) and `split`; those that there are."""
