"""One answer for a clip from the answers for its stretches.

The public pipeline joins the stretches' texts, tags and all, and aggregates nothing. Here their posteriors are
combined, by one of three rules, and the stretches are kept beside the result.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from sv_eval.backends.segmentation.spans import Span
from sv_eval.emotions import UNKNOWN
from sv_eval.records import Prediction, Segment

Scores = dict[str, float]
Piece = tuple[float, Prediction]
"""A stretch's duration in seconds, and what was said about it."""


def mean_scores(pieces: Sequence[Piece]) -> Scores:
    """The mean of the posteriors, each weighted by its stretch's duration."""
    total = sum(duration for duration, _ in pieces)
    sums: Scores = defaultdict(float)
    for duration, said in pieces:
        for name, score in (said.scores or {}).items():
            sums[name] += duration / total * score
    return dict(sums)


def max_scores(pieces: Sequence[Piece]) -> Scores:
    """The highest posterior that any stretch gave to each emotion, scaled to sum to 1."""
    highest: Scores = defaultdict(float)
    for _, said in pieces:
        for name, score in (said.scores or {}).items():
            highest[name] = max(highest[name], score)
    total = sum(highest.values())
    return {name: score / total for name, score in highest.items()}


def vote_scores(pieces: Sequence[Piece]) -> Scores:
    """The share of the duration that went to each emotion, every stretch voting for its own label.

    A stretch without a tag votes for its most probable emotion.
    """
    total = sum(duration for duration, _ in pieces)
    shares: Scores = defaultdict(float)
    for duration, said in pieces:
        for name in said.scores or {}:
            shares[name] += 0.0
        voted = said.label or _best(said.scores or {}, ())
        if voted is not None:
            shares[voted] += duration / total
    return dict(shares)


VOTE = "vote"
RULES: Mapping[str, Callable[[Sequence[Piece]], Scores]] = {
    "mean": mean_scores,
    "max": max_scores,
    VOTE: vote_scores,
}
"""How posteriors are combined, by the name that `combine` takes."""


def combined(spans: Sequence[Span], said: Sequence[Prediction], rule: str) -> Prediction:
    """One prediction for a clip from the predictions for its stretches, which it keeps as segments.

    A single stretch's answer is the clip's. Of several, the label is the most probable of the combined scores,
    or None when no stretch carried an emotion tag. Under `vote` label and forced label are those that most of the
    duration voted for, a tie going to the higher mean posterior, and the scores are that mean, since shares of
    votes are no probabilities. Language and event are those that most of the duration had.
    """
    segments = tuple(
        Segment(start_s=span.start_s, end_s=span.end_s, label=one.label, scores=one.scores, text=one.text)
        for span, one in zip(spans, said, strict=True)
    )
    if not said:
        return Prediction(no_speech=True)
    text, language, event = joined(one.text for one in said), said[0].language, said[0].event
    if len(said) == 1:
        label, forced, scores = said[0].label, said[0].forced, said[0].scores
    else:
        pieces = [(span.duration_s, one) for span, one in zip(spans, said, strict=True)]
        ranked, mean = RULES[rule](pieces), mean_scores(pieces)
        tagged = any(one.label is not None for one in said)
        label = max(ranked, key=lambda name: (ranked[name], mean.get(name, 0.0))) if tagged and ranked else None
        scores = (mean if rule == VOTE else ranked) or None
        forced = _elected(pieces, mean) if rule == VOTE else _best(ranked, (UNKNOWN,))
        language = _longest((duration, one.language) for duration, one in pieces)
        event = _longest((duration, one.event) for duration, one in pieces)
    return Prediction(
        label=label,
        forced=forced,
        scores=scores,
        confidence=None if label is None or not scores else scores.get(label),
        text=text,
        language=language,
        event=event,
        segments=segments,
    )


def joined(texts: Iterable[str | None]) -> str:
    """The texts one after another, with a blank between two unless Chinese or Japanese script meets there."""
    out = ""
    for text in texts:
        if text and out and not (_unspaced(out[-1]) or _unspaced(text[0])):
            out += " "
        out += text or ""
    return out


def _unspaced(character: str) -> bool:
    return "\u3000" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef"


def _elected(pieces: Sequence[Piece], mean: Mapping[str, float]) -> str | None:
    """The forced label that most of the duration has; a tie goes to the higher mean posterior."""
    sums: dict[str, float] = defaultdict(float)
    for duration, said in pieces:
        if said.forced is not None:
            sums[said.forced] += duration
    return max(sums, key=lambda name: (sums[name], mean.get(name, 0.0)), default=None)


def _best(scores: Mapping[str, float], without: tuple[str, ...]) -> str | None:
    return max((name for name in scores if name not in without), key=lambda name: scores[name], default=None)


def _longest(weighted: Iterable[tuple[float, str | None]]) -> str | None:
    sums: dict[str, float] = defaultdict(float)
    for duration, word in weighted:
        if word is not None:
            sums[word] += duration
    return max(sums, key=lambda word: sums[word], default=None)
