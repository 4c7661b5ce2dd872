"""What the cards of corpora say, for a terminal; and the index of a sample."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sv_eval.data.corpus.counting import Counts
from sv_eval.data.corpus.notes import Note
from sv_eval.data.corpus.overview import clip_count, speaker_count
from sv_eval.data.corpus.schema import Card
from sv_eval.data.corpus.unread import UnreadFile
from sv_eval.emotions import OTHER
from sv_eval.foreign_text import cell
from sv_eval.records import Clip
from sv_eval.report.reasons import Coded
from sv_eval.reports.wording import Wording

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_DASH = "–"
_UNREAD = {
    "stray": "Files that aren't named as the corpus names its own",
    "unlisted": "Files that the corpus's table doesn't list",
    "other": "Other files with audio in them, not read",
}
_MOST_SPEAKERS = 40
_TOLD = (
    *("schema_version", "name", "title", "language", "licence", "source", "layout", "words", "citation", "notes"),
    *("label_order", "speakers", "splits", "transcripts", "transcript_group", "expected", "folder"),
)
"""Fields that have a section; any other is printed as it stands."""


def render_list(cards: Sequence[Card], choices: Mapping[str | None, Sequence[str]]) -> str:
    """The cards as a table; choices: names for the command line by card, None for those without one."""

    def draw(console: Console) -> None:
        table = _table(
            "corpus", "language", "clips", "speakers", "emotions", "licence", right=("clips", "speakers")
        )
        for card in cards:
            others = [choice for choice in choices.get(card.name, ()) if choice != card.name]
            name = card.name + (f" ({', '.join(others)})" if others else "")
            others_too = [OTHER] if OTHER in card.words.map.values() else []
            emotions = ", ".join([*card.label_order, *others_too])
            if card.members:
                # A card of several corpora has the words of each in its members.
                emotions = f"{len(card.members)} corpora: name={', '.join(list(card.members)[:3])}, ..."
            row = (", ".join(_languages(card)), _count(clip_count(card)), _count(speaker_count(card)))
            table.add_row(name, *row, emotions, card.licence.id)
        console.print(table)
        if without := choices.get(None, ()):
            console.print(f"Without a card: {', '.join(without)}", highlight=False)

    return _drawn(draw)


def render_card(card: Card, name: str) -> str:
    """Everything that a card says. name: what the command line called it."""

    def draw(console: Console) -> None:
        console.print(f"[bold]{_plain(card.title)}[/bold]")
        facts = {
            "card": f"{card.name}, {card.folder}" if card.folder else f"{card.name} (made up for this choice)",
            "language": ", ".join(_languages(card)) or _DASH,
            "licence": _joined(card.licence.id, card.licence.url, card.licence.note),
            "how to get it": _joined(card.source.how, card.source.url),
            "citation": card.citation or _DASH,
            "clips": _count(clip_count(card)),
        }
        facts |= {
            item.name.replace("_", " "): _plain_value(getattr(card, item.name))
            for item in fields(card)
            if item.name not in _TOLD and getattr(card, item.name)
        }
        _facts(console, facts)
        _labels(console, card)
        _speakers(console, card)
        _splits(console, card)
        _layout(console, card)
        _transcripts(console, card)
        for note in card.notes:
            console.print(f"Note: {_plain(note)}")
        root = "" if card.layout.bundled else " dataset.root=DIR"
        console.print(
            f"\npython -m sv_eval dataset={_plain(name)}{root}", style="bold", highlight=False, soft_wrap=True
        )

    return _drawn(draw)


def render_counts(counts: Counts, card: Card) -> str:
    """What was counted below a root, beside what the card expects."""

    def draw(console: Console) -> None:
        named = sum(1 for speaker in counts.speakers if speaker is not None)
        size = f", {counts.size_bytes / 2**20:.1f} MiB" if counts.size_bytes else ""
        console.print(f"\n[bold]Found: {counts.total} clips, {named} speakers{size}[/bold]", highlight=False)
        table = _table("label", "emotion", "found", "expected", right=("found", "expected"))
        held = Counter[str]()
        for raw, n in counts.labels.items():
            held[_fold(card, raw or "")] += n
        expected = {_fold(card, raw): (raw, str(n)) for raw, n in card.expected.items()}
        for key in [*expected, *sorted(set(held) - set(expected))]:
            raw, wanted = expected.get(key, (key, _DASH))
            emotion = (card.labels.canonical(raw) or "not in the map") if raw else _DASH
            table.add_row(_plain(raw or "(none)"), emotion, str(held[key]), wanted)
        console.print(table)
        if counts.splits:
            parts = ", ".join(f"{_plain(name)} {n}" for name, n in sorted(counts.splits.items()))
            console.print(f"splits: {parts}", highlight=False)

    return _drawn(draw)


def render_beside(notes: Sequence[Note], unread: Sequence[UnreadFile]) -> str:
    """What a reader noted, and the files that hold audio and are no clips; empty for nothing."""
    words = Wording("en")
    lines = [words.note(Coded(note.code, note.values)).replace("\\", "") for note in notes]
    for why, what in _UNREAD.items():
        files = [one for one in unread if one.why == why]
        if not files:
            continue
        kinds = Counter(one.content or "no audio" for one in files)
        counted = ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())
        lines.append(f"{what}: {len(files)} ({counted} by their first bytes), e.g. {cell(files[0].path)}")
        misnamed = [one for one in files if one.misnamed]
        if misnamed:
            example = f"{cell(misnamed[0].path)} is {misnamed[0].content}"
            lines.append(f"  of these {len(misnamed)} aren't what their names say, e.g. {example}")
    return "\n".join(lines)


def render_sample(card: Card, split: str, rows: Sequence[tuple[Clip, Path]]) -> str:
    """The index of a sample in Markdown: its clips and where they lie, relative to it."""
    lines = [
        f"# {cell(card.title)}",
        "",
        f"{len(rows)} clips, split `{cell(split)}`. Licence: {cell(_joined(card.licence.id, card.licence.url))}.",
        "",
        "| emotion | clip | label | speaker | sex | words |",
        "|---|---|---|---|---|---|",
    ]
    for clip, path in rows:
        link = f"[{cell(clip.id)}](<{path.as_posix()}>)"
        texts = (clip.raw_label, clip.speaker, clip.sex, clip.transcript)
        cells = " | ".join(_DASH if text is None else cell(text) for text in texts)
        lines.append(f"| {clip.reference or _DASH} | {link} | {cells} |")
    return "\n".join(lines) + "\n"


def _drawn(draw: Callable[[Console], None]) -> str:
    """What `draw` prints, as text: with colours on a terminal, as wide as it is."""
    from rich.console import Console

    width = shutil.get_terminal_size((120, 24)).columns
    console = Console(force_terminal=sys.stdout.isatty() or None, width=width, file=sys.stdout, emoji=False)
    with console.capture() as capture:
        draw(console)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def _table(*columns: str, right: Sequence[str] = ()) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def _facts(console: Console, facts: Mapping[str, str]) -> None:
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column()
    grid.add_column(overflow="fold")
    for name, text in facts.items():
        grid.add_row(name, _plain(text))
    console.print(grid)


def _labels(console: Console, card: Card) -> None:
    console.print(f"\n[bold]Labels[/bold] (map v{card.words.version}, {card.labels.hash})", highlight=False)
    if not card.folder:
        console.print(
            f"{len(card.words.map)} common words are understood, e.g. {', '.join(list(card.words.map)[:8])}"
        )
        return
    table = _table("label", "meaning", "emotion", "clips", "disputed", right=("clips",))
    for raw, emotion in card.words.map.items():
        n = card.expected.get(raw)
        words = (
            card.words.meanings.get(raw, ""),
            emotion,
            _DASH if n is None else str(n),
            card.words.disputed.get(raw, ""),
        )
        table.add_row(_plain(raw), *map(_plain, words))
    console.print(table)


def _speakers(console: Console, card: Card) -> None:
    if not card.speakers:
        return
    sexes = Counter(speaker.sex or "unknown" for speaker in card.speakers.values())
    counted = ", ".join(f"{n} {sex}" for sex, n in sorted(sexes.items()))
    console.print(f"\n[bold]Speakers[/bold]: {len(card.speakers)} ({counted})", highlight=False)
    for sex in sorted(sexes):
        names = [
            name + (f" ({speaker.age})" if speaker.age is not None else "")
            for name, speaker in card.speakers.items()
            if (speaker.sex or "unknown") == sex
        ]
        more = f" and {len(names) - _MOST_SPEAKERS} more" if len(names) > _MOST_SPEAKERS else ""
        console.print(f"  {sex}: {_plain(', '.join(names[:_MOST_SPEAKERS]))}{more}", highlight=False)


def _splits(console: Console, card: Card) -> None:
    if not card.splits:
        return
    console.print("\n[bold]Splits[/bold]")
    table = _table("split", "clips that", "note")
    for name, rule in card.splits.items():
        parts = [
            f"{item.name.replace('_', ' ')}: {_plain_value(getattr(rule, item.name))}"
            for item in fields(rule)
            if item.name != "note" and getattr(rule, item.name) is not None
        ]
        table.add_row(_plain(name), _plain("; ".join(parts)), _plain(rule.note or ""))
    console.print(table)


def _layout(console: Console, card: Card) -> None:
    console.print("\n[bold]Layout[/bold]")
    blank = type(card.layout)(kind="folder")
    told = {
        item.name: _plain_value(getattr(card.layout, item.name))
        for item in fields(card.layout)
        if item.name == "kind" or getattr(card.layout, item.name) != getattr(blank, item.name)
    }
    _facts(console, told)


def _transcripts(console: Console, card: Card) -> None:
    if card.transcripts:
        console.print("\n[bold]Sentences[/bold]")
        _facts(console, dict(card.transcripts))


def _fold(card: Card, raw: str) -> str:
    return raw if card.words.case_sensitive else raw.casefold()


def _languages(card: Card) -> list[str]:
    told = [card.language, *(speaker.language for speaker in card.speakers.values())]
    return list(dict.fromkeys(language for language in told if language))


def _joined(*parts: str | None) -> str:
    return "; ".join(part.rstrip(".") for part in parts if part)


def _count(n: int | None) -> str:
    return f"{n}" if n else _DASH


def _plain_value(value: Any) -> str:
    """A setting's value in words."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_plain_value(item)}" for key, item in value.items())
    if isinstance(value, tuple | list):
        return ", ".join(map(_plain_value, value))
    if hasattr(value, "__dataclass_fields__"):
        told = {item.name: getattr(value, item.name) for item in fields(value)}
        return ", ".join(f"{key}: {_plain_value(item)}" for key, item in told.items() if item not in (None, (), {}))
    return str(value)


def _plain(text: str) -> str:
    """Text from outside: its brackets are no markup."""
    from rich.markup import escape

    return escape(" ".join(str(text).split()))
