"""What a reader finds before the card has had its say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sv_eval.data.corpus.fingerprint import Ends
from sv_eval.data.corpus.notes import Note
from sv_eval.data.corpus.source import EncodedSource
from sv_eval.data.corpus.unread import UnreadFiles
from sv_eval.records import Clip


@dataclass(slots=True, kw_only=True)
class Entry:
    """One clip in the corpus's own words."""

    id: str
    """Unique within the corpus."""
    path: str
    """Where its audio is, in words for people too; as in Clip."""
    where: str
    """What an error message calls it: the file, or the manifest and its line."""
    label: str | None = None
    """Raw label; None or blank when there is none."""
    speaker: str | None = None
    """As the corpus names the speaker."""
    sex: str | None = None
    """In the corpus's own word."""
    age: str | None = None
    """Years, in digits."""
    accent: str | None = None
    """In the corpus's own word."""
    language: str | None = None
    """BCP 47 tag."""
    arousal: str | None = None
    """A number of the range that is declared for it."""
    valence: str | None = None
    """Likewise."""
    dominance: str | None = None
    """Likewise."""
    transcript: str | None = None
    """The words spoken."""
    split: str | None = None
    """The split that the corpus itself puts it in."""
    start_s: float | None = None
    """Begin in its file, seconds."""
    end_s: float | None = None
    """End in its file, seconds."""
    size_bytes: int | None = None
    """Size of the encoded audio, bytes."""
    votes: Mapping[str, float] | None = None
    """Raters by the corpus's own word, or shares of them; None for none, and where `raters` has them."""
    raters: Mapping[str, tuple[str, ...]] | None = None
    """Rater to the corpus's own words that he or she gave."""
    emotions: tuple[str, ...] | None = None
    """All that is true of it, in the corpus's own words."""
    channel: str | None = None
    """Which channel is heard: a number from 1, `each` until its file was asked, None for the mix."""


@dataclass(frozen=True, kw_only=True)
class OpenedCorpus:
    """What a layout's reader gives: entries to be walked once, and where their audio comes from."""

    entries: Iterator[Entry]
    """The clips, in any order."""
    source: EncodedSource
    """Their audio."""
    ends: Ends
    """Digests of the audio's ends, for the corpus's hash; to be asked once the entries have been walked."""
    expect: Callable[[Sequence[Clip]], None] | None = None
    """Told of clips whose ends are soon asked for; None where they are at hand."""
    notes: list[Note] = field(default_factory=list)
    """For the report; complete once the entries have been walked."""
    variant: str | None = None
    """Which of the card's layout variants was found; None for the layout itself."""
    unread: UnreadFiles | None = None
    """Files that are no clips and may hold audio; complete once the entries have been walked."""
    whole: bool = True
    """Whether the entries are all of the corpus, so that their number tells whether it is complete."""
