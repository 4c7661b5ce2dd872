"""An audit from beginning to end: entries, audio, judgement, and what `audit.json` holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sv_eval.data.audit.facts import AudioDefect, AudioFacts, ClipFacts
from sv_eval.data.audit.finding import SEVERITIES, Finding
from sv_eval.data.audit.judging import Beside, judge
from sv_eval.data.audit.measure import Job, Measure
from sv_eval.data.audit.pool import measured, workers_for
from sv_eval.data.audit.progress import ProgressLine
from sv_eval.data.audit.settings import CheckSettings
from sv_eval.data.corpus.completeness import Completeness, completeness
from sv_eval.data.corpus.config import DatasetConfig
from sv_eval.data.corpus.entry import Entry
from sv_eval.data.corpus.notes import Note
from sv_eval.data.corpus.reading import open_corpus
from sv_eval.data.corpus.schema import Card
from sv_eval.data.corpus.selection import ALL, ChosenSplit, limited, no_clip
from sv_eval.data.corpus.source import EncodedSource
from sv_eval.data.corpus.split_tests import restriction_test, split_tests, splits_of
from sv_eval.errors import AudioError
from sv_eval.records import Clip

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What an audit found."""

    config: DatasetConfig
    """Which corpus."""
    card: Card
    """What is known about it."""
    settings: CheckSettings
    """The thresholds."""
    clips: tuple[ClipFacts, ...]
    """Its clips, sorted by id."""
    findings: tuple[Finding, ...]
    """The heaviest first."""
    whole: Completeness | None
    """How it compares with the card's counts; None where only a part of it was opened."""
    notes: tuple[Note, ...]
    """What its reader noted, such as files that aren't clips."""
    wall_s: float
    """How long measuring the audio took, seconds."""
    workers: int
    """In how many processes."""

    @property
    def failed(self) -> bool:
        """Whether there is an error that the user hasn't allowed."""
        return any(finding.fails for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """As `audit.json` holds it."""
        decoded = [clip.audio_facts for clip in self.clips if clip.audio_facts is not None]
        looked_at = sum(clip.audio is not None for clip in self.clips)
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": "fail" if self.failed else "pass",
            "dataset": {
                "name": self.config.name,
                "title": self.card.title,
                "root": self.config.root,
                "split": self.config.split,
                "label_map": self.card.labels.hash,
            },
            "n_clips": len(self.clips),
            "n_expected": self.whole.expected if self.whole is not None and self.config.split == ALL else None,
            "n_audio": looked_at,
            "n_speakers": len({clip.speaker for clip in self.clips if clip.speaker is not None}),
            "audio_s": sum(facts.duration_s for facts in decoded),
            "counts": {
                severity: sum(finding.severity == severity for finding in self.findings) for severity in SEVERITIES
            },
            "findings": [finding.to_json() for finding in self.findings],
            "notes": [note.to_json() for note in self.notes],
            "labels": _by_label(self.clips, {} if self.config.only else self.card.expected, self.card),
            "splits": _by_split(self.clips),
            "formats": _formats(decoded),
            "settings": asdict(self.settings),
            "wall_s": self.wall_s,
            "clips_per_s": looked_at / self.wall_s if looked_at and self.wall_s > 0 else None,
            "workers": self.workers,
        }


def audit_corpus(config: DatasetConfig, settings: CheckSettings) -> Audit:
    """The audit of the corpus that `config` describes; raises CorpusError where it can't be opened at all.

    A split restricts the audit to its clips; a limit restricts what is decoded, labels keeping their shares.
    """
    card, found = open_corpus(config)
    description = _Description(config, card)
    clips = sorted(description.clips(found.entries), key=lambda clip: (clip.id, clip.path))
    description.belongs.refuse_empty_other_side()
    if not clips:
        raise no_clip(config, card, description.named, restricted=bool(config.only))
    whole = None
    if found.whole:
        whole = completeness(card, description.known_labels(), description.speakers, config.only)
    chosen = _chosen(clips, config)
    workers = workers_for(len(chosen), settings.workers)
    progress = ProgressLine(len(chosen))
    measure = Measure(limits=config.limits, full_scale=settings.full_scale)
    jobs = (_job(clips[index], found.source) for index in chosen)
    for index, audio in zip(chosen, measured(jobs, measure, workers), strict=True):
        clips[index] = replace(clips[index], audio=audio)
        progress.step()
    unread = () if found.unread is None else tuple(found.unread.sniffed())
    beside = Beside(unread=unread, notes=found.notes)
    return Audit(
        config=config,
        card=card,
        settings=settings,
        clips=tuple(clips),
        findings=tuple(judge(clips, card, settings, config.limits, whole, beside)),
        whole=whole,
        notes=tuple(found.notes),
        wall_s=progress.wall_s,
        workers=workers,
    )


