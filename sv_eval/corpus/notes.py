"""The sentences about a corpus that a report prints: what was left out, unscored, disputed or incomplete."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sv_eval.corpus.schema import Card
from sv_eval.emotions import OTHER


def notes_on_corpus(card: Card, found: Counter[str | None]) -> Iterator[str]:
    """What holds for the corpus as it lies on disk; `found` counts its clips by raw label."""
    yield from card.notes
    expected = sum(card.expected.values())
    n_found = sum(found.values())
    differing = [f"{raw} {found[raw]} of {count}" for raw, count in card.expected.items() if found[raw] != count]
    if expected and differing:
        yield f"{n_found} of the {expected} clips that the card expects ({', '.join(differing)})."


def notes_on_labels(card: Card, kept: Counter[str | None]) -> Iterator[str]:
    """What holds for the clips of this run; `kept` counts them by raw label."""
    if unlabelled := kept.get(None, 0):
        yield f"{_clips(unlabelled)} without a label {_are(unlabelled)} run, but not scored."
    disputed = {word.casefold(): why for word, why in card.words.disputed.items()}
    for raw, count in sorted((raw, count) for raw, count in kept.items() if raw is not None):
        emotion = card.labels.canonical(raw)
        why = card.words.disputed.get(raw) or (None if card.words.case_sensitive else disputed.get(raw.casefold()))
        because = f" (disputed: {why.rstrip('.')})" if why else ""
        named = f"{_clips(count)} of {_word(card, raw)}"
        if emotion == OTHER:
            yield f"{named} {_are(count)} kept as 'other': outside the seven emotions, not scored{because}."
        elif because:
            yield f"{named} {_are(count)} scored as {emotion}{because}."


def note_on_limit(limit: int, total: int, seed: int) -> str:
    """What a limit left."""
    return f"{limit} of {total} clips, drawn so that every label keeps its share (dataset.limit, seed {seed})."


def note_on_speakers(strangers: Counter[str]) -> str:
    """Speakers that the card doesn't list."""
    some = ", ".join(sorted(strangers)[:5])
    count = _clips(sum(strangers.values()))
    return f"{count} by speakers that the card doesn't list, so of unknown sex: {some}."


def _word(card: Card, raw: str) -> str:
    meaning = card.words.meanings.get(raw)
    return f"{meaning} ({raw})" if meaning else f"'{raw}'"


def _clips(count: int) -> str:
    return f"{count} clip" if count == 1 else f"{count} clips"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
