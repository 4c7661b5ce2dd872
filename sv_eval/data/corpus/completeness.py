"""Whether a corpus is whole: the clips that were found against those that its card expects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sv_eval.data.corpus.schema import Card

Differing = Mapping[str, tuple[int, int]]
"""Name to how many clips were found and how many were expected, where the two differ."""
Only = Mapping[str, tuple[str, ...]]
"""As `dataset.only` has it: speaker, sex, language or label to the values that are wanted."""


@dataclass(frozen=True, kw_only=True)
class Completeness:
    """What was found of a corpus, and what was expected."""

    found: int
    """Clips that were found."""
    expected: int | None
    """Clips of the complete corpus; None where the card doesn't know."""
    edition: str | None
    """Which of the card's editions the counts were held against; None for its main one."""
    by_label: Differing
    """Raw labels whose number differs."""
    by_speaker: Differing
    """Speakers whose number differs, of those that the card counts."""

    @property
    def complete(self) -> bool:
        """Whether nothing is known to be missing or extra."""
        return not self.by_label and not self.by_speaker


def completeness(
    card: Card, labels: Mapping[str | None, int], speakers: Mapping[str, int], only: Only | None = None
) -> Completeness:
    """How the clips on disk compare with the card.

    labels, speakers: clips found, by raw label and by speaker, whatever split they are in.
    only: what the reading is restricted to. Labels are then left alone, since a card doesn't count them by
    speaker; the wanted speakers are counted.
    """
    chosen = {name for name, speaker in card.speakers.items() if speaker.clips is not None}
    if only:
        chosen = {name for name in chosen if _wanted(card, name, only)}
    counted = {name: card.speakers[name].clips or 0 for name in chosen}
    by_speaker = {name: (speakers.get(name, 0), n) for name, n in counted.items() if speakers.get(name, 0) != n}
    if only:
        expected = sum(counted.values()) if counted and "label" not in only else None
        found = sum(speakers.get(name, 0) for name in chosen)
        return Completeness(found=found, expected=expected, edition=None, by_label={}, by_speaker=by_speaker)
    edition, counts = _edition(card, labels)
    folded = _folded(card, labels)
    by_label = {raw: (folded.pop(_fold(card, raw), 0), n) for raw, n in counts.items()}
    by_label |= {raw: (n, 0) for raw, n in folded.items()} if counts else {}
    return Completeness(
        found=sum(labels.values()),
        expected=sum(counts.values()) if counts else None,
        edition=edition,
        by_label={raw: pair for raw, pair in by_label.items() if pair[0] != pair[1]},
        by_speaker={} if edition is not None else dict(sorted(by_speaker.items())),
    )


def _edition(card: Card, labels: Mapping[str | None, int]) -> tuple[str | None, Mapping[str, int]]:
    """The edition whose counts lie nearest to those found, the main one unless another is nearer.

    A corpus without a main edition grows from release to release: its editions are only recognised.
    """
    folded = _folded(card, labels)
    choices: list[tuple[str | None, Mapping[str, int]]] = [(None, card.expected), *card.editions.items()]

    def distance(counts: Mapping[str, int]) -> int:
        wanted = {_fold(card, raw): n for raw, n in counts.items()}
        return sum(abs(folded.get(raw, 0) - wanted.get(raw, 0)) for raw in {*folded, *wanted})

    nearest = min(
        (choice for choice in choices if choice[1]), key=lambda choice: distance(choice[1]), default=choices[0]
    )
    return nearest if card.expected or not distance(nearest[1]) else choices[0]


def _folded(card: Card, labels: Mapping[str | None, int]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for raw, n in labels.items():
        if raw is not None:
            counts[_fold(card, raw)] = counts.get(_fold(card, raw), 0) + n
    return counts


def _fold(card: Card, raw: str) -> str:
    return raw if card.words.case_sensitive else raw.casefold()


def _wanted(card: Card, name: str, only: Only) -> bool:
    speaker = card.speakers[name]
    told = {"speaker": name, "sex": speaker.sex, "language": speaker.language or card.language}
    return all(told[field] in values for field, values in only.items() if field in told)