class _Description:
    """Walks the entries: clips as the corpus describes them, and counts of all that there are."""

    def __init__(self, config: DatasetConfig, card: Card) -> None:
        self.belongs, self._wanted = ChosenSplit(card, config.split), restriction_test(config, card)
        self._tests = split_tests(card)
        self._card = card
        self._known: dict[str, str] = {}
        self._emotions: dict[str, str | None] = {}
        self._kinds: dict[tuple[str, ...], tuple[str, ...]] = {}
        self.labels: Counter[str | None] = Counter()
        """All entries by raw label, whatever is wanted."""
        self.speakers: Counter[str] = Counter()
        """All entries by speaker."""
        self.named: dict[str, None] = {}
        """The splits that entries name."""

    def clips(self, entries: Iterable[Entry]) -> Iterator[ClipFacts]:
        """The clips that are wanted; equal words are kept once."""
        for entry in entries:
            label = self._once(entry.label and entry.label.strip())
            speaker = self._once(entry.speaker)
            self.labels[label] += 1
            if speaker is not None:
                self.speakers[speaker] += 1
            if entry.split is not None:
                self.named[entry.split] = None
            if self.belongs(entry) and self._wanted(entry):
                yield self._clip(entry, label, speaker)

    def known_labels(self) -> dict[str | None, int]:
        """Those of the raw labels that the map holds; the others are a finding of their own."""
        return {raw: n for raw, n in self.labels.items() if raw is not None and self._card.labels.canonical(raw)}

    def _clip(self, entry: Entry, label: str | None, speaker: str | None) -> ClipFacts:
        if label is not None and label not in self._emotions:
            self._emotions[label] = self._card.labels.canonical(label)
        splits = splits_of(entry, self._tests)
        return ClipFacts(
            id=entry.id,
            path=entry.path,
            where=entry.where,
            label=label,
            emotion=self._emotions[label] if label is not None else None,
            speaker=speaker,
            transcript=self._once(entry.transcript),
            splits=self._kinds.setdefault(splits, splits),
            start_s=entry.start_s,
            end_s=entry.end_s,
            channel=None if entry.channel is None else int(entry.channel),
        )

    def _once(self, text: str | None) -> str | None:
        return self._known.setdefault(text, text) if text else None


def _chosen(clips: Sequence[ClipFacts], config: DatasetConfig) -> list[int]:
    """Indices of the clips that are decoded."""
    if config.limit is None or config.limit >= len(clips):
        return list(range(len(clips)))
    # The places stand for the ids, which an audit can't rely on.
    proxies = [Clip(id=str(index), reference=clip.label) for index, clip in enumerate(clips)]
    return sorted(int(proxy.id) for proxy in limited(proxies, config.limit, config.seed))


def _job(clip: ClipFacts, source: EncodedSource) -> Job:
    place: Any
    try:
        place = source.encoded(Clip(id=clip.id, path=clip.path, start_s=clip.start_s, end_s=clip.end_s))
    except AudioError as error:
        place = AudioDefect(kind=error.kind, message=str(error))
    return Job(source=place, start_s=clip.start_s, end_s=clip.end_s, channel=clip.channel)


def _by_label(clips: Iterable[ClipFacts], expected: Mapping[str, int], card: Card) -> dict[str, Any]:
    """Raw label to its emotion, its clips and their audio; labels that are expected and missing included."""
    labels: dict[str, dict[str, Any]] = {
        raw: {"emotion": card.labels.canonical(raw), "n": 0, "expected": n, "audio_s": 0.0}
        for raw, n in expected.items()
    }
    for clip in clips:
        row = labels.setdefault(
            clip.label or "", {"emotion": clip.emotion, "n": 0, "expected": None, "audio_s": 0.0}
        )
        row["n"] += 1
        row["audio_s"] += clip.audio_facts.duration_s if clip.audio_facts is not None else 0.0
    return labels


def _by_split(clips: Iterable[ClipFacts]) -> dict[str, Any]:
    """Split to its clips, speakers, and clips by label."""
    splits: dict[str, dict[str, Any]] = {}
    for clip in clips:
        for name in clip.splits:
            row = splits.setdefault(name, {"n": 0, "speakers": set(), "labels": Counter()})
            row["n"] += 1
            row["speakers"].add(clip.speaker)
            row["labels"][clip.label or ""] += 1
    return {
        name: {
            "n": row["n"],
            "n_speakers": len(row["speakers"] - {None}),
            "labels": dict(sorted(row["labels"].items())),
        }
        for name, row in sorted(splits.items())
    }


def _formats(decoded: Iterable[AudioFacts]) -> list[dict[str, Any]]:
    """Container, rate and channels with their clips, the most common first."""
    like = Counter((facts.container, facts.rate_hz, facts.channels) for facts in decoded)
    return [
        {"container": container, "rate_hz": rate, "channels": channels, "n": n}
        for (container, rate, channels), n in like.most_common()
    ]
