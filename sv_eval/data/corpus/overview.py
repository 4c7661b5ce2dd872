"""A line per corpus, as `docs/corpora.md` has it.

`python -m sv_eval.data.corpus.overview docs/corpora.md` renews it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from sv_eval.data.corpus.card import Card, find_card, list_cards
from sv_eval.emotions import OTHER

BEGIN, END = "<!-- begin of the overview -->", "<!-- end of the overview -->"
_HEAD = (
    "`dataset=`",
    "corpus",
    "language",
    "clips",
    "hours",
    "emotions",
    "speakers",
    "splits",
    "licence",
    "get it",
)
_NUMBERED = re.compile(r"(emobox_fold|session)(\d+)(_train)?")
_BUNDLED_OR_COLLECTION = ("demo", "emobox")


def overview(cards: Iterable[Card]) -> str:
    """A Markdown table of corpora, a line each."""
    lines = ["| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD)]
    lines += ["| " + " | ".join(_cells(card)) + " |" for card in cards]
    return "\n".join(lines)


def renewed(page: str, cards: Iterable[Card]) -> str:
    """The page with the table between its two marks written anew; raises ValueError where a mark is missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks the line {BEGIN} or {END}")
    return f"{before}{BEGIN}\n{overview(cards)}\n{END}{after}"


def clip_count(card: Card) -> int | None:
    """Clips of the complete corpus, by the card; None where it grows or nobody counted."""
    by_speaker = [speaker.clips for speaker in card.speakers.values()]
    if card.expected:
        return sum(card.expected.values())
    return sum(n for n in by_speaker if n is not None) if by_speaker and None not in by_speaker else None


def speaker_count(card: Card) -> int | None:
    """Speakers of the complete corpus; None where nobody says."""
    return len(card.speakers) or card.speaker_count


def described_cards() -> list[Card]:
    """The cards of real corpora that come with sv_eval, in the order of their names."""
    return [find_card(name) for name in list_cards() if name not in _BUNDLED_OR_COLLECTION]


def _cells(card: Card) -> tuple[str, ...]:
    count = clip_count(card)
    languages = dict.fromkeys(speaker.language for speaker in card.speakers.values() if speaker.language)
    emotions = ", ".join(card.label_order)
    others = sum(emotion == OTHER for emotion in card.words.map.values())
    return (
        f"[`{card.name}`](../datasets/{card.name}/README.md)",
        card.title,
        card.language or ", ".join(languages) or "several",
        "by release" if count is None else f"{count}",
        "" if card.hours is None else f"{card.hours:g}",
        emotions + (f" (+ {others} as other)" if others else ""),
        str(speaker_count(card) or "unknown"),
        _splits(card),
        card.licence.id,
        f"<{card.source.url}>" if card.source.url else card.source.how.partition(" and give")[0],
    )


def _splits(card: Card) -> str:
    """The names of the splits; numbered ones in one word, and what a fold leaves unsaid."""
    numbers: dict[str, list[int]] = {}
    names: dict[str, None] = {}
    for name in card.splits:
        match = _NUMBERED.fullmatch(name)
        if match is None:
            names[name] = None
        elif not match[3]:
            numbers.setdefault(match[1], []).append(int(match[2]))
    for stem, held in numbers.items():
        first, last = min(held), max(held)
        names[f"{stem}{first}" if first == last else f"{stem}{first}..{last}"] = None
    return ", ".join(names) or "none"


def main() -> None:
    """Writes the table into the page that is named, or prints it."""
    if len(sys.argv) < 2:
        print(overview(described_cards()))
        return
    page = Path(sys.argv[1])
    if not page.is_file():
        print(f"usage: python -m sv_eval.data.corpus.overview [PAGE]; {page} is no file", file=sys.stderr)
        sys.exit(2)
    page.write_text(renewed(page.read_text(encoding="utf-8"), described_cards()), encoding="utf-8")


if __name__ == "__main__":
    main()
