"""When several emotions are true of a clip, and when an answer names several."""

from __future__ import annotations

from dataclasses import dataclass

from sv_eval.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiLabel:
    """The rules, for corpora and answers that do not say so themselves."""

    votes: float | None = None
    """The share of a clip's raters from which an emotion is one of several that are true; None where the corpus
    says itself what is true."""
    score: float | None = None
    """The score from which an answer names an emotion; None for 1 over the number of scored classes."""

    def __post_init__(self) -> None:
        for name in ("votes", "score"):
            value = getattr(self, name)
            if value is not None and not 0 < value <= 1:
                raise ConfigError(f"scoring.multi_label.{name}: {value} is no share above 0; try 0.25")
